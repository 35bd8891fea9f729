/// `GET /v1/advice`: what the ledger's samples say of each pool, and what to set.
public struct AdviceDocument: Hashable, Sendable, Codable {
  public var pools: [PoolAdvice]

  public init(pools: [PoolAdvice]) { self.pools = pools }
}

/// Of which pool, and of what time; what is not said is all pools, and the last week.
public struct AdviceQuery: Hashable, Sendable {
  public var pool: PoolName?
  /// RFC 3339, UTC, with milliseconds.
  public var since: String?

  public init(pool: PoolName? = nil, since: String? = nil) {
    self.pool = pool
    self.since = since
  }
}

public struct PoolAdvice: Hashable, Sendable, Codable {
  public enum Verdict: String, Hashable, Sendable, Codable {
    case leak
    case noLeak = "no_leak"
    case notEnoughData = "not_enough_data"
  }

  public var pool: PoolName
  public var verdict: Verdict
  /// What it comes to, for a person.
  public var sentence: String
  /// Workers' lives that were long enough to tell anything, and the hours that they were watched after warming up.
  public var lives: Int
  public var observedHours: Double
  /// With `not_enough_data`: how much longer it takes, about.
  public var hoursMore: Double?
  /// After warming up; with the bounds within which the middle worker's growth lies, with 90% confidence.
  public var perHour: Growth?
  public var perRequest: Growth?
  /// What a worker holds once it is warm.
  public var plateauBytes: Int?
  public var warmUpSeconds: Double?
  /// What memory is held against: the hard limit, or a worker's share of the budget or of the machine.
  public var limitBytes: Int?
  /// From birth until that is reached: the middle worker, and the quarter that leaks fastest and slowest.
  public var secondsToLimit: Spread?
  public var restartsPerDay: [Restarts]
  /// What these come from: days in which the pool was watched, or a part of one.
  public var days: Double
  public var advice: Values
  /// What each advised value comes of, a sentence each.
  public var reasons: [String]

  public init(pool: PoolName, verdict: Verdict, sentence: String) {
    self.pool = pool
    self.verdict = verdict
    self.sentence = sentence
    lives = 0
    observedHours = 0
    restartsPerDay = []
    days = 0
    advice = Values()
    reasons = []
  }

  public struct Growth: Hashable, Sendable, Codable {
    public var bytes: Double
    public var low: Double
    public var high: Double

    public init(bytes: Double, low: Double, high: Double) {
      self.bytes = bytes
      self.low = low
      self.high = high
    }
  }

  public struct Spread: Hashable, Sendable, Codable {
    public var seconds: Double
    public var low: Double
    public var high: Double

    public init(seconds: Double, low: Double, high: Double) {
      self.seconds = seconds
      self.low = low
      self.high = high
    }
  }

  public struct Restarts: Hashable, Sendable, Codable {
    public var reason: RecycleReason
    /// A day.
    public var count: Double
    /// A day: how long places in the pool had nobody who served. A successor that is ready first costs none.
    public var capacitySeconds: Double

    public init(reason: RecycleReason, count: Double, capacitySeconds: Double) {
      self.reason = reason
      self.count = count
      self.capacitySeconds = capacitySeconds
    }

    enum CodingKeys: String, CodingKey {
      case reason, count
      case capacitySeconds = "capacity_seconds"
    }
  }

  /// What to set; nil: nothing to say of it.
  public struct Values: Hashable, Sendable, Codable {
    public var everySeconds: Double?
    public var memoryBytes: Int?
    public var requests: Int?
    public var workers: Int?

    public init() {}

    enum CodingKeys: String, CodingKey {
      case requests, workers
      case everySeconds = "every_seconds"
      case memoryBytes = "memory_bytes"
    }
  }

  enum CodingKeys: String, CodingKey {
    case pool, verdict, sentence, lives, days, advice, reasons
    case observedHours = "observed_hours"
    case hoursMore = "hours_more"
    case perHour = "per_hour"
    case perRequest = "per_request"
    case plateauBytes = "plateau_bytes"
    case warmUpSeconds = "warm_up_seconds"
    case limitBytes = "limit_bytes"
    case secondsToLimit = "seconds_to_limit"
    case restartsPerDay = "restarts_per_day"
  }
}
