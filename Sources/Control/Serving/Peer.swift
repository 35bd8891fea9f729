import Glibc
import NIOCore
import Pool

/// Who opened a unix socket, as the kernel noted it then (SO_PEERCRED, unix(7)).
struct Peer: Sendable, Equatable {
  var pid: Int32
  var uid: UInt32
  var gid: UInt32

  /// Nil: the kernel does not say.
  static func of(_ channel: any Channel) async -> Peer? {
    guard let options = channel as? any SocketOptionProvider else { return nil }
    let answer: EventLoopFuture<Peer> = options.unsafeGetSocketOption(
      level: SocketOptionLevel(SOL_SOCKET), name: SocketOptionName(SO_PEERCRED))
    return try? await answer.get()
  }

  /// With the user's name, which may have to be asked for: only where somebody wants to read it.
  var caller: Caller { .process(uid: uid, user: userName, pid: pid) }

  private var userName: String? {
    var entry = passwd()
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    var found: UnsafeMutablePointer<passwd>?
    guard getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, let name = found?.pointee.pw_name else {
      return nil
    }
    return String(cString: name)
  }
}
