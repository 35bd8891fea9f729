import Glibc

/// What a stat says of one file, as far as Puppet's answers depend on it. Times are nanoseconds since 1970.
struct FileFacts: Hashable, Sendable {
  enum Kind: Sendable { case file, folder, link, other }

  var kind: Kind
  /// Permission bits, set-id and sticky among them.
  var mode: UInt32
  var owner: UInt32
  var group: UInt32
  var size: Int
  var modified: Int64
  var changed: Int64
  var inode: UInt64
  var device: UInt64

  init?(at path: String, followingLinks: Bool = true) {
    var status = stat()
    guard (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
    self.init(status)
  }

  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// An entry of a folder that is open, itself and not what it leads to.
  init?(of name: UnsafePointer<CChar>, in folder: Int32) {
    var status = stat()
    guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      case S_IFLNK: .link
      default: .other
      }
    mode = status.st_mode & 0o7777
    owner = status.st_uid
    group = status.st_gid
    size = Int(status.st_size)
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
    inode = UInt64(status.st_ino)
    device = UInt64(status.st_dev)
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ Int64(time.tv_nsec)
  }

  /// False: a change in the same tick of the file system's clock would leave these facts as they are.
  func isSettled(at now: Int64) -> Bool {
    let latest = max(modified, changed)
    // Some file systems know whole seconds only.
    let tick: Int64 = latest % 1_000_000_000 == 0 ? 2_000_000_000 : 100_000_000
    return latest < now - tick
  }
}

/// Nanoseconds since 1970, and since some fixed point.
enum Moment {
  static func wall() -> Int64 { read(CLOCK_REALTIME) }
  static func steady() -> Int64 { read(CLOCK_MONOTONIC) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
