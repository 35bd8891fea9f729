import Pool

/// What `masterpool run` supervises.
public struct SupervisorPlan: Sendable {
  public var version: String
  /// Our own program, started anew as the proxy.
  public var executable: String
  /// Slots and what is being deleted.
  public var stateDirectory: String
  /// The workers' sockets, and the lock against a second supervisor.
  public var runDirectory: String
  public var pools: [PoolPlan]
  public var proxy: ProxyConfiguration
  /// Settings of others that hold for the life of the process, by their names: `control.listen`.
  public var fixed: [String: String]
  public var ledger: LedgerPolicy

  public init(
    version: String, executable: String, stateDirectory: String, runDirectory: String, pools: [PoolPlan],
    proxy: ProxyConfiguration, fixed: [String: String] = [:], ledger: LedgerPolicy = LedgerPolicy()
  ) {
    self.version = version
    self.executable = executable
    self.stateDirectory = stateDirectory
    self.runDirectory = runDirectory
    self.pools = pools
    self.proxy = proxy
    self.fixed = fixed
    self.ledger = ledger
  }

  /// New settings for a supervisor that runs where and as what it was started.
  func keepingPlaces(of old: SupervisorPlan) -> SupervisorPlan {
    SupervisorPlan(
      version: old.version, executable: old.executable, stateDirectory: old.stateDirectory,
      runDirectory: old.runDirectory, pools: pools, proxy: proxy, fixed: old.fixed, ledger: ledger)
  }

  /// The longest drain of any pool: how long the proxy may take to finish its requests.
  var longestDrain: Duration { pools.map(\.policy.stop.drain).max() ?? .zero }
}

/// The settings as they are now, or all that is wrong with them.
public enum PlanReading: Sendable {
  case plan(SupervisorPlan)
  /// A line each: where, what, and what to write instead.
  case problems([String])
}

/// Why a supervisor cannot start or go on.
public enum SupervisorFailure: Error, Hashable, CustomStringConvertible {
  case alreadyRunning(runDirectory: String, pid: Int32?)
  case cannotPrepare(path: String, why: String)
  case cannotListen(address: String, why: String)
  /// The proxy says that the configuration cannot be used.
  case proxyRefused(String)

  public var description: String {
    switch self {
    case .alreadyRunning(let directory, let pid):
      "another masterpool\(pid.map { " (pid \($0))" } ?? "") runs in \(directory); stop it first, "
        + "or give this one another run_dir"
    case .cannotPrepare(let path, let why): "\(path) cannot be used: \(why)"
    case .cannotListen(let address, let why): "cannot listen on \(address): \(why)"
    case .proxyRefused(let why): "the proxy cannot use the settings: \(why)"
    }
  }
}
