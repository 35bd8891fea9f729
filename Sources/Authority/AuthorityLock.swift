import Glibc

extension AuthorityFolder {
  /// How long a command waits for another one, which at most makes one key.
  static let lockPatienceMilliseconds = 30_000
  private static let lockPauseMilliseconds = 50

  /// One command at a time changes an authority; the kernel frees the lock of one that died.
  func locked<Result>(_ body: () throws -> Result) throws -> Result {
    let path = absolute(Self.lock)
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw AuthorityFailure.failed("open", path) }
    defer { close(file) }
    try takeLock(file, path)
    return try body()
  }

  private func takeLock(_ file: Int32, _ path: String) throws(AuthorityFailure) {
    var waited = 0
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw .failed("lock", path) }
      guard waited < Self.lockPatienceMilliseconds else {
        throw .busy("another command has held \(path) for \(waited / 1000) s; try again when it has ended")
      }
      usleep(UInt32(Self.lockPauseMilliseconds) * 1000)
      waited += Self.lockPauseMilliseconds
    }
  }
}
