import CLinux
import Glibc
import Pool

extension Loop {
  /// Connections that one event may bring in, so that another loop gets some of a crowd.
  private static let acceptBurst = 4
  /// So many bursts empty the supervisor's longest backlog.
  private static let lastRounds = 1024

  mutating func startAccepting() {
    guard !isAccepting, end == nil else { return }
    isAccepting = true
    for (index, listener) in shared.listeners.enumerated() {
      poller.add(listener.descriptor, [.input, .exclusive], Token(.listener, UInt32(index)))
    }
  }

  /// What comes meanwhile waits in the kernel's backlog.
  mutating func stopAccepting() {
    guard isAccepting else { return }
    isAccepting = false
    for listener in shared.listeners { poller.remove(listener.descriptor) }
  }

  /// Before the listeners are let go: what waits at one that has no other proxy would wait in vain.
  mutating func acceptRest() {
    for (index, listener) in shared.listeners.enumerated() {
      var rounds = 0
      while isAccepting, rounds < Self.lastRounds, Socket.hasInput(listener.descriptor) {
        accept(from: index)
        rounds += 1
      }
    }
  }

  mutating func accept(from index: Int) {
    guard isAccepting else { return }
    let listener = shared.listeners[index]
    for _ in 0..<Self.acceptBurst {
      guard shared.connections.load(ordering: .relaxed) < maxConnections, slab.inUse < slab.capacity else {
        return stopAccepting()
      }
      var address = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let descriptor = clinux_accept(listener.descriptor, &address, &length)
      guard descriptor >= 0 else {
        switch errno {
        case EINTR, ECONNABORTED: continue
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return stopAccepting()
        default: return
        }
      }
      shared.connections.add(1, ordering: .relaxed)
      assign(Newcomer(descriptor: descriptor, address: PeerAddress(address), listener: index))
    }
  }

  /// To the loop with the fewest connections: whichever wakes first for a crowd would get most of it.
  private mutating func assign(_ newcomer: Newcomer) {
    var (target, load) = (door, door.load.load(ordering: .relaxed))
    for other in shared.doors where other.load.load(ordering: .relaxed) + 1 < load {
      (target, load) = (other, other.load.load(ordering: .relaxed))
    }
    target.load.add(1, ordering: .relaxed)
    if target === door { welcome(newcomer) } else { target.post(.accepted(newcomer)) }
  }

  mutating func welcome(_ newcomer: Newcomer) {
    guard let c = slab.take() else {
      shared.connections.subtract(1, ordering: .relaxed)
      door.load.subtract(1, ordering: .relaxed)
      close(newcomer.descriptor)
      return
    }
    let descriptor = newcomer.descriptor
    let listener = shared.listeners[newcomer.listener]
    door.counters.connections.bump()
    door.counters.connectionsTotal.bump()
    c.pointee.agent.descriptor = descriptor
    c.pointee.agent.peer = newcomer.address
    c.pointee.agent.listener = UInt16(truncatingIfNeeded: newcomer.listener)
    guard poller.add(descriptor, .connection, agentToken(c)) else { return closeAgent(c) }
    guard let balancers = listener.proxyProtocol else { return beginAgent(c) }
    c.pointee.stage = .greeting
    setDeadline(c, after: handshakeTimeout)
    guard balancers.trusts(newcomer.address.address) else {
      door.counters.countRefusal(.proxyProtocol)
      shared.journal.say("\(newcomer.address) is no balancer that proxy_protocol.from names", at: instant)
      return closeAgent(c)
    }
  }

  /// It is known where the agent connects from.
  mutating func beginAgent(_ c: Record) {
    guard admitByAddress(c) else { return }
    let listener = shared.listeners[Int(c.pointee.agent.listener)]
    guard let context = listener.tls else {
      c.pointee.agent.identity = Identity(anonymousAt: c.pointee.agent.peer, isTLS: false, seed: shared.seed)
      c.pointee.stage = .head
      return setDeadline(c, after: headerTimeout)
    }
    // The time runs since the connection's start.
    if c.pointee.stage != .greeting { setDeadline(c, after: handshakeTimeout) }
    c.pointee.stage = .handshaking
    c.pointee.agent.tls = TLSSession(context, descriptor: c.pointee.agent.descriptor)
    if c.pointee.agent.tls == nil { closeAgent(c) }
  }

  /// One address must not take all the places. The excess gets no word: it may be most of what comes.
  private mutating func admitByAddress(_ c: Record) -> Bool {
    guard let address = c.pointee.agent.peer.address, let limit = shared.addresses.limit else { return true }
    guard shared.addresses.enter(address) else {
      door.counters.countRefusal(.addressLimit)
      shared.journal.say(
        "\(address) has \(limit) connections, as many as max_connections_per_address lets it have", at: instant)
      closeAgent(c)
      return false
    }
    c.pointee.agent.isCountedByAddress = true
    return true
  }

  @inline(__always) func agentToken(_ c: Record) -> Token {
    Token(.downstream, UInt32(slab.index(of: c)), serial: c.pointee.serial)
  }

  /// The handshake, at the end of which it is known who the agent is.
  mutating func continueHandshake(_ c: Record) {
    guard let tls = c.pointee.agent.tls else { return closeAgent(c) }
    switch tls.handshake() {
    case .wantsInput: if c.pointee.agent.hasEnded { failHandshake(c, .closed, "the agent went away") }
    case .wantsOutput: watchAgentOutput(c)
    case .failed(let cause, let reason): failHandshake(c, cause, reason)
    case .done: identify(c, tls)
    }
  }

  private mutating func identify(_ c: Record, _ tls: TLSSession) {
    if let certificate = tls.verifiedCertificate {
      defer { TLSSession.release(certificate) }
      guard let identity = Identity(certificate: certificate, at: c.pointee.agent.peer, seed: shared.seed) else {
        return failHandshake(c, .other, "the certificate's common name is missing or not plain text")
      }
      c.pointee.agent.identity = identity
    } else {
      c.pointee.agent.identity = Identity(anonymousAt: c.pointee.agent.peer, isTLS: true, seed: shared.seed)
    }
    if tls.isResumed { door.counters.handshakesResumed.bump() } else { door.counters.handshakesFull.bump() }
    c.pointee.stage = .head
    setDeadline(c, after: headerTimeout)
    readHead(c)
  }

  private mutating func failHandshake(_ c: Record, _ cause: TLSCounters.Failure, _ reason: String) {
    door.counters.countFailedHandshake(cause)
    shared.journal.say("handshake failed: \(reason)", at: instant)
    noteHandshake(c, reason)
    // The alert that OpenSSL wrote must reach the agent.
    c.pointee.agent.tls?.free()
    c.pointee.agent.tls = nil
    startLingering(c)
  }
}
