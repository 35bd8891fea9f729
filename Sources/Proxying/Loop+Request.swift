import Glibc
import HTTPWire
import Pool

extension Loop {
  /// A head is whole: its path is made plain, its route found, the agent's right to it checked.
  mutating func startRequest(_ c: Record) {
    door.counters.requestsTotal.bump()
    door.counters.requestsInFlight.bump()
    c.pointee.request.isCounted = true
    c.pointee.request.began = now
    if log.isOn { noteRequest(c) }
    c.pointee.request.waitsForContinue = c.pointee.request.head.expectsContinue
    if c.pointee.request.head.method == .options, asksTheServer(c) { return reply(c, 200, "", closing: false) }
    switch normalizedPath(c) {
    case .refused(let refusal): reply(c, refusal.status, refusal.explanation, closing: true)
    case .path(let count): authorize(c, pathCount: count)
    }
  }

  /// RFC 9110 §9.3.7: `OPTIONS *` is about the server as a whole, and §7.6.2: with no hop left, about this one.
  private func asksTheServer(_ c: Record) -> Bool {
    let input = c.pointee.agent.input.bytes
    return c.pointee.request.head.isForServer(input.span) || hasNoHopLeft(c)
  }

  /// Counts this hop where the agent bounds them, in place.
  private func hasNoHopLeft(_ c: Record) -> Bool {
    let input = c.pointee.agent.input
    guard let field = c.pointee.request.head.field("max-forwards", in: input.bytes.span), let base = input.base else {
      return false
    }
    let digits = UnsafeMutableBufferPointer(start: base + input.start + Int(field.start), count: field.count)
    let (zero, nine) = (UInt8(ascii: "0"), UInt8(ascii: "9"))
    guard !digits.isEmpty, digits.allSatisfy({ (zero...nine).contains($0) }) else { return false }
    guard let last = digits.lastIndex(where: { $0 != zero }) else { return true }
    digits[last] -= 1
    for index in (last + 1)..<digits.count { digits[index] = nine }
    return false
  }

  /// Into the scratch.
  private func normalizedPath(_ c: Record) -> PathVerdict {
    let input = c.pointee.agent.input.bytes
    var path = OutputSpan(buffer: scratch, initializedCount: 0)
    let verdict = normalizePath(input.span.extracting(c.pointee.request.head.target), into: &path)
    _ = path.finalize(for: scratch)
    return verdict
  }

  private mutating func authorize(_ c: Record, pathCount: Int) {
    let path = UnsafeBufferPointer(rebasing: scratch[..<pathCount])
    let input = c.pointee.agent.input.bytes
    let name = c.pointee.agent.identity.name
    let method = c.pointee.request.head.methodName
    switch shared.routes.match(path: path.span, method: input.span.extracting(method), identity: name.span) {
    case .forbidden(_, let reason): reply(c, 403, reason.explanation, closing: false)
    case .allowed(let index):
      c.pointee.note?.pointee.route = Int32(truncatingIfNeeded: index)
      let destination = shared.destinations[index]
      c.pointee.request.isRouted = true
      c.pointee.request.pool = destination.pool
      c.pointee.request.priority = destination.priority
      c.pointee.request.route = UInt16(truncatingIfNeeded: index)
      noteNode(c, destination.part)
      c.pointee.request.isRepeatable = destination.retries || c.pointee.request.head.method.isSafe
      if !looksOnDisk(c, pathCount: pathCount) { startBody(c) }
    }
  }
}
