import COpenSSL
import Glibc

/// How a connection failed, as a client sees it.
public enum WireFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// Nobody listens.
  case refused(String)
  /// Cut in the middle: reset, or ended without TLS's farewell.
  case reset(String)
  case timedOut
  /// The handshake failed, or an alert came.
  case tls(String)

  public var description: String {
    switch self {
    case .refused(let why): "refused: \(why)"
    case .reset(let why): "reset: \(why)"
    case .timedOut: "timed out"
    case .tls(let why): "TLS: \(why)"
    }
  }
}

/// A client's connection, in the clear or by TLS. Calls block until done or until their deadline.
public struct Wire: ~Copyable {
  private let descriptor: CInt
  private let ssl: OpaquePointer?

  /// With `agent` it comes from an address of that agent's own.
  public init(
    to address: Address, asAgent agent: Int? = nil, tls: TLSClient? = nil, before deadline: Deadline
  ) throws(WireFailure) {
    (descriptor, ssl) = try Self.open(address, agent, tls, before: deadline)
  }

  deinit {
    if let ssl { SSL_free(ssl) }
    close(descriptor)
  }

  private static func open(
    _ address: Address, _ agent: Int?, _ tls: TLSClient?, before deadline: Deadline
  ) throws(WireFailure) -> (CInt, OpaquePointer?) {
    let descriptor = address.makeSocket(type: CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue))
    guard descriptor >= 0 else { throw .refused(String(cString: strerror(errno))) }
    do throws(WireFailure) {
      if let agent, !address.bind(descriptor, asAgent: agent) { throw .refused(String(cString: strerror(errno))) }
      try connect(descriptor, to: address, before: deadline)
      guard let tls else { return (descriptor, nil) }
      return (descriptor, try handshake(descriptor, tls, before: deadline))
    } catch {
      close(descriptor)
      throw error
    }
  }

  private static func handshake(
    _ descriptor: CInt, _ tls: TLSClient, before deadline: Deadline
  ) throws(WireFailure) -> OpaquePointer {
    guard let ssl = SSL_new(tls.context) else { throw .tls(opensslErrors()) }
    SSL_set_fd(ssl, descriptor)
    do throws(WireFailure) {
      while true {
        ERR_clear_error()
        let result = SSL_connect(ssl)
        if result == 1 { return ssl }
        try wait(descriptor, ssl, result, before: deadline)
      }
    } catch {
      SSL_free(ssl)
      throw error
    }
  }

  private static func connect(
    _ descriptor: CInt, to address: Address, before deadline: Deadline
  ) throws(WireFailure) {
    if address.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 { return }
    // A unix listener whose backlog is full says EAGAIN and gives nothing to wait on.
    while errno == EAGAIN && !deadline.passed {
      usleep(1000)
      if address.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 { return }
    }
    guard errno == EINPROGRESS else { throw .refused(String(cString: strerror(errno))) }
    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&waiting, 1, deadline.pollMilliseconds) > 0 else { throw .timedOut }
    var code: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    guard code == 0 else { throw .refused(String(cString: strerror(code))) }
  }

  public func send(_ bytes: [UInt8], before deadline: Deadline) throws(WireFailure) {
    var sent = 0
    while sent < bytes.count {
      ERR_clear_error()
      let count = bytes.withUnsafeBytes { room -> Int in
        guard let base = room.baseAddress else { return 0 }
        if let ssl { return Int(SSL_write(ssl, base + sent, CInt(clamping: room.count - sent))) }
        return Glibc.send(descriptor, base + sent, room.count - sent, CInt(MSG_NOSIGNAL))
      }
      if count > 0 {
        sent += count
      } else if let ssl {
        try Self.wait(descriptor, ssl, CInt(clamping: count), before: deadline)
      } else {
        try wait(for: POLLOUT, before: deadline)
      }
    }
  }

  /// Appends what comes next; false at the end of the stream.
  public func receive(into buffer: inout [UInt8], before deadline: Deadline) throws(WireFailure) -> Bool {
    while true {
      ERR_clear_error()
      let count = withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { room -> Int in
        let count =
          if let ssl {
            Int(SSL_read(ssl, room.baseAddress, CInt(clamping: room.count)))
          } else {
            recv(descriptor, room.baseAddress, room.count, 0)
          }
        if count > 0 { buffer.append(contentsOf: room[..<count]) }
        return count
      }
      if count > 0 { return true }
      if let ssl {
        if SSL_get_error(ssl, CInt(clamping: count)) == SSL_ERROR_ZERO_RETURN { return false }
        try Self.wait(descriptor, ssl, CInt(clamping: count), before: deadline)
      } else {
        if count == 0 { return false }
        try wait(for: POLLIN, before: deadline)
      }
    }
  }

  /// Something came, or the other side has ended: between an answer and the next request only the latter can be.
  public var hasNews: Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, 0) > 0
  }

  /// Whether the other side closes altogether before that; a unix socket tells, by TCP it is not seen.
  public func hangsUp(before deadline: Deadline) -> Bool {
    var waiting = pollfd(fd: descriptor, events: 0, revents: 0)
    return poll(&waiting, 1, deadline.pollMilliseconds) > 0
  }

  /// No more will be sent.
  public func finishSending() {
    if let ssl {
      SSL_shutdown(ssl)
    } else {
      shutdown(descriptor, CInt(SHUT_WR))
    }
  }

  /// The connection will end in a reset instead of in good order: its client crashed, say.
  public func resetWhenClosed() {
    var abrupt = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abrupt, socklen_t(MemoryLayout<linger>.size))
  }

  /// After a plain call that failed: waits if it would have blocked.
  private func wait(for events: CInt, before deadline: Deadline) throws(WireFailure) {
    switch errno {
    case EINTR: return
    case EAGAIN:
      var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      if poll(&waiting, 1, deadline.pollMilliseconds) == 0 { throw .timedOut }
    case let code: throw .reset(String(cString: strerror(code)))
    }
  }

  private static func wait(
    _ descriptor: CInt, _ ssl: OpaquePointer, _ result: CInt, before deadline: Deadline
  ) throws(WireFailure) {
    let systemError = errno
    let events: CInt
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: events = POLLIN
    case SSL_ERROR_WANT_WRITE: events = POLLOUT
    case SSL_ERROR_SYSCALL: throw .reset(String(cString: strerror(systemError)))
    default:
      let why = opensslErrors()
      throw why.contains("unexpected eof") ? .reset(why) : .tls(why)
    }
    var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    if poll(&waiting, 1, deadline.pollMilliseconds) == 0 { throw .timedOut }
  }
}
