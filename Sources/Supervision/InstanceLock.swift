import Glibc

/// The lock on a run directory, held for the supervisor's life and let go by the kernel when it dies.
final class InstanceLock: Sendable {
  private let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  static func take(in directory: String) throws(SupervisorFailure) -> InstanceLock {
    let path = directory + "/supervisor.pid"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw .cannotPrepare(path: path, why: reason()) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let holder = readPID(descriptor)
      close(descriptor)
      throw .alreadyRunning(runDirectory: directory, pid: holder)
    }
    let text = "\(getpid())\n"
    ftruncate(descriptor, 0)
    _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
    return InstanceLock(descriptor: descriptor)
  }

  private static func readPID(_ descriptor: Int32) -> Int32? {
    var buffer = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { return nil }
    return Int32(String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").first ?? "")
  }
}
