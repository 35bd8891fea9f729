import Glibc
import Pool

/// The read-only address, tried before the server needs it.
enum NetworkPlace {
  /// Binds it and lets it go again. An address that is taken meanwhile is found out when the server starts.
  static func check(_ address: ListenAddress) throws(ControlServerFailure) {
    switch address {
    case .unix(let path): try SocketPlace.check(path)
    case .ip(let host, let port):
      let reason = host.contains(":") ? tryIPv6(host, port) : tryIPv4(host, port)
      if let reason { throw .cannotListen(address, reason) }
    }
  }

  private static func tryIPv4(_ host: String, _ port: UInt16) -> String? {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return "not an IP address" }
    return tryBind(AF_INET, address)
  }

  private static func tryIPv6(_ host: String, _ port: UInt16) -> String? {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else { return "not an IP address" }
    return tryBind(AF_INET6, address)
  }

  /// The reason why not.
  private static func tryBind<Address>(_ family: Int32, _ address: Address) -> String? {
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return String(cString: strerror(errno)) }
    defer { close(descriptor) }
    // As the server does: connections of an earlier one that linger are no hindrance.
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    let isBound = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size)) == 0
      }
    }
    return isBound ? nil : String(cString: strerror(errno))
  }
}
