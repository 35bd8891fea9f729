/// Which requests the proxy answers from disk, without a worker. The authorization stays the route's: only what a route
/// has allowed is looked for.
public struct FilePlan: Hashable, Sendable, Codable {
  /// The longest path that fits wins.
  public var folders: [FileFolder]
  /// A pool's own files, found the way Puppet finds them.
  public var puppet: [PuppetFilePlan]

  public init(folders: [FileFolder] = [], puppet: [PuppetFilePlan] = []) {
    self.folders = folders
    self.puppet = puppet
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

/// Where the masters of one pool have their modules and mounts.
public struct PuppetFilePlan: Hashable, Sendable, Codable {
  public var pool: PoolName
  /// Folders that hold environments, as Puppet searches them.
  public var environmentPath: [String]
  public var baseModulePath: [String]
  /// Nil: Puppet has no such file.
  public var fileServerConfig: String?

  public init(
    pool: PoolName, environmentPath: [String], baseModulePath: [String] = [], fileServerConfig: String? = nil
  ) {
    self.pool = pool
    self.environmentPath = environmentPath
    self.baseModulePath = baseModulePath
    self.fileServerConfig = fileServerConfig
  }
}
