/// Which requests the proxy answers from disk, without a worker. The authorization stays the route's: only what a route
/// has allowed is looked for.
public struct FilePlan: Hashable, Sendable, Codable {
  /// The longest path that fits wins.
  public var folders: [FileFolder]
  /// A pool's own files, found the way Puppet finds them.
  public var puppet: [PuppetFilePlan]
  public var limits: FileLimits

  public init(folders: [FileFolder] = [], puppet: [PuppetFilePlan] = [], limits: FileLimits = FileLimits()) {
    self.folders = folders
    self.puppet = puppet
    self.limits = limits
  }

  public var isEmpty: Bool { folders.isEmpty && puppet.isEmpty }
}

/// A folder whose regular files are served below a path.
public struct FileFolder: Hashable, Sendable, Codable {
  /// As in a route, percent-decoded: `/downloads/`, with a slash at both ends.
  public var path: String
  /// Absolute.
  public var folder: String

  public init(path: String, folder: String) {
    self.path = path
    self.folder = folder
  }
}

/// Where the masters of one pool have their modules and mounts, as the masters themselves say.
public struct PuppetFilePlan: Hashable, Sendable, Codable {
  public var pool: PoolName
  /// Folders that hold environments, as Puppet searches them.
  public var environmentPath: [String]
  public var baseModulePath: [String]
  /// Nil: Puppet has no such file.
  public var fileServerConfig: String?
  /// What Puppet puts in place of `$name` in an environment's modulepath.
  public var interpolated: [String: String]
  /// Mounts that this Puppet has without being told.
  public var mounts: Set<String>
  /// The checksum of who asks for none.
  public var digestAlgorithm: String
  public var identity: Identity
  /// The workers' time zone: seconds east of UTC at some times, in seconds since 1970.
  public var utcOffsets: [Int: Int]

  /// The user that the workers are.
  public struct Identity: Hashable, Sendable, Codable {
    public var user: UInt32
    public var group: UInt32
    public var groups: [UInt32]

    public init(user: UInt32 = 0, group: UInt32 = 0, groups: [UInt32] = []) {
      self.user = user
      self.group = group
      self.groups = groups
    }
  }

  public init(
    pool: PoolName, environmentPath: [String], baseModulePath: [String] = [], fileServerConfig: String? = nil,
    interpolated: [String: String] = [:],
    mounts: Set<String> = ["modules", "plugins", "pluginfacts", "locales", "tasks"],
    digestAlgorithm: String = "sha256", identity: Identity = Identity(), utcOffsets: [Int: Int] = [:]
  ) {
    self.pool = pool
    self.environmentPath = environmentPath
    self.baseModulePath = baseModulePath
    self.fileServerConfig = fileServerConfig
    self.interpolated = interpolated
    self.mounts = mounts
    self.digestAlgorithm = digestAlgorithm
    self.identity = identity
    self.utcOffsets = utcOffsets
  }
}
