import Glibc
import HTTPWire
import Pool

extension Loop {
  mutating func streamSizedBody(_ c: Record) {
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
  mutating func streamChunkedBody(_ c: Record) {
    for _ in 0..<Self.burst {
      // First: the last chunk may have had to wait for the worker, and must not go twice.
      if c.pointee.upload.scanner.isEnded { return finishStreaming(c) }
      c.pointee.upload.rendered.rewind()
      freeStore(c)
      c.pointee.upload.sent = 0
      guard frameNextPiece(c) else { return }
      guard sendStored(c) else { return }
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
      switch c.pointee.upload.scanner.scan(input.span, limits: chunkLimits) {
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
      c.pointee.request.bodyDue = pace.bodyDue(c.pointee.request.bodyDue, after: count)
      setUploadDeadline(c)
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
