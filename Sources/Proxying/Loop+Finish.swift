import Glibc
import HTTPWire
import Pool

extension Loop {
  /// An answer of our own. `closing`: what follows in the input cannot be trusted, or will not be read.
  mutating func reply(_ c: Record, _ status: Int, _ text: String, closing: Bool, retryAfter: Int? = nil) {
    let head = c.pointee.request.head
    let form = form(for: c)
    let bodyless = head.framing == .none || head.framing == .length(0)
    c.pointee.request.keepsAlive =
      !closing && head.keepAlive && mayAskAgain(c) && (c.pointee.request.isConsumed || bodyless)
    if !c.pointee.request.isConsumed, c.pointee.request.keepsAlive {
      c.pointee.agent.input.start += head.byteCount
      c.pointee.request.isConsumed = true
    }
    freeUpload(c)
    if c.pointee.agent.output.isAbsent { c.pointee.agent.output = chunks.take() }
    c.pointee.agent.output.rewind()
    let room = c.pointee.agent.output.room(upTo: chunks.capacity)
    var out = OutputSpan(buffer: room, initializedCount: 0)
    let answer = OwnAnswer(
      status: status, explanation: text, form: form, retryAfter: retryAfter, date: clock.date(at: now))
    _ = writeOwnAnswer(
      answer, keepAlive: c.pointee.request.keepsAlive, method: head.method, to: head.version, into: &out)
    c.pointee.agent.output.end = out.finalize(for: room)
    if log.isOn { noteReply(c, status, text) }
    countAnswer(c, status)
    c.pointee.request.isRefused = status == 403 || status == 503
    if let cause = RefusalCause(status: status) { door.counters.countRefusal(cause) }
    c.pointee.stage = .replying
    c.pointee.agent.isSlow = false
    setDeadline(c, after: idleTimeout)
    flushReply(c)
  }

  /// By what the agent says it understands: in its own head while that is here, later in what was made of it.
  private func form(for c: Record) -> OwnAnswer.Form {
    guard c.pointee.request.isCounted else { return .text }
    let rendered = c.pointee.upload.rendered
    if rendered.isAbsent {
      guard !c.pointee.request.isConsumed else { return .text }
      return c.pointee.request.head.acceptsJSON(c.pointee.agent.input.bytes.span) ? .json : .text
    }
    var head = RequestHead()
    guard case .complete = head.parse(rendered.bytes.span, limits: HeadLimits(maxBytes: chunks.capacity)) else {
      return .text
    }
    return head.acceptsJSON(rendered.bytes.span) ? .json : .text
  }

  /// False: the answer to the request in hand is the connection's last.
  @inline(__always) func mayAskAgain(_ c: Record) -> Bool {
    c.pointee.agent.answered < maxAnswers && c.pointee.agent.pipelined <= maxPipelined && end == nil
  }

  func countAnswer(_ c: Record, _ status: Int) {
    c.pointee.request.isAnswered = true
    c.pointee.request.status = status
    if log.isOn { noteAnswer(c, status) }
    door.counters.countResponse(status: status)
  }

  /// The last bytes of an answer, then the next request or goodbye.
  mutating func flushReply(_ c: Record) {
    guard flush(c) else { return }
    noteWhole(c)
    chunks.giveBack(&c.pointee.agent.output)
    if c.pointee.request.keepsAlive { nextRequest(c) } else { startLingering(c) }
  }

  private mutating func nextRequest(_ c: Record) {
    c.pointee.note?.pointee.record.received &-= c.pointee.agent.input.count
    endRequest(c)
    c.pointee.agent.answered &+= 1
    c.pointee.stage = .head
    guard c.pointee.agent.input.isEmpty else {
      c.pointee.agent.pipelined &+= 1
      // Pipelined: the others have their turn first.
      setDeadline(c, after: headerTimeout)
      return goOnLater(c)
    }
    c.pointee.agent.pipelined = 0
    chunks.giveBack(&c.pointee.agent.input)
    setDeadline(c, after: end == nil ? idleTimeout : min(idleTimeout, idleDrain))
    if c.pointee.agent.isReadable { goOnLater(c) }
  }

  /// Forgets the request, keeps the connection.
  private mutating func endRequest(_ c: Record) {
    if c.pointee.request.isCounted {
      door.counters.requestsInFlight.bump(by: -1)
      if !c.pointee.request.isAnswered { door.counters.cutOff.bump() }
      countDurations(c)
      tallyRequest(c)
    }
    if c.pointee.note != nil { closeNote(c) }
    freeUpload(c)
    c.pointee.download.end()
    c.pointee.request.isCounted = false
    c.pointee.request.isAnswered = false
    c.pointee.request.isConsumed = false
    c.pointee.request.isRetry = false
    c.pointee.request.wasSounded = false
    c.pointee.request.isRefused = false
    c.pointee.request.part = .other
    c.pointee.request.runStatus = nil
    c.pointee.request.work = 0
    c.pointee.request.isRouted = false
    c.pointee.request.hasAsked = false
    c.pointee.request.hadWorker = false
    c.pointee.request.queued = 0
    c.pointee.request.status = 0
    c.pointee.request.received = 0
    c.pointee.upload.sent = 0
    c.pointee.upload.isTouched = false
    c.pointee.upload.isStreamed = false
    c.pointee.upload.isComplete = false
    c.pointee.upload.needsChunkEnd = false
    c.pointee.upload.remainder = .none
    c.pointee.answer.phase = .head
    c.pointee.answer.hasBegun = false
  }

