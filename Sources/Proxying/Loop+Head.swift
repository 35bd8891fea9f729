import Glibc
import HTTPWire
import Pool

extension Loop {
  /// Reads until a head is whole; parses in place.
  mutating func readHead(_ c: Record) {
    if c.pointee.agent.isBroken { return closeAgent(c) }
    while true {
      if !c.pointee.agent.input.isEmpty {
        if log.isOn { openNote(c) }
        let bytes = c.pointee.agent.input.bytes
        switch c.pointee.request.head.parse(bytes.span, limits: headLimits) {
        case .complete: return startRequest(c)
        case .refused(let refusal): return refuse(c, refusal)
        case .incomplete: break
        }
      }
      guard c.pointee.agent.isReadable else { return waitForHead(c) }
      let wasEmpty = c.pointee.agent.input.isEmpty
      makeRoom(c)
      switch receive(c) {
      case .moved: if wasEmpty { startClock(c) }
      case .later: return waitForHead(c)
      case .ended, .failed: return closeAgent(c)
      }
    }
  }

  /// A head never fills a chunk, so there is room behind it once it stands at the front.
  private mutating func makeRoom(_ c: Record) {
    if c.pointee.agent.input.isAbsent {
      c.pointee.agent.input = chunks.take()
    } else {
      c.pointee.agent.input.compact()
    }
  }

  /// The time for a kept-alive request's head runs from its first byte; for a connection's first it runs already.
  private func startClock(_ c: Record) {
    if c.pointee.agent.isKeptAlive { setDeadline(c, after: headerTimeout) }
  }

  private mutating func waitForHead(_ c: Record) {
    if c.pointee.agent.input.isEmpty { chunks.giveBack(&c.pointee.agent.input) }
  }

  private mutating func refuse(_ c: Record, _ refusal: HeadRefusal) {
    c.pointee.request.head.reset()
    reply(c, refusal.status, refusal.explanation, closing: true)
  }

  /// Bytes from the agent into its input chunk.
  mutating func receive(_ c: Record) -> Transfer {
    let transfer = receive(c, into: c.pointee.agent.input.room(upTo: chunks.capacity))
    if case .moved(let count) = transfer { c.pointee.agent.input.end += count }
    return transfer
  }

  /// Bytes from the agent to anywhere. A short read means that there is no more for now.
  @inline(__always)
  mutating func receive(_ c: Record, into room: UnsafeMutableBufferPointer<UInt8>) -> Transfer {
    let transfer = receivePlain(c, into: room)
    if case .moved(let count) = transfer {
      c.pointee.agent.moved &+= count
      c.pointee.note?.pointee.record.received &+= count
    }
    return transfer
  }

  @inline(__always)
  private mutating func receivePlain(_ c: Record, into room: UnsafeMutableBufferPointer<UInt8>) -> Transfer {
    guard let tls = c.pointee.agent.tls else {
      let transfer = Socket.receive(c.pointee.agent.descriptor, into: room)
      switch transfer {
      case .moved(let count): c.pointee.agent.isReadable = count == room.count || c.pointee.agent.hasEnded
      case .later: c.pointee.agent.isReadable = false
      case .ended, .failed: c.pointee.agent.hasEnded = true
      }
      return transfer
    }
    let hadPending = tls.hasPending
    let transfer = tls.receive(into: room)
    switch transfer {
    case .moved(let count):
      if !hadPending, count < TLSSession.shortRead, !tls.hasPending {
        c.pointee.agent.isReadable = c.pointee.agent.hasEnded
      }
    case .later: c.pointee.agent.isReadable = false
    case .ended, .failed: c.pointee.agent.hasEnded = true
    }
    return transfer
  }
}
