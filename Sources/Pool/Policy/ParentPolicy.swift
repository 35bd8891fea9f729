/// The numbers that rule a pool's warm parent: the process that has the master loaded and forks the workers.
public struct ParentPolicy: Hashable, Sendable, Codable {
  /// Its age, past which another one takes its place; nil: none.
  public var every: Duration?
  /// Over it another one takes its place.
  public var memoryLimit: ByteCount?
  /// From its start until it can fork.
  public var readyTimeout: Duration
  /// So long a worker's start waits for a parent that is on its way; then it is started cold.
  public var wait: Duration
  /// A parent that has not forked, or not answered a ping, by then is killed.
  public var forkTimeout: Duration
  /// Between two pings.
  public var ping: Duration

  public init(
    every: Duration? = nil, memoryLimit: ByteCount? = nil, readyTimeout: Duration = .seconds(120),
    wait: Duration = .seconds(30), forkTimeout: Duration = .seconds(10), ping: Duration = .seconds(10)
  ) {
    self.every = every
    self.memoryLimit = memoryLimit
    self.readyTimeout = readyTimeout
    self.wait = wait
    self.forkTimeout = forkTimeout
    self.ping = ping
  }
}

/// What tells that a pool's code is another one, and so asks for a new parent and new workers.
public struct DeployPolicy: Hashable, Sendable, Codable {
  /// Absolute paths of files and folders; a change anywhere below one is a deploy.
  public var watch: [String]
  /// How long everything must stay as it is first.
  public var settle: Duration
  /// Folders that may be watched in all.
  public var maxWatches: Int

  public init(watch: [String] = [], settle: Duration = .seconds(5), maxWatches: Int = 20_000) {
    self.watch = watch
    self.settle = settle
    self.maxWatches = maxWatches
  }
}
