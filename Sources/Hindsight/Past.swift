import Advice
import Pool

/// What is known of one pool's last days: what the ledger holds, and what a running supervisor adds to it. All times are
/// in seconds, points in time since 1970.
public struct Past: Hashable, Sendable {
  public var pool: PoolName
  /// Workers' lives as they were sampled.
  public var lives: [Evidence.Life]
  public var exits: [Exit]
  /// From a worker's start until it was ready.
  public var startSeconds: [Double]
  public var nodes: [Node]
  /// More nodes than that are not kept: there may be others.
  public var nodeLimit: Int
  /// Requests that workers answered, of the last hours.
  public var pulse: Pulse?
  public var settings: Settings?
  /// Nil: no proxy was there to tell.
  public var classes: [RoutePriority: ClassTimes]?

  public init(
    pool: PoolName, lives: [Evidence.Life] = [], exits: [Exit] = [], startSeconds: [Double] = [], nodes: [Node] = [],
    nodeLimit: Int = NodePolicy().limit, pulse: Pulse? = nil, settings: Settings? = nil,
    classes: [RoutePriority: ClassTimes]? = nil
  ) {
    self.pool = pool
    self.lives = lives
    self.exits = exits
    self.startSeconds = startSeconds
    self.nodes = nodes
    self.nodeLimit = nodeLimit
    self.pulse = pulse
    self.settings = settings
    self.classes = classes
  }

  public struct Exit: Hashable, Sendable {
    public var slot: Int
    public var generation: Int
    public var at: Double
    public var reason: RecycleReason
    public var ageSeconds: Double
    /// As the ledger writes it: `15m`, `600 MiB`, `5000`.
    public var limit: String?
    public var birthBytes: Int?
    public var requests: Int

    public init(
      slot: Int, generation: Int, at: Double, reason: RecycleReason, ageSeconds: Double, limit: String? = nil,
      birthBytes: Int? = nil, requests: Int = 0
    ) {
      self.slot = slot
      self.generation = generation
      self.at = at
      self.reason = reason
      self.ageSeconds = ageSeconds
      self.limit = limit
      self.birthBytes = birthBytes
      self.requests = requests
    }
  }

  public struct Node: Hashable, Sendable {
    public var seenAt: Double
    /// Of the run that is under way, and of the last one that ended in a report.
    public var runStartedAt: Double?
    public var lastRunStartedAt: Double?
    public var lastRunSeconds: Double?
    /// A worker's time for its latest catalog.
    public var catalogSeconds: Double?
    public var version: String?

    public init(
      seenAt: Double, runStartedAt: Double? = nil, lastRunStartedAt: Double? = nil, lastRunSeconds: Double? = nil,
      catalogSeconds: Double? = nil, version: String? = nil
    ) {
      self.seenAt = seenAt
      self.runStartedAt = runStartedAt
      self.lastRunStartedAt = lastRunStartedAt
      self.lastRunSeconds = lastRunSeconds
      self.catalogSeconds = catalogSeconds
      self.version = version
    }
  }

  /// The pool's settings, and who told them.
  public struct Settings: Hashable, Sendable {
    public var policy: PoolPolicy
    public var source: String

    public init(_ policy: PoolPolicy, source: String) {
      self.policy = policy
      self.source = source
    }
  }

  /// Requests of one class that workers answered, and how long they took them.
  public struct ClassTimes: Hashable, Sendable {
    public var count: Int
    public var meanSeconds: Double
    public var deviationSeconds: Double

    public init(count: Int, meanSeconds: Double, deviationSeconds: Double) {
      self.count = count
      self.meanSeconds = meanSeconds
      self.deviationSeconds = deviationSeconds
    }
  }
}

/// How many requests were answered in each of equal spans of time.
public struct Pulse: Hashable, Sendable {
  public var spanSeconds: Double
  public var counts: [Double]

  public init(spanSeconds: Double, counts: [Double]) {
    self.spanSeconds = spanSeconds
    self.counts = counts
  }

  /// - Parameter lives: sampled about once in each span.
  public init?(_ lives: [Evidence.Life], spanSeconds: Double) {
    let points = lives.flatMap(\.points)
    guard spanSeconds > 0, let first = points.map(\.at).min(), let last = points.map(\.at).max(),
      (last - first) / spanSeconds < 1e6
    else { return nil }
    var counts = [Double](repeating: 0, count: Int((last - first) / spanSeconds) + 1)
    for life in lives {
      for (before, after) in zip(life.points, life.points.dropFirst()) where after.requests > before.requests {
        counts[Int((after.at - first) / spanSeconds)] += Double(after.requests - before.requests)
      }
    }
    self.init(spanSeconds: spanSeconds, counts: counts)
  }
}
