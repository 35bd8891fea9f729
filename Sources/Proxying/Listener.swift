import CLinux
import Glibc
import Pool

/// A listening socket that the proxy inherited, and how its connections are spoken to.
struct Listener: Sendable {
  let descriptor: Int32
  /// Nil: in the clear.
  let tls: TLSContext?
  let isUnix: Bool
  /// Nil: agents connect themselves.
  let proxyProtocol: ProxyProtocolConfiguration?
  let expiries: [Expiry]

  init(
    descriptor: Int32, configuration: ListenerConfiguration, files: ReadableFiles
  ) throws(SetupFailure) {
    self.descriptor = descriptor
    proxyProtocol = configuration.proxyProtocol
    switch configuration.address {
    case .ip: isUnix = false
    case .unix: isUnix = true
    }
    var listens: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0, listens == 1 else {
      throw SetupFailure("descriptor \(descriptor), for \(configuration.address), is no listening socket")
    }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    if !isUnix {
      // What is set here its connections inherit.
      Socket.set(descriptor, Int(IPPROTO_TCP), TCP_NODELAY)
      Socket.set(descriptor, Int(SOL_SOCKET), SO_KEEPALIVE)
    }
    tls = if let configuration = configuration.tls { try TLSContext(configuration, files) } else { nil }
    expiries = tls.map { $0.expiries(of: configuration) } ?? []
  }
}

/// The address that a connection came from; none for a unix socket.
struct PeerAddress: BitwiseCopyable, Sendable {
  private var value: IPAddress
  private var isKnown: Bool

  init(_ address: IPAddress? = nil) {
    value = address ?? IPAddress(high: 0, low: 0)
    isKnown = address != nil
  }

  init(_ storage: sockaddr_storage) {
    let address: IPAddress? = withUnsafeBytes(of: storage) { raw in
      switch Int32(storage.ss_family) {
      case AF_INET:
        let offset = MemoryLayout<sockaddr_in>.offset(of: \.sin_addr) ?? 4
        return IPAddress(v4: UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      case AF_INET6:
        let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8
        return IPAddress(
          high: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
          low: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)))
      default: return nil
      }
    }
    self.init(address)
  }

  var address: IPAddress? { isKnown ? value : nil }
  /// In numbers, as the workers are told it; IPv4 on a dual-stack socket as IPv4.
  var text: String? { address?.description }
}
