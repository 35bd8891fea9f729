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
  /// How far files are looked for.
  public var fileLimits: FileLimits
  /// Nil: none is written.
  public var accessLog: AccessLogConfiguration?
  /// How much of the past is kept in the state directory.
  public var history: LedgerPolicy
  /// What is remembered of nodes.
  public var nodes: NodePolicy
  /// What masterpool says of its own doings.
  public var log: LogPolicy
  /// Who is told of what.
  public var notify: NoticePolicy
  public var control: ControlSettings
  /// What is allowed but may surprise; printed below the summary.
  public var remarks: [String]
  /// Every key that means something in these settings: what it is, and who said so.
  public var account: [SettingsDocument.Setting] = []

  public init(
    stateDirectory: String, runDirectory: String, listen: [ListenerConfiguration], proxy: ProxyLimits,
    pools: [PoolPlan], routes: [Route], files: [FileFolder] = [], fileLimits: FileLimits = FileLimits(),
    control: ControlSettings, remarks: [String] = [],
    accessLog: AccessLogConfiguration? = nil, history: LedgerPolicy = LedgerPolicy(),
    nodes: NodePolicy = NodePolicy(), log: LogPolicy = LogPolicy(), notify: NoticePolicy = NoticePolicy()
  ) {
    self.stateDirectory = stateDirectory
    self.runDirectory = runDirectory
    self.listen = listen
    self.proxy = proxy
    self.pools = pools
    self.routes = routes
    self.files = files
    self.fileLimits = fileLimits
    self.control = control
    self.remarks = remarks
    self.accessLog = accessLog
    self.history = history
    self.nodes = nodes
    self.log = log
    self.notify = notify
  }

  /// What a proxy generation is told at its start.
  public var proxyConfiguration: ProxyConfiguration {
    ProxyConfiguration(
      listeners: listen, limits: proxy, pools: pools.map { ProxiedPool($0) }, routes: routes,
      files: FilePlan(folders: files, limits: fileLimits), accessLog: accessLog)
  }
}

/// Where the operator's tools find the supervisor.
public struct ControlSettings: Sendable, Hashable {
  /// Absolute.
  public var socketPath: String
  /// Dashboard, metrics and the API, read-only without a token; nil: none.
  public var listen: ListenAddress?
  /// Holds the one token that lets someone command there; absolute; nil: nobody does.
  public var tokenFile: String?
  /// Names under which it may be asked for, beside the machine's own.
  public var allowHosts: [String]

  public init(
    socketPath: String, listen: ListenAddress? = nil, tokenFile: String? = nil, allowHosts: [String] = []
  ) {
    self.socketPath = socketPath
    self.listen = listen
    self.tokenFile = tokenFile
    self.allowHosts = allowHosts
  }
}
