import Glibc
import HTTPWire
import Pool

/// What a verified node's request leaves behind for the account of nodes: one look into the loop's own tally, when the
/// request is over.
extension Loop {
  /// The request has found its route; its connection may not have said yet what its agent is.
  func noteNode(_ c: Record, _ part: RunPart) {
    c.pointee.request.part = part
    guard c.pointee.agent.identity.isVerified, !c.pointee.agent.isVersionRead else { return }
    c.pointee.agent.isVersionRead = true
    let bytes = c.pointee.agent.input.bytes
    let head = c.pointee.request.head
    if let range = head.field("x-puppet-version", in: bytes.span) {
      c.pointee.agent.version = AgentVersion(bytes.span.extracting(range))
    } else if let range = head.field("user-agent", in: bytes.span) {
      c.pointee.agent.version = AgentVersion(userAgent: bytes.span.extracting(range))
    }
  }

  /// As much of the report as is in memory by the time a worker is asked for.
  func readReport(_ c: Record, besideHeadOf headBytes: Int) {
    guard c.pointee.request.part == .report, c.pointee.agent.identity.isVerified else { return }
    let stored = c.pointee.upload.body.bytes
    let body =
      stored.isEmpty
      ? UnsafeBufferPointer(rebasing: c.pointee.upload.rendered.bytes.dropFirst(headBytes)) : stored
    c.pointee.request.runStatus = RunStatus(report: body.span)
  }

  /// Its last byte is gone, or it will never have one.
  @inline(__always)
  mutating func tallyRequest(_ c: Record) {
    guard c.pointee.agent.identity.isVerified else { return }
    let state = c.pointee.request
    let request = NodeRequest(
      state.part, began: Instant(nanoseconds: state.began), ended: instant, bytes: c.pointee.agent.moved,
      isRefused: state.isRefused,
      worked: state.work > 0 && (200..<300).contains(state.status) ? .nanoseconds(state.work) : nil,
      status: state.runStatus, version: c.pointee.agent.version)
    c.pointee.agent.moved = 0
    if tally.isEmpty { door.hasTally.store(true, ordering: .relaxed) }
    tally.add(request, of: c.pointee.agent.identity.node, named: c.pointee.agent.identity.name)
  }

  /// The link wants to know what has been tallied.
  mutating func handOverTally() {
    guard !tally.isEmpty else { return }
    door.hasTally.store(false, ordering: .relaxed)
    var full = NodeTally(expecting: tally.count)
    swap(&full, &tally)
    door.hand(over: full)
    shared.outbox.ring()
  }
}
