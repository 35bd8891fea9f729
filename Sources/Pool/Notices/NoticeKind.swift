/// How bad it is; ordered.
public enum Severity: String, Hashable, Comparable, Sendable, Codable, CaseIterable {
  case warning, critical

  public static func < (a: Severity, b: Severity) -> Bool { a == .warning && b == .critical }
}

/// What somebody may be told of: the settings' words.
public enum NoticeKind: String, Hashable, Sendable, Codable, CaseIterable {
  // Conditions: they begin, last and end.

  /// No proxy runs: agents get no answer.
  case proxyDown = "proxy_down"
  /// A pool has no worker that takes requests; or fewer than `min_ready`.
  case noWorker = "no_worker"
  case belowMinReady = "below_min_ready"
  /// A slot's workers end before they have served for a while; or have done so `crash_loop` times in a row.
  case backOff = "back_off"
  case crashLoop = "crash_loop"
  /// A pool's processes hold more than `memory_budget`.
  case memoryBudget = "memory_budget"
  /// More than half of `queue.limit` waits.
  case queue
  /// Nodes that wedge workers are held apart.
  case quarantine
  /// Nodes are silent for longer than `nodes.overdue`.
  case nodesOverdue = "nodes_overdue"
  /// A certificate or a revocation list is about to expire, or has.
  case certificateExpiry = "certificate_expiry"
  /// The ledger cannot be written.
  case history

  // Occurrences: they have no end.

  /// A worker was stopped for being stuck; cut off by `memory_limit`; died by itself.
  case stuck
  case memoryLimit = "memory_limit"
  case crash
  /// The proxy ended though it was to go on.
  case proxyCrash = "proxy_crash"
  /// The old code goes on.
  case deployFailed = "deploy_failed"
  /// What a worker left could not all be removed.
  case wipeFailed = "wipe_failed"
  /// New settings were refused.
  case reloadRefused = "reload_refused"
  /// Nothing is wrong: somebody asked for it.
  case test

  /// Those that a receiver may choose from.
  public static let choices = allCases.filter { $0 != .test }

  public var severity: Severity {
    switch self {
    case .proxyDown, .noWorker, .belowMinReady, .crashLoop: .critical
    case .backOff, .memoryBudget, .queue, .quarantine, .nodesOverdue, .certificateExpiry, .history, .stuck,
      .memoryLimit, .crash, .proxyCrash, .deployFailed, .wipeFailed, .reloadRefused, .test:
      .warning
    }
  }

  /// True where an end is awaited.
  public var isLasting: Bool {
    switch self {
    case .proxyDown, .noWorker, .belowMinReady, .backOff, .crashLoop, .memoryBudget, .queue, .quarantine,
      .nodesOverdue, .certificateExpiry, .history:
      true
    case .stuck, .memoryLimit, .crash, .proxyCrash, .deployFailed, .wipeFailed, .reloadRefused, .test: false
    }
  }

  /// What goes without saying where this holds of the same subject.
  var includes: NoticeKind? {
    switch self {
    case .noWorker: .belowMinReady
    case .crashLoop: .backOff
    case .proxyDown, .belowMinReady, .backOff, .memoryBudget, .queue, .quarantine, .nodesOverdue, .certificateExpiry,
      .history, .stuck, .memoryLimit, .crash, .proxyCrash, .deployFailed, .wipeFailed, .reloadRefused, .test:
      nil
    }
  }
}
