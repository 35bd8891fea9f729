import CLinux
import Glibc
import Pool

/// A listening socket that the proxy inherited, and how its connections are spoken to.
struct Listener: Sendable {
  let descriptor: Int32
  /// Nil: in the clear.
  let tls: TLSContext?
  let isUnix: Bool

  init(descriptor: Int32, configuration: ListenerConfiguration) throws(SetupFailure) {
    self.descriptor = descriptor
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
    tls = if let configuration = configuration.tls { try TLSContext(configuration) } else { nil }
  }
}

/// The address that a connection came from, in numbers, as the workers are told it.
struct PeerAddress: Sendable {
  /// Nil for a unix socket.
  let text: String?

  init(_ storage: sockaddr_storage) {
    var storage = storage
    text = withUnsafeMutableBytes(of: &storage) { raw in
      guard let base = raw.baseAddress else { return nil }
      var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      let family = Int32(base.assumingMemoryBound(to: sockaddr_storage.self).pointee.ss_family)
      let address: UnsafeRawPointer
      switch family {
      case AF_INET: address = UnsafeRawPointer(base) + (MemoryLayout<sockaddr_in>.offset(of: \.sin_addr) ?? 4)
      case AF_INET6: address = UnsafeRawPointer(base) + (MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8)
      default: return nil
      }
      guard inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else { return nil }
      let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      // IPv4 on a dual-stack socket is written as IPv4.
      return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
    }
  }
}
