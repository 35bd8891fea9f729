import CLinux
import Glibc
import Pool

/// A listening socket, which the supervisor holds and every proxy inherits: while a proxy is replaced, its backlog
/// keeps the new connections.
final class Listener: Sendable {
  static let backlog: Int32 = 4096

  let descriptor: Int32
  /// As bound: with the kernel's port where the settings said 0.
  let address: ListenAddress
  /// As the settings say.
  let wanted: ListenAddress

  private init(descriptor: Int32, address: ListenAddress, wanted: ListenAddress) {
    self.descriptor = descriptor
    self.address = address
    self.wanted = wanted
  }

  static func bind(_ address: ListenAddress) throws(SupervisorFailure) -> Listener {
    switch address {
    case .ip(let host, let port): try bindIP(host, port)
    case .unix(let path): try bindUnix(path)
    }
  }

  /// One that a proxy has handed over.
  static func inherited(_ descriptor: Int32, wanted: ListenAddress) -> Listener {
    switch wanted {
    case .unix: Listener(descriptor: descriptor, address: wanted, wanted: wanted)
    case .ip(let host, let port):
      Listener(
        descriptor: descriptor, address: .ip(host: host, port: boundPort(of: descriptor) ?? port), wanted: wanted)
    }
  }

  func close() { _ = Glibc.close(descriptor) }

  /// Takes away a unix socket's name.
  func remove() {
    if case .unix(let path) = address { unlink(path) }
  }

  /// Nobody gets in here any more, whoever else holds the socket.
  func end() {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close()
    remove()
  }

  private static func bindIP(_ host: String, _ port: UInt16) throws(SupervisorFailure) -> Listener {
    let wanted = ListenAddress.ip(host: host, port: port)
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &found)
    defer { freeaddrinfo(found) }
    guard code == 0, let info = found?.pointee else {
      throw .cannotListen(address: wanted.description, why: String(cString: gai_strerror(code)))
    }
    let socket = try open(info.ai_family, for: wanted)
    var on: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    if info.ai_family == AF_INET6 {
      setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    guard Glibc.bind(socket, info.ai_addr, info.ai_addrlen) == 0, listen(socket, backlog) == 0 else {
      throw failed(socket, wanted)
    }
    return Listener(descriptor: socket, address: .ip(host: host, port: boundPort(of: socket) ?? port), wanted: wanted)
  }

  private static func bindUnix(_ path: String) throws(SupervisorFailure) -> Listener {
    let wanted = ListenAddress.unix(path: path)
    let socket = try open(AF_UNIX, for: wanted)
    guard var name = unixAddress(path) else {
      _ = Glibc.close(socket)
      throw .cannotListen(address: wanted.description, why: "the path is longer than 107 bytes")
    }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    func call(_ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32) -> Bool {
      withUnsafePointer(to: &name) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { function(socket, $0, size) == 0 }
      }
    }
    if !call(Glibc.bind) {
      // A name that nobody answers at was left by a dead process.
      guard errno == EADDRINUSE, !call(Glibc.connect), errno == ECONNREFUSED, unlink(path) == 0, call(Glibc.bind)
      else { throw failed(socket, wanted, busy: true) }
    }
    guard listen(socket, backlog) == 0 else { throw failed(socket, wanted) }
    return Listener(descriptor: socket, address: wanted, wanted: wanted)
  }

  private static func open(_ family: Int32, for address: ListenAddress) throws(SupervisorFailure) -> Int32 {
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let socket = Glibc.socket(family, flags, 0)
    guard socket >= 0 else { throw .cannotListen(address: address.description, why: reason()) }
    return socket
  }

  private static func failed(_ socket: Int32, _ address: ListenAddress, busy: Bool = false) -> SupervisorFailure {
    let why = busy ? "something else is there" : reason()
    _ = Glibc.close(socket)
    return .cannotListen(address: address.description, why: why)
  }
}

/// Nil where the path does not fit.
func unixAddress(_ path: String) -> sockaddr_un? {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let bytes = Array(path.utf8)
  let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
    guard bytes.count < place.count else { return false }
    place.copyBytes(from: bytes)
    return true
  }
  return fits ? address : nil
}

/// A connection to whoever listens at the path, that neither waits nor sends for longer than this; nil: nobody does.
func connectUnix(_ path: String, timeout: timeval) -> Int32? {
  guard var address = unixAddress(path) else { return nil }
  let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  guard socket >= 0 else { return nil }
  var timeout = timeout
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  let size = socklen_t(MemoryLayout<sockaddr_un>.size)
  let isConnected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket, $0, size) == 0 }
  }
  if isConnected { return socket }
  close(socket)
  return nil
}

/// The port that the kernel gave a bound socket.
func boundPort(of socket: Int32) -> UInt16? {
  var address = sockaddr_storage()
  var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
  return withUnsafeMutablePointer(to: &address) { storage in
    let raw = UnsafeMutableRawPointer(storage)
    guard getsockname(socket, raw.assumingMemoryBound(to: sockaddr.self), &size) == 0 else { return nil }
    // The port stands at the same place for both families.
    return UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
  }
}
