/// What the proxy remembers of files and how far it looks for them; each limit is a setting of `proxy`, named `file_` and
/// this. What is beyond one is left to a worker.
public struct FileLimits: Hashable, Sendable, Codable {
  /// How long folders, links and environments are relied on before they are looked at again.
  public var trust = Duration.seconds(1)
  /// Environments of a pool that are known at once.
  public var environments = 64
  /// Names in one folder of modules.
  public var modules = 5000
  /// Files and folders below one that is asked for with all that it holds.
  public var treeEntries = 50_000
  /// Checksums that are remembered, of all pools together: some 250 bytes each.
  public var checksums = 50_000
  /// For answers about whole trees, of one pool.
  public var listMemory = ByteCount.mebibytes(16)

  public init() {}
}