  mutating func freeUpload(_ c: Record) {
    chunks.giveBack(&c.pointee.upload.rendered)
    if c.pointee.upload.body.capacity > 0 { freeStore(c) }
  }

  /// True once the agent has taken all that there was for it.
  @inline(__always)
  mutating func flush(_ c: Record) -> Bool {
    if c.pointee.agent.descriptor < 0 {
      c.pointee.agent.output.rewind()
      return true
    }
    while !c.pointee.agent.output.isEmpty {
      switch send(c, c.pointee.agent.output.bytes) {
      case .moved(let count):
        c.pointee.agent.output.start += count
      case .later:
        watchAgentOutput(c)
        noteSlowAgent(c)
        return false
      case .ended, .failed:
        c.pointee.agent.isBroken = true
        abandon(c)
        return false
      }
    }
    return true
  }

  /// What it did not take at once it must take within its time.
  private func noteSlowAgent(_ c: Record) {
    guard !c.pointee.agent.isSlow, let due = pace.sendDue(c.pointee.agent.output.count, from: now) else { return }
    c.pointee.agent.isSlow = true
    slab.setDeadline(c, min(slab.deadline(slab.index(of: c)), due))
  }

  @inline(__always)
  func send(_ c: Record, _ bytes: UnsafeBufferPointer<UInt8>) -> Transfer {
    let transfer =
      if let tls = c.pointee.agent.tls { tls.send(bytes) } else { Socket.send(c.pointee.agent.descriptor, bytes) }
    if case .moved(let count) = transfer {
      c.pointee.agent.moved &+= count
      c.pointee.note?.pointee.record.sent &+= count
    }
    return transfer
  }

  /// On TCP this stays, since the kernel reports room only after a write that found none.
  mutating func watchAgentOutput(_ c: Record) {
    guard !c.pointee.agent.watchesOutput else { return }
    c.pointee.agent.watchesOutput = true
    poller.change(c.pointee.agent.descriptor, [.connection, .output], agentToken(c))
  }

  /// Says goodbye and waits for the agent's: closing at once would throw away, by a reset, what it has not read yet.
  mutating func startLingering(_ c: Record) {
    endRequest(c)
    chunks.giveBack(&c.pointee.agent.input)
    chunks.giveBack(&c.pointee.agent.output)
    if let tls = c.pointee.agent.tls {
      tls.sayGoodbye()
      tls.free()
      c.pointee.agent.tls = nil
    }
    shutdown(c.pointee.agent.descriptor, Int32(SHUT_WR))
    c.pointee.stage = .lingering
    c.pointee.request.deadline = now + linger
    setDeadline(c, after: min(linger, lingerTimeout))
    c.pointee.agent.isReadable = true
    linger(c)
  }

  mutating func linger(_ c: Record) {
    for _ in 0..<Self.burst {
      switch receive(c, into: scratch) {
      case .moved(let count):
        c.pointee.request.received += count
        // No more than a body may have.
        guard c.pointee.request.received <= maxBody else { return closeAgent(c) }
        slab.setDeadline(c, min(c.pointee.request.deadline, now + lingerTimeout))
        if !c.pointee.agent.isReadable { return }
      case .later: return
      case .ended, .failed: return closeAgent(c)
      }
    }
    goOnLater(c)
  }

  /// The end of a connection, at once. It holds no claim any more.
  mutating func closeAgent(_ c: Record) {
    precondition(c.pointee.worker.claim == nil, "a connection was closed with a claim in hand")
    dropAgent(c)
    endRequest(c)
    chunks.giveBack(&c.pointee.agent.input)
    chunks.giveBack(&c.pointee.agent.output)
    c.pointee.agent.identity.free()
    slab.giveBack(c)
  }

  /// Closes the agent's socket alone. A broken-off answer ends in a reset, so that nobody takes it for whole.
  mutating func dropAgent(_ c: Record, reset: Bool = false) {
    guard c.pointee.agent.descriptor >= 0 else { return }
    c.pointee.agent.tls?.free()
    c.pointee.agent.tls = nil
    if reset { Socket.reset(c.pointee.agent.descriptor) } else { close(c.pointee.agent.descriptor) }
    c.pointee.agent.descriptor = -1
    if c.pointee.agent.isCountedByAddress, let address = c.pointee.agent.peer.address {
      shared.addresses.leave(address)
    }
    c.pointee.agent.isCountedByAddress = false
    shared.connections.subtract(1, ordering: .relaxed)
    door.load.subtract(1, ordering: .relaxed)
    door.counters.connections.bump(by: -1)
  }
}
