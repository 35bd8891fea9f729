/// How a pool's workers are started, with the placeholders `{socket}`, `{port}`, `{slot}`, `{index}`,
/// `{generation}` and `{pool}` still in place.
public struct LaunchPlan: Hashable, Sendable, Codable {
  /// Program and arguments; the program is searched for on PATH.
  public var command: [String]
  /// Added to, and winning over, the supervisor's own environment.
  public var environment: [String: String]
  /// A user name; nil: the supervisor's own.
  public var user: String?
  /// Nil: the worker's own directory in its slot.
  public var workingDirectory: String?
  public var cache: CachePlan
  /// Absolute paths of folders that outlive every worker: made before the first one starts where they are missing,
  /// and then the user's.
  public var folders: [String]
  /// A program and its arguments that says in one line of JSON where agents' files lie, so that the proxy can answer
  /// for them; nil: only workers do. No placeholders.
  public var describeFiles: [String]?
  /// Nil: a worker that is stopped for being stuck is not asked what it is doing.
  public var backtrace: BacktraceSignal?

  public init(
    command: [String], environment: [String: String] = [:], user: String? = nil, workingDirectory: String? = nil,
    cache: CachePlan = CachePlan(), folders: [String] = [], describeFiles: [String]? = nil,
    backtrace: BacktraceSignal? = nil
  ) {
    self.command = command
    self.environment = environment
    self.user = user
    self.workingDirectory = workingDirectory
    self.cache = cache
    self.folders = folders
    self.describeFiles = describeFiles
    self.backtrace = backtrace
  }

  /// True where the worker is given a loopback port instead of a unix socket.
  public var usesPort: Bool { command.contains { $0.contains("{port}") } }
}

/// A signal on which a worker writes what all its threads are doing to a file in its own directory, put in place whole by
/// renaming.
public enum BacktraceSignal: String, Hashable, Sendable, Codable, CaseIterable {
  case usr1 = "USR1"
  case usr2 = "USR2"
  case ttin = "TTIN"
  case quit = "QUIT"

  public static let fileName = "backtrace.txt"
}

/// What no successor may see.
public struct CachePlan: Hashable, Sendable, Codable {
  /// Paths relative to the worker's own directory that are wiped once it is gone; empty: all of it. What is not
  /// named stays for a look at it, until the slot's next generation is gone too.
  public var wipe: [String]
  /// Absolute paths that all workers share, renamed aside before each start.
  public var shared: [String]

  public init(wipe: [String] = [], shared: [String] = []) {
    self.wipe = wipe
    self.shared = shared
  }
}

/// A pool as the supervisor needs it.
public struct PoolPlan: Hashable, Sendable, Codable {
  public var name: PoolName
  public var policy: PoolPolicy
  public var launch: LaunchPlan
  public var deploy: DeployPolicy

  public init(name: PoolName, policy: PoolPolicy, launch: LaunchPlan, deploy: DeployPolicy = DeployPolicy()) {
    self.name = name
    self.policy = policy
    self.launch = launch
    self.deploy = deploy
  }
}
