import Glibc
import HTTPWire
import Pool

extension Loop {
  /// Brings the worker's answer down: reads only once the agent has taken what was read before, so a slow agent holds
  /// at most one chunk of it here.
  mutating func relayAnswer(_ c: Record) {
    for _ in 0..<Self.burst {
      if c.pointee.answer.hasBegun, !flush(c) { return }
      guard c.pointee.worker.isReadable else { return restOutput(c) }
      guard receiveAnswer(c) else { return }
      if case .complete = c.pointee.answer.phase { return finishAnswer(c) }
    }
    goOnLater(c)
  }

  /// Between reads the chunk goes back, unless it holds the beginning of a head.
  private mutating func restOutput(_ c: Record) {
    if c.pointee.agent.output.isEmpty { chunks.giveBack(&c.pointee.agent.output) }
  }

  /// One read. False: there was nothing, or the exchange took another turn.
  private mutating func receiveAnswer(_ c: Record) -> Bool {
    makeRoomForAnswer(c)
    let room = c.pointee.agent.output.room(upTo: chunks.capacity)
    switch Socket.receive(c.pointee.worker.descriptor, into: room) {
    case .moved(let count):
      c.pointee.worker.isReadable = count == room.count || c.pointee.worker.hasEnded
      c.pointee.agent.isSlow = false
      let start = c.pointee.agent.output.end
      c.pointee.agent.output.end += count
      return takeAnswer(c, from: start)
    case .later:
      c.pointee.worker.isReadable = false
      restOutput(c)
      return false
    case .ended: return answerEnded(c, nil)
    case .failed(let code): return answerEnded(c, code)
    }
  }

  private mutating func makeRoomForAnswer(_ c: Record) {
    if c.pointee.agent.output.isAbsent { c.pointee.agent.output = chunks.take() }
    guard c.pointee.agent.output.isEmpty else { return }
    switch c.pointee.answer.phase {
    case .head: c.pointee.agent.output.rewind(to: Self.headroom)
    case .length, .chunked, .untilClose, .complete: c.pointee.agent.output.rewind()
    }
  }

  @inline(__always)
  private mutating func takeAnswer(_ c: Record, from start: Int) -> Bool {
    switch c.pointee.answer.phase {
    case .head: return takeAnswerHead(c)
    case .length, .chunked, .untilClose, .complete:
      setProgressDeadline(c)
      return takeAnswerBody(c, from: start)
    }
  }

  private mutating func takeAnswerHead(_ c: Record) -> Bool {
    while true {
      let bytes = c.pointee.agent.output.bytes
      let method = c.pointee.request.head.method
      switch c.pointee.answer.head.parse(bytes.span, to: method, limits: headLimits) {
      case .incomplete: return true
      case .refused(let refusal):
        badAnswer(c, refusal.explanation)
        return false
      case .complete:
        guard c.pointee.answer.head.isInformational else { return beginAnswer(c) }
        guard relayInterim(c) else { return false }
      }
    }
  }

  /// 100 was answered by ourselves; others are for agents that know them (RFC 9110 §15.2).
  private mutating func relayInterim(_ c: Record) -> Bool {
    let head = c.pointee.answer.head
    let bytes = c.pointee.agent.output.bytes
    c.pointee.answer.interims += 1
    guard c.pointee.answer.interims <= shared.limits.maxInterimResponses else {
      badAnswer(c, "More than \(shared.limits.maxInterimResponses) interim responses came to one request.")
      return false
    }
    c.pointee.agent.output.start += head.byteCount
    guard head.status != 100, c.pointee.request.head.version == .http11, c.pointee.agent.descriptor >= 0 else {
      return true
    }
    var out = OutputSpan(buffer: scratch, initializedCount: 0)
    _ = writeResponse(head, bytes.span, to: .http11, framing: .none, keepAlive: true, into: &out)
    let count = out.finalize(for: scratch)
    door.counters.countResponse(status: head.status)
    c.pointee.note?.pointee.record.sentHeads &+= count
    // Nothing else is on its way to the agent, so a socket that does not take these few bytes is of no use.
    guard case .moved(count) = send(c, UnsafeBufferPointer(rebasing: scratch[..<count])) else {
      c.pointee.agent.isBroken = true
      abandon(c)
      return false
    }
    return true
  }

