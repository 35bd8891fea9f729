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
  /// Settings of others that take effect with `adopted`, by their names, each as a text that differs where it does.
  public var others: [String: String]
  /// Called once a reload has put this plan in force.
  public var adopted: @Sendable () -> Void
  public var ledger: LedgerPolicy
  public var nodes: NodePolicy
  public var notify: NoticePolicy
  /// What was read for it, the settings file first, and what each key came to.
  public var texts: [SettingsText]
  public var account: [SettingsDocument.Setting]

  public init(
    version: String, executable: String, stateDirectory: String, runDirectory: String, pools: [PoolPlan],
    proxy: ProxyConfiguration, fixed: [String: String] = [:], ledger: LedgerPolicy = LedgerPolicy(),
    nodes: NodePolicy = NodePolicy(), notify: NoticePolicy = NoticePolicy(), others: [String: String] = [:],
    adopted: @escaping @Sendable () -> Void = {}, texts: [SettingsText] = [],
    account: [SettingsDocument.Setting] = []
  ) {
    self.version = version
    self.executable = executable
    self.stateDirectory = stateDirectory
    self.runDirectory = runDirectory
    self.pools = pools
    self.proxy = proxy
    self.fixed = fixed
    self.others = others
    self.adopted = adopted
    self.ledger = ledger
    self.nodes = nodes
    self.notify = notify
    self.texts = texts
    self.account = account
  }

  /// New settings for a supervisor that runs where and as what it was started.
  func keepingPlaces(of old: SupervisorPlan) -> SupervisorPlan {
    var plan = self
    plan.version = old.version
    plan.executable = old.executable
    plan.stateDirectory = old.stateDirectory
    plan.runDirectory = old.runDirectory
    plan.fixed = old.fixed
    let running = Dictionary(old.account.map { ($0.key, $0) }) { first, _ in first }
    plan.account = account.map { setting in
      guard setting.change == .restart, let former = running[setting.key], former.value != setting.value else {
        return setting
      }
      return former
    }
    return plan
  }

  /// The longest drain of any pool: how long the proxy may take to finish its requests.
  var longestDrain: Duration { pools.map(\.policy.stop.drain).max() ?? .zero }
}

/// Which settings are to be read.
public struct PlanRequest: Sendable {
  /// Nil: those in the files as they are now.
  public var texts: [SettingsText]?
  /// Above all files.
  public var overrides: [SettingOverride]

  public init(texts: [SettingsText]? = nil, overrides: [SettingOverride] = []) {
    self.texts = texts
    self.overrides = overrides
  }
}

/// The settings as they are now, or all that is wrong with them.
public enum PlanReading: Sendable {
  case plan(SupervisorPlan)
  /// A line each: where, what, and what to write instead.
  case problems([String])
}

/// Writes what is set for good to a drop-in of its own, whole or not at all.
public struct SettingsKeeper: Sendable {
  /// Prepares the file: these values are in it, and the keys of empty ones are not. Throws why not.
  public var prepare: @Sendable (_ values: [String: String], _ texts: [SettingsText]) throws -> KeptSettings

  public init(prepare: @escaping @Sendable ([String: String], [SettingsText]) throws -> KeptSettings) {
    self.prepare = prepare
  }
}

/// A drop-in that stands beside its place.
public struct KeptSettings: Sendable {
  public var path: String
  /// All texts with the new one among them.
  public var texts: [SettingsText]
  /// Puts it in its place; returns why not.
  public var finish: @Sendable () -> String?
  public var abandon: @Sendable () -> Void

  public init(
    path: String, texts: [SettingsText], finish: @escaping @Sendable () -> String?,
    abandon: @escaping @Sendable () -> Void
  ) {
    self.path = path
    self.texts = texts
    self.finish = finish
    self.abandon = abandon
  }
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
