import Glibc
import Pool

/// Why the control API cannot be served.
public enum ControlServerFailure: Error, Equatable, CustomStringConvertible {
  case pathTooLong(String)
  /// Something that is not a socket is in its place.
  case notASocket(String)
  /// Another process serves it.
  case inUse(String)
  case cannotListen(ListenAddress, String)
  case system(act: String, path: String, reason: String)

  public var description: String {
    switch self {
    case .pathTooLong(let path):
      "the control socket's path has \(path.utf8.count) bytes, at most \(ControlLimit.socketPathBytes) are possible: "
        + "\(path); choose a shorter run_dir or control.socket"
    case .notASocket(let path):
      "\(path) is there already and is not a socket; move it away, or choose another control.socket"
    case .inUse(let path):
      "another process serves \(path); is masterpool running already? masterpool status --control \(path)"
    case .cannotListen(let address, let reason): "cannot listen on \(address) for control.listen: \(reason)"
    case .system(let act, let path, let reason): "cannot \(act) \(path): \(reason)"
    }
  }

  /// Call it right after the system call: it reads `errno`.
  fileprivate static func failed(_ act: String, _ path: String) -> ControlServerFailure {
    let number = errno
    return .system(act: act, path: path, reason: String(cString: strerror(number)))
  }
}

/// Where a unix socket is to appear: bound in a folder that nobody else can enter, then moved into place with its
/// final mode, so that it is never open to others and never half there.
struct SocketPlace: Sendable {
  let path: String
  /// Where to bind.
  let workshop: String
  private let folder: String

  /// Makes the folder; refuses a place that is taken by anything but a socket that nobody serves any more.
  init(_ path: String) throws(ControlServerFailure) {
    try Self.check(path)
    self.path = path
    let parent = Self.parent(of: path)
    folder = "\(parent)/.s\(getpid())"
    workshop = "\(folder)/s"
    if workshop.utf8.count > ControlLimit.socketPathBytes { throw .pathTooLong(path) }
    // Left by a process that died with our pid.
    unlink(workshop)
    rmdir(folder)
    guard mkdir(folder, 0o700) == 0 else { throw .failed("make a socket in", parent) }
  }

  /// Refuses a place that cannot be had.
  static func check(_ path: String) throws(ControlServerFailure) {
    if path.utf8.count > ControlLimit.socketPathBytes { throw .pathTooLong(path) }
    try refuseIfTaken(path)
  }

  private static func parent(of path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
  }

  /// Puts the bound socket in place.
  func publish() throws(ControlServerFailure) {
    guard chmod(workshop, 0o600) == 0, rename(workshop, path) == 0 else { throw .failed("make", path) }
    rmdir(folder)
  }

  /// The socket, unless another process has put its own there meanwhile.
  func remove() {
    unlink(workshop)
    rmdir(folder)
    if !Self.isServed(path) { unlink(path) }
  }

  private static func refuseIfTaken(_ path: String) throws(ControlServerFailure) {
    var info = stat()
    guard lstat(path, &info) == 0 else {
      if errno == ENOENT { return }
      throw .failed("look at", path)
    }
    guard info.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path) }
    if isServed(path) { throw .inUse(path) }
  }

  /// True unless the kernel says that nobody listens.
  private static func isServed(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return true }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return connected == 0 || errno != ECONNREFUSED && errno != ENOENT
  }
}
