import Glibc

/// Where a test connects to.
public enum Address: Sendable, Hashable, CustomStringConvertible {
  /// IPv4 loopback.
  case port(UInt16)
  case unix(String)

  /// Reads `127.0.0.1:8140` or `unix:/path`, as `status` gives listeners.
  public init?(_ text: String) {
    if text.hasPrefix("unix:") {
      self = .unix(String(text.dropFirst(5)))
    } else if let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) {
      self = .port(port)
    } else {
      return nil
    }
  }

  public var description: String {
    switch self {
    case .port(let port): "127.0.0.1:\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  public func makeSocket(type: CInt) -> CInt {
    let family =
      switch self {
      case .port: AF_INET
      case .unix: AF_UNIX
      }
    return socket(family, type | CInt(SOCK_CLOEXEC.rawValue), 0)
  }

  /// Lets the socket connect from an address of this agent's own: all of 127/8 is loopback.
  func bind(_ descriptor: CInt, asAgent index: Int) -> Bool {
    guard case .port = self else { return true }
    var own = sockaddr_in()
    own.sin_family = sa_family_t(AF_INET)
    own.sin_addr.s_addr = (UInt32(0x7f01_0001) + UInt32(index)).bigEndian
    return Self.rebound(own) { Glibc.bind(descriptor, $0, $1) } == 0
  }

  /// Calls connect(2), bind(2) or their like with this.
  public func withSockaddr(_ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    switch self {
    case .port(let port):
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      return Self.rebound(address, call)
    case .unix(let path):
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
        errno = ENAMETOOLONG
        return -1
      }
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      return Self.rebound(address, call)
    }
  }

  private static func rebound<Raw>(_ address: Raw, _ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    withUnsafeBytes(of: address) { bytes in
      guard let base = bytes.baseAddress else { return -1 }
      return call(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }
}

/// A loopback port that nobody listens on at this moment.
public func freePort() throws -> UInt16 {
  let descriptor = Address.port(0).makeSocket(type: CInt(SOCK_STREAM.rawValue))
  guard descriptor >= 0 else { throw SystemFailure("socket") }
  defer { close(descriptor) }
  guard Address.port(0).withSockaddr({ bind(descriptor, $0, $1) }) == 0 else { throw SystemFailure("bind") }
  var bound = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = withUnsafeMutablePointer(to: &bound) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  guard result == 0 else { throw SystemFailure("getsockname") }
  return UInt16(bigEndian: bound.sin_port)
}
