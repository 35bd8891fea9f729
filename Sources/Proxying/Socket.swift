import CLinux
import Glibc
import Pool

extension Instant {
  static func now() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }
}

/// What a read or write on a non-blocking connection came to.
enum Transfer: BitwiseCopyable {
  case moved(Int)
  /// Nothing now; an event will come.
  case later
  /// The peer has ended its side in good order.
  case ended
  case failed(Int32)
}

/// Plain system calls on sockets.
enum Socket {
  /// A listener has a connection to take.
  static func hasInput(_ descriptor: Int32) -> Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&wanted, 1, 0) == 1 && wanted.revents & Int16(POLLIN) != 0
  }

  static func receive(_ descriptor: Int32, into room: UnsafeMutableBufferPointer<UInt8>) -> Transfer {
    while true {
      let count = recv(descriptor, room.baseAddress, room.count, 0)
      if count > 0 { return .moved(count) }
      if count == 0 { return .ended }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .later
      default: return .failed(errno)
      }
    }
  }

  /// What is there, left where it is.
  static func peek(_ descriptor: Int32, into room: UnsafeMutableBufferPointer<UInt8>) -> Transfer {
    while true {
      let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_PEEK))
      if count > 0 { return .moved(count) }
      if count == 0 { return .ended }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .later
      default: return .failed(errno)
      }
    }
  }

  static func send(_ descriptor: Int32, _ bytes: UnsafeBufferPointer<UInt8>) -> Transfer {
    while true {
      let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .moved(count) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .later
      default: return .failed(errno)
      }
    }
  }

  /// Two pieces in one call.
  static func send(
    _ descriptor: Int32, _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>
  ) -> Transfer {
    if first.isEmpty { return send(descriptor, second) }
    if second.isEmpty { return send(descriptor, first) }
    var pieces = (
      iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
      iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
    )
    return withUnsafeMutablePointer(to: &pieces) { pieces in
      pieces.withMemoryRebound(to: iovec.self, capacity: 2) { pieces in
        var message = msghdr()
        message.msg_iov = pieces
        message.msg_iovlen = 2
        while true {
          let count = sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
          if count >= 0 { return .moved(count) }
          switch errno {
          case EINTR: continue
          case EAGAIN: return .later
          default: return .failed(errno)
          }
        }
      }
    }
  }

  /// True where the peer has closed or sent something that nobody asked for.
  static func isSpoiled(_ descriptor: Int32) -> Bool {
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) >= 0 || errno != EAGAIN
  }

  /// Starts a connection; `.later`: it is on its way.
  static func connect(to endpoint: Endpoint) -> (descriptor: Int32, Transfer) {
    switch endpoint {
    case .unix(let path): connectUnix(path)
    case .tcp(let port): connectLoopback(port)
    }
  }

  /// To a daemon that takes datagrams.
  static func connectDatagrams(to path: String) -> (descriptor: Int32, Transfer) {
    connectUnix(path) { clinux_datagram_socket(AF_UNIX) }
  }

  private static func connectUnix(
    _ path: String, _ make: () -> Int32 = { clinux_stream_socket(AF_UNIX) }
  ) -> (Int32, Transfer) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { field in
      let bytes = Array(path.utf8)
      guard bytes.count < field.count else { return false }
      field.copyBytes(from: bytes)
      return true
    }
    guard fits else { return (-1, .failed(ENAMETOOLONG)) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(make(), $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  private static func connectLoopback(_ port: UInt16) -> (Int32, Transfer) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let (descriptor, result) = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(clinux_stream_socket(AF_INET), $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if descriptor >= 0 { set(descriptor, IPPROTO_TCP, TCP_NODELAY) }
    return (descriptor, result)
  }

  private static func connect(
    _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
  ) -> (Int32, Transfer) {
    guard descriptor >= 0 else { return (-1, .failed(errno)) }
    while true {
      if Glibc.connect(descriptor, address, length) == 0 { return (descriptor, .moved(0)) }
      switch errno {
      case EINTR: continue
      case EINPROGRESS: return (descriptor, .later)
      default:
        let code = errno
        close(descriptor)
        return (-1, .failed(code))
      }
    }
  }

  /// What became of a connection that was on its way; 0: it stands.
  static func pendingError(_ descriptor: Int32) -> Int32 {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
  }

  static func set(_ descriptor: Int32, _ level: Int, _ option: Int32, to value: Int32 = 1) {
    var value = value
    setsockopt(descriptor, Int32(level), option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Ends a connection so that the peer cannot take it for a proper end.
  static func reset(_ descriptor: Int32) {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    close(descriptor)
  }

  static func explain(_ code: Int32) -> String { String(cString: strerror(code)) }
}
