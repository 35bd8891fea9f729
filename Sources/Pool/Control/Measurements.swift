/// What `/metrics` says beyond the status: counts since the first of all supervisors that took over from each other.
public struct Measurements: Hashable, Sendable {
  public struct Pool: Hashable, Sendable {
    public var name: PoolName
    public var durations: RequestDurations
    public var tally: PoolTally

    public init(name: PoolName, durations: RequestDurations, tally: PoolTally) {
      self.name = name
      self.durations = durations
      self.tally = tally
    }
  }

  public var pools: [Pool] = []
  public var tls = TLSCounters()
  public var expiries: [Expiry] = []
  /// Proxies that ended though they were to go on.
  public var proxyRestarts = 0

  public init() {}
}

/// What became of a pool's workers and of what they left.
public struct PoolTally: Hashable, Sendable, Codable {
  /// Workers that ended, by `RecycleReason`.
  public var exits: [String: Int] = [:]
  /// Directories and shared caches that were cleared, what was removed, and what could not be.
  public var wipes = 0
  public var wipedEntries = 0
  public var wipedBytes = 0
  public var wipeFailures = 0
  public var deploys = 0
  public var deploysFailed = 0

  public init() {}

  public mutating func count(_ reason: RecycleReason) { exits[reason.rawValue, default: 0] += 1 }

  public mutating func countWipe(entries: Int, bytes: Int, failures: Int) {
    wipes += 1
    wipedEntries &+= entries
    wipedBytes &+= bytes
    wipeFailures += failures
  }
}
