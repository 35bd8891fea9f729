import Glibc
import HTTPWire
import Pool

extension Loop {
  /// A worker is claimed: the request goes over the connection that came with the claim, or over a new one.
  mutating func begin(_ c: Record, _ claim: Claim) {
    c.pointee.worker = WorkerSide()
    c.pointee.worker.claim = claim
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
    sendRequest(c)
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
      sendRequest(c)
    case .later:
      c.pointee.stage = .connecting
      setDeadline(c, after: Self.connectTimeout.wholeNanoseconds)
      c.pointee.worker.watchesOutput = true
      poller.add(descriptor, [.connection, .output], workerToken(c))
    }
  }

  mutating func finishConnecting(_ c: Record) {
    let code = Socket.pendingError(c.pointee.worker.descriptor)
    guard code == 0 else { return workerRefused(c, code) }
    c.pointee.worker.isReadable = false
    sendRequest(c)
  }

  @inline(__always) private func workerToken(_ c: Record) -> Token {
    Token(.upstream, UInt32(bitPattern: c.pointee.worker.descriptor), serial: c.pointee.worker.serial)
  }

  @inline(__always)
  private mutating func sendRequest(_ c: Record) {
    c.pointee.stage = .exchanging
    c.pointee.answer.phase = .head
    c.pointee.answer.hasBegun = false
    if c.pointee.upload.isStreamed { setProgressDeadline(c) } else { slab.setDeadline(c, c.pointee.request.overdue) }
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
  private mutating func sendStored(_ c: Record) -> Bool {
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

  private mutating func streamSizedBody(_ c: Record) {
    for _ in 0..<Self.burst {
      guard case .length(let left) = c.pointee.upload.remainder else { return }
      let input = c.pointee.agent.input.bytes
      if input.isEmpty {
        guard refill(c) else { return }
        continue
      }
      let piece = UnsafeBufferPointer(rebasing: input.prefix(left))
      guard let count = accept(c, Socket.send(c.pointee.worker.descriptor, piece)) else { return }
      c.pointee.agent.input.start += count
      c.pointee.upload.remainder = .length(left - count)
      if left == count { return finishStreaming(c) }
    }
    goOnLater(c)
  }

  /// Each read's payload becomes one chunk: the worker sees framing of our own, and no trailers. The chunk is put
  /// together where the head was.
  private mutating func streamChunkedBody(_ c: Record) {
    for _ in 0..<Self.burst {
      c.pointee.upload.rendered.rewind()
      freeStore(c)
      c.pointee.upload.sent = 0
      guard frameNextPiece(c) else { return }
      guard sendStored(c) else { return }
      if c.pointee.upload.scanner.isEnded { return finishStreaming(c) }
    }
    goOnLater(c)
  }

  /// Longer payloads are taken in pieces; 16 bytes are enough for a size and its line ends.
  private static let framingRoom = 32

  private mutating func frameNextPiece(_ c: Record) -> Bool {
    while true {
      let input = c.pointee.agent.input.bytes
      if c.pointee.upload.needsChunkEnd {
        c.pointee.upload.needsChunkEnd = false
        c.pointee.upload.rendered.append("\r\n")
      }
      switch c.pointee.upload.scanner.scan(input.span) {
      case .framing(let count), .trailer(let count): c.pointee.agent.input.start += count
      case .payload(let count):
        c.pointee.request.received += count
        guard c.pointee.request.received <= maxBody else {
          tooMuchStreamed(c)
          return false
        }
        framePiece(c, UnsafeBufferPointer(rebasing: input[..<count]))
        c.pointee.agent.input.start += count
        return true
      case .needMore:
        if !c.pointee.upload.rendered.isEmpty { return true }
        guard refill(c) else { return false }
      case .end(let count):
        c.pointee.agent.input.start += count
        c.pointee.upload.rendered.append("0\r\n\r\n")
        return true
      case .invalid(let refusal):
        breakOffUpload(c, refusal.status, refusal.explanation)
        return false
      }
    }
  }

  private func framePiece(_ c: Record, _ payload: UnsafeBufferPointer<UInt8>) {
    c.pointee.upload.rendered.append(chunkOf: payload.count)
    c.pointee.upload.rendered.append(payload)
    c.pointee.upload.rendered.append("\r\n")
  }

  private mutating func tooMuchStreamed(_ c: Record) {
    breakOffUpload(c, 413, "The body is larger than the limit of \(shared.limits.maxBodySize).")
  }

  private mutating func finishStreaming(_ c: Record) {
    c.pointee.upload.remainder = .none
    c.pointee.upload.isComplete = true
    c.pointee.upload.sent = c.pointee.upload.rendered.end + c.pointee.upload.body.count
    slab.setDeadline(c, c.pointee.request.overdue)
    if c.pointee.agent.input.isEmpty { chunks.giveBack(&c.pointee.agent.input) }
  }

  /// More of the body from the agent. False: nothing for now, or the agent is gone.
  private mutating func refill(_ c: Record) -> Bool {
    guard c.pointee.agent.isReadable else {
      chunks.giveBack(&c.pointee.agent.input)
      return false
    }
    if c.pointee.agent.input.isAbsent { c.pointee.agent.input = chunks.take() }
    c.pointee.agent.input.rewind()
    // Room is left for the framing of what is read now.
    let room = c.pointee.agent.input.room(upTo: chunks.capacity - Self.framingRoom)
    switch receive(c, into: room) {
    case .moved(let count):
      c.pointee.agent.input.end = count
      setProgressDeadline(c)
      return true
    case .later:
      chunks.giveBack(&c.pointee.agent.input)
      return false
    case .ended, .failed:
      // Half a body: nothing good can come of it.
      c.pointee.agent.isBroken = true
      abandon(c)
      return false
    }
  }

  /// How many bytes the worker took; nil: none for now, or never again.
  @inline(__always)
  private mutating func accept(_ c: Record, _ transfer: Transfer) -> Int? {
    switch transfer {
    case .moved(let count): return count
    case .later:
      watchWorkerOutput(c)
      return nil
    case .ended, .failed:
      // It may have answered before it closed.
      c.pointee.worker.refusesInput = true
      c.pointee.worker.isReadable = true
      return nil
    }
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

  /// The next byte is due within the idle timeout, the answer before it is overdue.
  @inline(__always) func setProgressDeadline(_ c: Record) {
    slab.setDeadline(c, min(c.pointee.request.overdue, now + idleTimeout))
  }
}

extension Chunk {
  mutating func append(_ text: StaticString) {
    append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// A chunk's size line.
  mutating func append(chunkOf count: Int) {
    let digits = String(count, radix: 16)
    for digit in digits.utf8 { append(digit) }
    append("\r\n")
  }

  private mutating func append(_ byte: UInt8) {
    base?[end] = byte
    end += 1
  }
}
