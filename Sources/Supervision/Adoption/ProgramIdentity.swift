import Glibc

/// One build of a program: two of the same version are still two.
struct ProgramIdentity: Hashable, Sendable, Codable {
  var version: String
  var device: UInt64 = 0
  var inode: UInt64 = 0
  /// In nanoseconds since 1970.
  var modified: Int64 = 0

  /// As it lies there now.
  init(version: String, path: String) {
    self.version = version
    var facts = stat()
    guard stat(path, &facts) == 0 else { return }
    device = UInt64(facts.st_dev)
    inode = UInt64(facts.st_ino)
    modified = Int64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_mtim.tv_nsec)
  }
}

/// How the program is started that takes our place.
public struct SuccessorPlan: Sendable {
  /// As ours, the program's name first.
  public var arguments: [String]
  /// Without the program's name: ends with 0 where it can use the settings.
  public var check: [String]
  /// Called right before our place is taken.
  public var prepare: @Sendable () -> Void

  public init(arguments: [String], check: [String], prepare: @escaping @Sendable () -> Void = {}) {
    self.arguments = arguments
    self.check = check
    self.prepare = prepare
  }
}
