import CLinux
import Glibc
import Pool

/// Tells a service manager how we are, by systemd's protocol (sd_notify(3)); without one, nothing happens.
struct ServiceNotifier: Sendable {
  /// How often `watchdog` is to be called: half of what the manager waits; nil where it does not watch us.
  let watchdogInterval: Duration?

  private let socketPath: String?

  /// - Parameter environment: of this process; `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are read.
  init(environment: [String: String], pid: Int32 = getpid()) {
    let path = environment["NOTIFY_SOCKET"] ?? ""
    // Other schemes (vsock:) are for virtual machines.
    let isUsable = path.utf8.count > 1 && (path.hasPrefix("/") || path.hasPrefix("@"))
    socketPath = isUsable ? path : nil
    watchdogInterval = isUsable ? Self.interval(environment, pid) : nil
  }

  func ready() { send("READY=1") }
  /// Answered by `ready` when it is over. systemd compares the time with that of its own request.
  func reloading(at now: Instant) { send("RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)") }
  func stopping() { send("STOPPING=1") }
  func watchdog() { send("WATCHDOG=1") }

  /// One line for `systemctl status`.
  func status(_ text: String) {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    send("STATUS=\(line)")
  }

  private static func interval(_ environment: [String: String], _ pid: Int32) -> Duration? {
    guard let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 else {
      return nil
    }
    // Meant for another process of the service.
    if let watched = environment["WATCHDOG_PID"], Int32(watched) != pid { return nil }
    return .microseconds(max(1, microseconds / 2))
  }

  /// A manager that does not listen is no reason to fail or to wait.
  private func send(_ state: String) {
    guard let socketPath, let (address, size) = Self.address(socketPath) else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var text = state
    var name = address
    text.withUTF8 { bytes in
      withUnsafePointer(to: &name) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
          _ = sendto(
            descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT),
            name, size)
        }
      }
    }
  }

  /// `@name` is an abstract socket: a zero byte, then the name, and no byte after it counts.
  private static func address(_ path: String) -> (sockaddr_un, socklen_t)? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    let isAbstract = bytes.first == UInt8(ascii: "@")
    if isAbstract { bytes[0] = 0 }
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
      guard bytes.count + (isAbstract ? 0 : 1) <= place.count else { return false }
      place.copyBytes(from: bytes)
      return true
    }
    guard fits, let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) else { return nil }
    return (address, socklen_t(offset + bytes.count + (isAbstract ? 0 : 1)))
  }
}
