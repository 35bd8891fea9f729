/// What is looked at to see whether something is wrong.
public struct HostLook: Sendable {
  public struct Pool: Sendable {
    public var name: PoolName
    public var size: Int
    public var ready: Int
    public var minReady: Int
    public var memory = ByteCount(bytes: 0)
    public var budget: ByteCount?
    public var queueLength = 0
    public var queueLimit = 0
    public var quarantined: [String] = []
    public var failing: [FailingSlot] = []

    public init(name: PoolName, size: Int, ready: Int, minReady: Int) {
      self.name = name
      self.size = size
      self.ready = ready
      self.minReady = minReady
    }
  }

  /// A slot whose workers end before they have served for a while.
  public struct FailingSlot: Sendable {
    public var slot: SlotID
    /// In a row.
    public var failures: Int
    /// How the last one ended, where that is known.
    public var why: String?

    public init(slot: SlotID, failures: Int, why: String?) {
      self.slot = slot
      self.failures = failures
      self.why = why
    }
  }

  public struct Silence: Sendable {
    public var overdue: Int
    public var total: Int
    public var after: Duration

    public init(overdue: Int, total: Int, after: Duration) {
      self.overdue = overdue
      self.total = total
      self.after = after
    }
  }

  /// Nobody was ever served: that there is no worker is no news.
  public var isStarting = false
  public var hasProxy = true
  public var pools: [Pool] = []
  public var nodes: Silence?
  public var expiries: [Expiry] = []
  public var historyTrouble: String?
  /// Seconds since 1970.
  public var epoch = 0

  public init() {}

  /// All that is wrong.
  public func conditions(_ policy: NoticePolicy) -> [Notice] {
    pools.flatMap { wrong($0, policy) } + proxy + silence + expiries.compactMap { expiring($0, policy) } + history
  }

  private var proxy: [Notice] {
    guard !hasProxy, !isStarting else { return [] }
    return [Notice(.proxyDown, subject: "proxy", summary: "no proxy is running: agents get no answer")]
  }

  private var silence: [Notice] {
    guard let nodes, nodes.overdue > 0 else { return [] }
    return [
      Notice(
        .nodesOverdue, subject: "nodes",
        summary: "\(nodes.overdue) of \(nodes.total) nodes silent for more than \(nodes.after.short)",
        details: "see masterpool nodes --overdue \(nodes.after.short)")
    ]
  }

  private var history: [Notice] {
    historyTrouble.map { [Notice(.history, subject: "history", summary: "the history is not written: \($0)")] } ?? []
  }

  private func wrong(_ pool: Pool, _ policy: NoticePolicy) -> [Notice] {
    tooFew(pool) + pool.failing.map { failing($0, policy) } + overBudget(pool) + queue(pool) + quarantine(pool)
  }

  private func tooFew(_ pool: Pool) -> [Notice] {
    guard !isStarting, pool.size > 0 else { return [] }
    func notice(_ kind: NoticeKind, _ words: String) -> [Notice] {
      [Notice(kind, subject: pool.name.rawValue, pool: pool.name, summary: "\(pool.name): \(words)")]
    }
    if pool.ready == 0 { return notice(.noWorker, "none of \(pool.size) workers is ready") }
    guard pool.ready < pool.minReady else { return [] }
    return notice(.belowMinReady, "\(pool.ready) of \(pool.size) ready, below min_ready \(pool.minReady)")
  }

  private func failing(_ failing: FailingSlot, _ policy: NoticePolicy) -> Notice {
    let times = failing.failures == 1 ? "once" : "\(failing.failures) times in a row"
    return Notice(
      failing.failures >= policy.crashLoop ? .crashLoop : .backOff, slot: failing.slot,
      summary: "\(failing.slot) does not come up, tried \(times)\(failing.why.map { ": \($0)" } ?? "")",
      details: "see masterpool events --slot \(failing.slot)")
  }

  private func overBudget(_ pool: Pool) -> [Notice] {
    guard let budget = pool.budget, pool.memory > budget else { return [] }
    return [
      Notice(
        .memoryBudget, subject: pool.name.rawValue, pool: pool.name,
        summary: "\(pool.name): \(pool.memory) in use, over its budget of \(budget)")
    ]
  }

  private func queue(_ pool: Pool) -> [Notice] {
    guard pool.queueLimit > 0, pool.queueLength > pool.queueLimit / 2 else { return [] }
    return [
      Notice(
        .queue, subject: pool.name.rawValue, pool: pool.name,
        summary: "\(pool.name): \(pool.queueLength) requests wait, more than half of queue.limit \(pool.queueLimit)")
    ]
  }

  private func quarantine(_ pool: Pool) -> [Notice] {
    guard let first = pool.quarantined.first else { return [] }
    let named = pool.quarantined.prefix(NodeHerald.named).joined(separator: ", ")
    let rest = pool.quarantined.count - NodeHerald.named
    return [
      Notice(
        .quarantine, subject: pool.name.rawValue, pool: pool.name,
        summary: "\(pool.name): quarantined \(named)\(rest > 0 ? " and \(rest) more" : "")",
        details: "once it is mended: masterpool release \(first)")
    ]
  }

  private func expiring(_ expiry: Expiry, _ policy: NoticePolicy) -> Notice? {
    let isList = expiry.kind == .clientCRL
    let (left, overflow) = expiry.at.subtractingReportingOverflow(epoch)
    guard !overflow else { return nil }
    let ahead = Duration.seconds(left)
    guard ahead < (isList ? policy.crlExpiry : policy.certificateExpiry) else { return nil }
    let what = isList ? "is to be replaced" : "expires"
    let words =
      left > 0 ? "\(what) in \(ahead.short)" : isList ? "is out of date: agents are turned away" : "has expired"
    return Notice(
      .certificateExpiry, severity: left <= 0 || isList ? .critical : .warning, subject: expiry.file,
      summary: "\(expiry.file) of \(expiry.listener) \(words)")
  }
}
