import Glibc
import HTTPWire
import Pool

extension Loop {
  /// Decides how much of the body is read before a worker is asked for.
  mutating func startBody(_ c: Record) {
    // That of a file which is not to be had after all.
    c.pointee.note?.pointee.record.sentHeads = 0
    switch c.pointee.request.head.framing {
    case .none, .untilClose: return prepare(c, .none)
    case .length(let length):
      guard length <= maxBody else { return refuseLargeBody(c) }
      c.pointee.upload.remainder = .length(length)
    case .chunked:
      c.pointee.upload.scanner = ChunkScanner()
      c.pointee.upload.remainder = .chunked
    }
    c.pointee.stage = .intake
    startBodyClock(c)
    slab.setDeadline(c, min(now + idleTimeout, c.pointee.request.bodyDue))
    readBody(c)
  }

  /// Reads the body, or as much of it as is stored.
  mutating func readBody(_ c: Record) {
    switch c.pointee.upload.remainder {
    case .none: prepare(c, .none)
    case .length(let left): readSizedBody(c, left)
    case .chunked: readChunkedBody(c)
    }
  }

  /// The body, or what is left of it, begins to be read now.
  func startBodyClock(_ c: Record) { c.pointee.request.bodyDue = pace.bodyDue(from: now) }

  /// So many bytes of it came; the next are due.
  private func noteBody(_ c: Record, _ count: Int) {
    c.pointee.request.bodyDue = pace.bodyDue(c.pointee.request.bodyDue, after: count)
    slab.setDeadline(c, min(now + idleTimeout, c.pointee.request.bodyDue))
  }

  /// Beside its head if it fits, otherwise in memory of its own.
  private mutating func readSizedBody(_ c: Record, _ length: Int) {
    let headCount = c.pointee.request.head.byteCount
    if length <= maxBufferedBody, headCount + length <= chunks.capacity {
      readBodyBesideHead(c, headCount + length)
    } else {
      storeSizedBody(c, length)
    }
  }

  private mutating func readBodyBesideHead(_ c: Record, _ wanted: Int) {
    c.pointee.agent.input.compact()
    while c.pointee.agent.input.count < wanted {
      guard inviteBody(c) else { return }
      switch receive(c) {
      case .moved(let count): noteBody(c, count)
      case .later: return
      case .ended, .failed: return closeAgent(c)
      }
    }
    c.pointee.upload.remainder = .none
    prepare(c, .length(wanted - c.pointee.request.head.byteCount))
  }

  private mutating func storeSizedBody(_ c: Record, _ length: Int) {
    let wanted = min(length, maxBufferedBody)
    moveBodyToStore(c, upTo: wanted)
    while c.pointee.upload.body.count < wanted, storedBytes < maxStoredBytes {
      guard inviteBody(c) else { return }
      growStore(c, 1, limit: wanted)
      let room = c.pointee.upload.body.room
      switch receive(c, into: room) {
      case .moved(let count):
        c.pointee.upload.body.wrote(count)
        noteBody(c, count)
      case .later: return
      case .ended, .failed: return closeAgent(c)
      }
    }
    let left = length - c.pointee.upload.body.count
    c.pointee.upload.remainder = left == 0 ? .none : .length(left)
    if left > 0 { streamRest(c, .length(length)) } else { prepare(c, .length(length)) }
  }

  /// What came in together with the head.
  private mutating func moveBodyToStore(_ c: Record, upTo wanted: Int) {
    let start = c.pointee.agent.input.start + c.pointee.request.head.byteCount
    let count = min(c.pointee.agent.input.end - start, wanted - c.pointee.upload.body.count)
    guard count > 0, let base = c.pointee.agent.input.base else { return }
    growStore(c, count, limit: wanted)
    c.pointee.upload.body.append(UnsafeBufferPointer(start: base + start, count: count), limit: wanted)
    cutInput(c, from: start, count: count)
  }

  /// Takes bytes out of the input behind the head that stays there.
  private func cutInput(_ c: Record, from start: Int, count: Int) {
    guard let base = c.pointee.agent.input.base else { return }
    memmove(base + start, base + start + count, c.pointee.agent.input.end - start - count)
    c.pointee.agent.input.end -= count
  }

  mutating func growStore(_ c: Record, _ more: Int, limit: Int) {
    storedBytes -= c.pointee.upload.body.capacity
    c.pointee.upload.body.reserve(more, limit: limit)
    storedBytes += c.pointee.upload.body.capacity
  }

  mutating func freeStore(_ c: Record) {
    storedBytes -= c.pointee.upload.body.capacity
    c.pointee.upload.body.free()
  }

  /// The framing is taken out. What stays within the limit goes on with its length, more is streamed in chunks.
  private mutating func readChunkedBody(_ c: Record) {
    let start = c.pointee.request.head.byteCount
    while true {
      c.pointee.agent.input.compact()
      switch storePayload(c, from: start) {
      case .whole:
        c.pointee.upload.remainder = .none
        return prepare(c, .length(c.pointee.upload.body.count))
      case .full: return streamRest(c, .chunked)
      case .refused: return
      case .wantsMore: break
      }
      guard inviteBody(c) else { return }
      switch receive(c) {
      case .moved(let count): noteBody(c, count)
      case .later: return
      case .ended, .failed: return closeAgent(c)
      }
    }
  }

