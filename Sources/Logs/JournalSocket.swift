import CLinux
import Glibc

/// The way to systemd-journald, connected when there is something to say.
struct JournalSocket {
  enum Outcome {
    case taken
    /// Its queue is full.
    case later
    /// Nobody listens there, or has taken nothing for long.
    case unreachable
  }

  /// For a journal that takes nothing; seconds.
  private static let patience = 5

  private var descriptor: Int32 = -1
  private var path = ""

  mutating func send(_ message: [UInt8], to path: String, waits: Bool) -> Outcome {
    if path != self.path { close() }
    self.path = path
    // One that was started anew has another socket of the same name.
    for _ in 0..<2 {
      if descriptor < 0 { descriptor = Self.connect(to: path) }
      guard descriptor >= 0 else { return .unreachable }
      switch put(message, waits: waits) {
      case 0: return .taken
      case EAGAIN, ENOBUFS: return waits ? .unreachable : .later
      default: close()
      }
    }
    return .unreachable
  }

  /// 0, or why not.
  private func put(_ message: [UInt8], waits: Bool) -> Int32 {
    let flags = Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT))
    while true {
      if Glibc.send(descriptor, message, message.count, flags) >= 0 { return 0 }
      switch errno {
      case EINTR: continue
      case EMSGSIZE where waits: return clinux_send_sealed(descriptor, message, message.count) == 0 ? 0 : errno
      case EMSGSIZE: return EAGAIN
      default: return errno
      }
    }
  }

  private mutating func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// -1 where that fails.
  private static func connect(to path: String) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < room else { return -1 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return -1 }
    var patience = timeval(tv_sec: patience, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    if connected == 0 { return descriptor }
    Glibc.close(descriptor)
    return -1
  }
}
