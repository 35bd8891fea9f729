import Pool

/// What the world around the settings file knows, asked by the reader so that it touches nothing itself.
///
/// Every path given is absolute.
public protocol Surroundings: Sendable {
  /// Where relative names of the settings file itself start.
  var currentDirectory: String { get }
  /// What stands at `path`; nil: nothing that can be seen. With `followingLinks` a link's target is described.
  func look(at path: String, followingLinks: Bool) -> PathFacts?
  /// Whether this process may open the file for reading.
  func canRead(_ path: String) -> Bool
  /// Whether this process may open the file for writing, or make files in the folder.
  func canWrite(_ path: String) -> Bool
  /// `path` without links, `.` and `..`, as far as it exists.
  func resolved(_ path: String) -> String
  /// Absolute paths.
  var mountPoints: [String] { get }
  /// Absolute paths, of all users.
  var homeDirectories: [String] { get }
  func userExists(_ name: String) -> Bool
  /// At least 1.
  var coreCount: Int { get }
  /// What the machine has, or what the control group that this process is in may have, whichever is less; nil: unknown.
  var memory: ByteCount? { get }
  /// The absolute path of a program: a bare name is searched for on PATH; nil: there is none that can be executed.
  func executable(_ name: String) -> String?
  /// The folder that holds the masters' adapters, `puppet/worker.rb` among them; nil: not found.
  var mastersDirectory: String? { get }
}

extension Surroundings {
  public var memory: ByteCount? { nil }
}

/// What stands at a path.
public struct PathFacts: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case file, directory, symlink, other
  }

  public var kind: Kind
  /// The twelve permission bits.
  public var mode: UInt32
  public var owner: UInt32

  public init(kind: Kind, mode: UInt32 = 0o644, owner: UInt32 = 0) {
    self.kind = kind
    self.mode = mode
    self.owner = owner
  }
}