  /// The head is written anew right in front of the body bytes that came with it.
  private mutating func beginAnswer(_ c: Record) -> Bool {
    let framing = frameAnswer(c)
    decidePersistence(c, framing)
    let bytes = c.pointee.agent.output.bytes
    var out = OutputSpan(buffer: scratch, initializedCount: 0)
    _ = writeResponse(
      c.pointee.answer.head, bytes.span, to: c.pointee.request.head.version, framing: framing,
      keepAlive: c.pointee.request.keepsAlive, date: clock.date(at: now), into: &out)
    let count = out.finalize(for: scratch)
    let bodyStart = c.pointee.agent.output.start + c.pointee.answer.head.byteCount
    guard count > 0, count <= bodyStart, let base = c.pointee.agent.output.base, let source = scratch.baseAddress
    else {
      badAnswer(c, "The head is too large.")
      return false
    }
    memcpy(base + bodyStart - count, source, count)
    c.pointee.agent.output.start = bodyStart - count
    c.pointee.note?.pointee.record.sentHeads &+= count
    c.pointee.answer.hasBegun = true
    countAnswer(c, c.pointee.answer.head.status)
    if c.pointee.upload.isComplete { freeUpload(c) }
    setProgressDeadline(c)
    return takeAnswerBody(c, from: bodyStart)
  }

  /// How the body ends, here and on its way down.
  private func frameAnswer(_ c: Record) -> BodyFraming {
    let framing = c.pointee.answer.head.framing
    switch framing {
    case .none: c.pointee.answer.phase = .length(0)
    case .length(let length): c.pointee.answer.phase = .length(length)
    case .untilClose: c.pointee.answer.phase = .untilClose
    case .chunked:
      c.pointee.answer.scanner = ChunkScanner()
      let unwrap = c.pointee.request.head.version == .http10
      c.pointee.answer.phase = .chunked(unwrap: unwrap)
      return unwrap ? .untilClose : .chunked
    }
    return framing
  }

  private func decidePersistence(_ c: Record, _ framing: BodyFraming) {
    c.pointee.request.keepsAlive =
      c.pointee.request.head.keepAlive && framing != .untilClose && c.pointee.upload.isComplete && mayAskAgain(c)
  }

  /// Weighs body bytes from `start` on; what goes beyond the body spoils the connection and goes nowhere.
  private mutating func takeAnswerBody(_ c: Record, from start: Int) -> Bool {
    let count = c.pointee.agent.output.end - start
    switch c.pointee.answer.phase {
    case .length(let left):
      if count > left { endBody(c, at: start + left) }
      c.pointee.answer.phase = count >= left ? .complete : .length(left - count)
    case .untilClose: break
    case .chunked(unwrap: false): return followChunks(c, from: start)
    case .chunked(unwrap: true): return unwrapChunks(c, from: start)
    case .head, .complete: break
    }
    return true
  }

  private func endBody(_ c: Record, at end: Int) {
    if c.pointee.agent.output.end > end { c.pointee.worker.isSpoiled = true }
    c.pointee.agent.output.end = end
  }

  private mutating func followChunks(_ c: Record, from start: Int) -> Bool {
    guard let base = c.pointee.agent.output.base else { return false }
    let bytes = UnsafeBufferPointer(start: base + start, count: c.pointee.agent.output.end - start)
    switch c.pointee.answer.scanner.follow(bytes.span, limits: chunkLimits) {
    case .more: return true
    case .ended(let count):
      endBody(c, at: start + count)
      c.pointee.answer.phase = .complete
      return true
    case .invalid:
      cut(c, "the worker's chunked framing is broken")
      return false
    }
  }

  private mutating func unwrapChunks(_ c: Record, from start: Int) -> Bool {
    guard let base = c.pointee.agent.output.base else { return false }
    let end = c.pointee.agent.output.end
    var (at, kept) = (start, start)
    while true {
      let rest = UnsafeBufferPointer(start: base + at, count: end - at)
      switch c.pointee.answer.scanner.scan(rest.span, limits: chunkLimits) {
      case .framing(let count), .trailer(let count): at += count
      case .payload(let count):
        memmove(base + kept, base + at, count)
        kept += count
        at += count
      case .needMore:
        c.pointee.agent.output.end = kept
        return true
      case .end(let count):
        if at + count < end { c.pointee.worker.isSpoiled = true }
        c.pointee.agent.output.end = kept
        c.pointee.answer.phase = .complete
        return true
      case .invalid:
        cut(c, "the worker's chunked framing is broken")
        return false
      }
    }
  }

  /// The worker closed its connection: the end of some answers, the loss of others.
  private mutating func answerEnded(_ c: Record, _ code: Int32?) -> Bool {
    c.pointee.worker.hasEnded = true
    switch c.pointee.answer.phase {
    case .head: workerFailed(c, code)
    case .untilClose where code == nil:
      c.pointee.answer.phase = .complete
      return true
    case .untilClose, .length, .chunked: cut(c, "the worker broke off its answer")
    case .complete: return true
    }
    return false
  }
}
