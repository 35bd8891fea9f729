import Pool

/// The settings file, read and found right: every path absolute, every default filled in.
public struct Settings: Sendable, Hashable {
  /// Slots and history.
  public var stateDirectory: String
  /// Sockets and runtime state.
  public var runDirectory: String
  /// In the order of the file; never empty.
  public var listen: [ListenerConfiguration]
  public var proxy: ProxyLimits
  /// In the order of the file; never empty.
  public var pools: [PoolPlan]
  /// The file's own, then those that the pools' presets bring.
  public var routes: [Route]
  /// Folders whose files are served without a worker.
  public var files: [FileFolder]
  /// Nil: none is written.
  public var accessLog: AccessLogConfiguration?
  /// How much of the past is kept in the state directory.
  public var history: LedgerPolicy
  public var control: ControlSettings
  /// What is allowed but may surprise; printed below the summary.
  public var remarks: [String]

  public init(
    stateDirectory: String, runDirectory: String, listen: [ListenerConfiguration], proxy: ProxyLimits,
    pools: [PoolPlan], routes: [Route], files: [FileFolder] = [], control: ControlSettings, remarks: [String] = [],
    accessLog: AccessLogConfiguration? = nil, history: LedgerPolicy = LedgerPolicy()
  ) {
    self.stateDirectory = stateDirectory
    self.runDirectory = runDirectory
    self.listen = listen
    self.proxy = proxy
    self.pools = pools
    self.routes = routes
    self.files = files
    self.control = control
    self.remarks = remarks
    self.accessLog = accessLog
    self.history = history
  }

  /// What a proxy generation is told at its start.
  public var proxyConfiguration: ProxyConfiguration {
    ProxyConfiguration(
      listeners: listen, limits: proxy, pools: pools.map { ProxiedPool($0) }, routes: routes,
      files: FilePlan(folders: files), accessLog: accessLog)
  }
}

/// Where the operator's tools find the supervisor.
public struct ControlSettings: Sendable, Hashable {
  /// Absolute.
  public var socketPath: String
  /// Dashboard, metrics and the read-only API; nil: none.
  public var listen: ListenAddress?

  public init(socketPath: String, listen: ListenAddress? = nil) {
    self.socketPath = socketPath
    self.listen = listen
  }
}
