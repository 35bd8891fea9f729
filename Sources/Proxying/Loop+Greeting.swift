import Glibc
import HTTPWire
import Pool

extension Loop {
  /// What a balancer says of a connection ahead of everything else. It is looked at until it is whole, and then taken
  /// to the last byte: what stands behind it is TLS's or HTTP's own.
  mutating func readGreeting(_ c: Record) {
    let descriptor = c.pointee.agent.descriptor
    let room = UnsafeMutableBufferPointer(rebasing: scratch[..<ProxyHeader.maxBytes])
    switch Socket.peek(descriptor, into: room) {
    case .moved(let count):
      switch ProxyHeader.parse(UnsafeBufferPointer(rebasing: room[..<count]).span) {
      case .incomplete: if c.pointee.agent.hasEnded { refuseGreeting(c, .truncated) }
      case .refused(let refusal): refuseGreeting(c, refusal)
      case .complete(let source, let byteCount):
        let header = UnsafeMutableBufferPointer(rebasing: room[..<byteCount])
        guard case .moved(byteCount) = Socket.receive(descriptor, into: header) else { return closeAgent(c) }
        takeSource(c, source)
      }
    case .later: break
    case .ended, .failed: closeAgent(c)
    }
  }

  private mutating func takeSource(_ c: Record, _ source: ProxyHeader.Source) {
    switch source {
    case .unknown: break
    case .v4(let address): c.pointee.agent.peer = PeerAddress(IPAddress(v4: address))
    case .v6(let high, let low): c.pointee.agent.peer = PeerAddress(IPAddress(high: high, low: low))
    }
    beginAgent(c)
    // What came along with the header brings no event of its own.
    if c.pointee.stage != .vacant { advance(c) }
  }

  private mutating func refuseGreeting(_ c: Record, _ refusal: ProxyHeader.Refusal) {
    door.counters.countRefusal(.proxyProtocol)
    shared.journal.say("\(c.pointee.agent.peer): the PROXY header \(refusal.explanation)", at: instant)
    closeAgent(c)
  }
}

extension PeerAddress: CustomStringConvertible {
  var description: String { text ?? "a unix socket" }
}
