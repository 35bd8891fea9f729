import CLinux
import FoundationEssentials
import Glibc
import Pool

/// Where a new supervisor comes in when ours has died: a listening unix socket that was made for it.
///
/// Whoever comes in is told who we are, together with our listening sockets: that line and what hangs on it are the same
/// for all versions of the link, so that even a supervisor that understands nothing else can go on where we listen.
final class LinkDoor {
  /// -1: there is none.
  let descriptor: Int32
  private let listeners: [Int32]

  init(descriptor: Int32, listeners: [Int32]) {
    self.descriptor = descriptor
    self.listeners = listeners
    guard descriptor >= 0 else { return }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Nil: nobody is there, or nobody whom we would obey.
  func admit() -> LinkPeer? {
    guard descriptor >= 0 else { return nil }
    var peer = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let visitor = clinux_accept(descriptor, &peer, &size)
    guard visitor >= 0 else { return nil }
    guard isOurs(visitor), greet(visitor) else {
      close(visitor)
      return nil
    }
    return LinkPeer(descriptor: visitor)
  }

  /// The socket's mode says the same; this holds wherever the socket lies.
  private func isOurs(_ visitor: Int32) -> Bool {
    var user: uid_t = 0
    return clinux_peer_user(visitor, &user) == 0 && (user == geteuid() || user == 0)
  }

  private func greet(_ visitor: Int32) -> Bool {
    guard var line = try? JSONEncoder().encode(ProxyReport.hello(version: Link.version, pid: getpid())) else {
      return false
    }
    line.append(UInt8(ascii: "\n"))
    // A new socket takes a line whole.
    let sent = line.withUnsafeBytes {
      clinux_send_descriptors(
        visitor, $0.baseAddress, $0.count, listeners, min(listeners.count, Int(CLINUX_MAX_PASSED)))
    }
    return sent == line.count
  }
}
