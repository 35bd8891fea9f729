import Glibc
import HTTPWire
import Pool

extension Loop {
  /// A worker is claimed: the request goes over the connection that came with the claim, or over a new one.
  mutating func begin(_ c: Record, _ claim: Claim) {
    c.pointee.worker = WorkerSide()
    c.pointee.worker.claim = claim
    leaveQueue(c)
    c.pointee.request.hadWorker = true
    c.pointee.request.taken = now
    if log.isOn { noteClaim(c, claim) }
    if claim.beginsRun { shared.outbox.ring() }
    c.pointee.request.isSuspect = false
    c.pointee.request.overdue = (instant + shared.pools[claim.pool].requestTimeout).nanoseconds
    guard let kept = claim.connection else { return connect(c, claim) }
    adopt(c, kept)
    // A second try must not fail for the same reason as the first.
    if c.pointee.request.isRetry {
      closeWorker(c)
      return connect(c, claim)
    }
    // A closed connection is found out by sending, and the request goes again. One that must not go twice is not
    // put to that test.
    if !c.pointee.request.isRepeatable, Socket.isSpoiled(kept.descriptor) {
      closeWorker(c)
      return connect(c, claim)
    }
    startExchange(c)
  }

  /// The connection may be watched by another loop until now.
  private mutating func adopt(_ c: Record, _ kept: KeptConnection) {
    c.pointee.worker.descriptor = kept.descriptor
    c.pointee.worker.isReused = true
    let index = slab.index(of: c)
    if kept.loop == id {
      c.pointee.worker.serial = kept.serial
      workers.assign(kept.descriptor, to: index)
    } else {
      Poller.remove(kept.descriptor, from: shared.doors[Int(kept.loop)].poller)
      c.pointee.worker.serial = workers.open(kept.descriptor, for: index)
      poller.add(kept.descriptor, .connection, workerToken(c))
    }
  }

  private mutating func connect(_ c: Record, _ claim: Claim) {
    let (descriptor, state) = Socket.connect(to: shared.ledger.withLock { $0.endpoint(of: claim) })
    if case .failed(let code) = state { return workerRefused(c, code) }
    c.pointee.worker.descriptor = descriptor
    c.pointee.worker.isReused = false
    c.pointee.worker.serial = workers.open(descriptor, for: slab.index(of: c))
    switch state {
    case .moved, .ended, .failed:
      poller.add(descriptor, .connection, workerToken(c))
      startExchange(c)
    case .later:
      c.pointee.stage = .connecting
      setDeadline(c, after: connectTimeout)
      c.pointee.worker.watchesOutput = true
      poller.add(descriptor, [.connection, .output], workerToken(c))
    }
  }

  mutating func finishConnecting(_ c: Record) {
    let code = Socket.pendingError(c.pointee.worker.descriptor)
    guard code == 0 else { return workerRefused(c, code) }
    c.pointee.worker.isReadable = false
    startExchange(c)
  }

  @inline(__always) private func workerToken(_ c: Record) -> Token {
    Token(.upstream, UInt32(bitPattern: c.pointee.worker.descriptor), serial: c.pointee.worker.serial)
  }

  @inline(__always)
  private mutating func startExchange(_ c: Record) {
    c.pointee.stage = .exchanging
    c.pointee.answer.phase = .head
    c.pointee.answer.hasBegun = false
    c.pointee.answer.interims = 0
    if c.pointee.upload.isStreamed { resumeBodyClock(c) } else { slab.setDeadline(c, c.pointee.request.overdue) }
    // One that must not go twice goes while it is known that its worker listens.
    if c.pointee.request.isRepeatable { requestsToSend.append(ticket(c)) } else { sendRequest(c) }
  }

  /// As far as it is not sent yet.
  @inline(__always)
  mutating func sendRequest(_ c: Record) {
    streamBody(c)
    if c.pointee.stage == .exchanging, c.pointee.worker.refusesInput { relayAnswer(c) }
  }

  /// Moves the request on: what was stored first, then what still comes from the agent.
  mutating func streamBody(_ c: Record) {
    if c.pointee.upload.isComplete || c.pointee.worker.refusesInput { return }
    guard sendStored(c) else { return }
    switch c.pointee.upload.remainder {
    case .none: c.pointee.upload.isComplete = true
    case .length: streamSizedBody(c)
    case .chunked: streamChunkedBody(c)
    }
    if c.pointee.upload.isComplete, c.pointee.worker.watchesOutput { stopWatchingWorkerOutput(c) }
  }

  /// The head and the body that is in memory; true once all of it is gone.
  @inline(__always)
  mutating func sendStored(_ c: Record) -> Bool {
    let rendered = c.pointee.upload.rendered.bytes
    let body = c.pointee.upload.body.bytes
    while c.pointee.upload.sent < rendered.count + body.count {
      let sent = c.pointee.upload.sent
      let transfer =
        sent < rendered.count
        ? Socket.send(
          c.pointee.worker.descriptor, UnsafeBufferPointer(rebasing: rendered[sent...]), body)
        : Socket.send(c.pointee.worker.descriptor, UnsafeBufferPointer(rebasing: body[(sent - rendered.count)...]))
      guard let count = accept(c, transfer) else { return false }
      c.pointee.upload.sent += count
      c.pointee.upload.isTouched = true
    }
    return true
  }

  /// How many bytes the worker took; nil: none for now, or never again.
  @inline(__always)
  mutating func accept(_ c: Record, _ transfer: Transfer) -> Int? {
    switch transfer {
    case .moved(let count):
      if c.pointee.worker.isFull { noteRoom(c) }
      return count
    case .later:
      if !c.pointee.worker.isFull { noteFull(c) }
      watchWorkerOutput(c)
      return nil
    case .ended, .failed:
      // It may have answered before it closed.
      c.pointee.worker.refusesInput = true
      c.pointee.worker.isReadable = true
      return nil
    }
  }

  /// While the worker takes nothing, the agent is not late.
  private func noteFull(_ c: Record) {
    c.pointee.worker.isFull = true
    if c.pointee.upload.isStreamed { setProgressDeadline(c) }
  }

  private func noteRoom(_ c: Record) {
    c.pointee.worker.isFull = false
    if c.pointee.upload.isStreamed { resumeBodyClock(c) }
  }

  private func resumeBodyClock(_ c: Record) {
    startBodyClock(c)
    setUploadDeadline(c)
  }

  private mutating func watchWorkerOutput(_ c: Record) {
    guard !c.pointee.worker.watchesOutput else { return }
    c.pointee.worker.watchesOutput = true
    poller.change(c.pointee.worker.descriptor, [.connection, .output], workerToken(c))
  }

  /// A unix socket would report each byte that the worker takes from it.
  mutating func stopWatchingWorkerOutput(_ c: Record) {
    c.pointee.worker.watchesOutput = false
    poller.change(c.pointee.worker.descriptor, .connection, workerToken(c))
  }

  /// The next byte of a streamed body is due.
  func setUploadDeadline(_ c: Record) {
    slab.setDeadline(c, min(c.pointee.request.overdue, now + idleTimeout, c.pointee.request.bodyDue))
  }

  /// The next byte is due within the idle timeout, the answer before it is overdue.
  @inline(__always) func setProgressDeadline(_ c: Record) {
    slab.setDeadline(c, min(c.pointee.request.overdue, now + idleTimeout))
  }
}