  private enum Intake { case wantsMore, whole, full, refused }

  private mutating func storePayload(_ c: Record, from start: Int) -> Intake {
    guard let base = c.pointee.agent.input.base else { return .wantsMore }
    var at = start
    while true {
      let rest = UnsafeBufferPointer(start: base + at, count: c.pointee.agent.input.end - at)
      switch c.pointee.upload.scanner.scan(rest.span, limits: chunkLimits) {
      case .framing(let count), .trailer(let count): at += count
      case .payload(let count):
        c.pointee.request.received += count
        guard c.pointee.request.received <= maxBody else {
          refuseLargeBody(c)
          return .refused
        }
        // The limit may be passed by what one read brought; then the rest is streamed.
        growStore(c, count, limit: .max)
        c.pointee.upload.body.append(UnsafeBufferPointer(start: base + at, count: count), limit: .max)
        at += count
      case .needMore:
        cutInput(c, from: start, count: at - start)
        let full = c.pointee.upload.body.count >= maxBufferedBody || storedBytes >= maxStoredBytes
        return full ? .full : .wantsMore
      case .end(let count):
        cutInput(c, from: start, count: at + count - start)
        return .whole
      case .invalid(let refusal):
        reply(c, refusal.status, refusal.explanation, closing: true)
        return .refused
      }
    }
  }

  /// No more is stored: a worker is asked for, and the rest goes through.
  private mutating func streamRest(_ c: Record, _ framing: ForwardedFraming) {
    guard giveGoAhead(c) else { return }
    c.pointee.upload.isStreamed = true
    prepare(c, framing)
  }

  /// True where there may be bytes to read.
  private mutating func inviteBody(_ c: Record) -> Bool { giveGoAhead(c) && c.pointee.agent.isReadable }

  /// For an agent that waits for it. False: it is gone.
  private mutating func giveGoAhead(_ c: Record) -> Bool {
    guard c.pointee.request.waitsForContinue else { return true }
    c.pointee.request.waitsForContinue = false
    if sendContinue(c) { return true }
    closeAgent(c)
    return false
  }

  private mutating func sendContinue(_ c: Record) -> Bool {
    var line = OutputSpan(buffer: scratch, initializedCount: 0)
    _ = writeContinue(into: &line)
    let count = line.finalize(for: scratch)
    // The socket's buffer is empty here, or nearly: it takes these few bytes or the connection is of no use.
    guard case .moved(count) = send(c, UnsafeBufferPointer(rebasing: scratch[..<count])) else { return false }
    c.pointee.note?.pointee.record.sentHeads &+= count
    return true
  }

  private mutating func refuseLargeBody(_ c: Record) {
    reply(c, 413, "The body is larger than the limit of \(shared.limits.maxBodySize).", closing: true)
  }

  /// Writes the head as the worker gets it, with the body beside it if it fits, and asks for a worker.
  mutating func prepare(_ c: Record, _ framing: ForwardedFraming) {
    let agent = c.pointee.agent
    let certificate = agent.identity.isVerified ? agent.tls?.certificate : nil
    guard let count = agent.identity.write(c.pointee.request.head.version, certificate: certificate, into: scratch)
    else { return reply(c, 503, "There is no memory to say who asks.", closing: true) }
    let identity = UnsafeBufferPointer(rebasing: scratch[..<count])
    var rendered = chunks.take()
    let input = c.pointee.agent.input.bytes
    var out = OutputSpan(buffer: rendered.room(upTo: chunks.capacity - 32), initializedCount: 0)
    // Room is left for the size line of a chunk.
    let written = writeRequest(
      c.pointee.request.head, input.span, identity: identity.span, requestID: requestID(c).span, framing: framing,
      into: &out)
    rendered.end = out.finalize(for: rendered.room(upTo: chunks.capacity - 32))
    guard written else {
      chunks.giveBack(&rendered)
      return reply(c, 431, "The head is too large to be passed on.", closing: true)
    }
    c.pointee.agent.input.start += c.pointee.request.head.byteCount
    let headBytes = rendered.count
    if case .length(let length) = framing, !c.pointee.upload.isStreamed, c.pointee.upload.body.count == 0 {
      moveBody(c, length, into: &rendered)
    }
    if case .chunked = framing, c.pointee.upload.body.count > 0 {
      rendered.append(chunkOf: c.pointee.upload.body.count)
      c.pointee.upload.needsChunkEnd = true
    }
    c.pointee.request.isConsumed = !c.pointee.upload.isStreamed
    if c.pointee.agent.input.isEmpty { chunks.giveBack(&c.pointee.agent.input) }
    c.pointee.upload.rendered = rendered
    readReport(c, besideHeadOf: headBytes)
    requestClaim(c)
  }

  private mutating func moveBody(_ c: Record, _ length: Int, into rendered: inout Chunk) {
    let input = c.pointee.agent.input
    let count = min(length, input.count)
    guard let base = input.base else { return }
    let body = UnsafeBufferPointer(start: UnsafePointer(base + input.start), count: count)
    if rendered.end + count <= chunks.capacity {
      rendered.append(body)
    } else {
      growStore(c, count, limit: count)
      c.pointee.upload.body.append(body, limit: count)
    }
    c.pointee.agent.input.start += count
  }
}
