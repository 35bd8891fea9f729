/// Requests that wait for a worker: how many, for how long, and what those are told that find no room.
public struct QueuePolicy: Hashable, Sendable, Codable {
  /// From here on new runs are told to come back, if their agents understand it; 0: nobody waits.
  public var limit: Int
  /// From here on agents that fail at any refusal are refused too. Runs under way never are.
  public var ceiling: Int
  /// How long a new run may wait. A run under way, and an agent that cannot retry, waits as long as a request may take.
  public var timeout: Duration
  /// Who has waited so long ranks as the next class does that comes fresh.
  public var lift: Duration
  public var retryAfter: RetryAfterPolicy
  /// A node that was not heard of for so long has ended its run without a report.
  public var runQuiet: Duration
  /// How many nodes' runs and places are remembered; beyond it the one heard of longest ago is forgotten.
  public var nodes: Int

  public init(
    limit: Int = 1000, ceiling: Int? = nil, timeout: Duration = .seconds(60), lift: Duration = .seconds(20),
    retryAfter: RetryAfterPolicy = RetryAfterPolicy(), runQuiet: Duration = .seconds(600), nodes: Int = 100_000
  ) {
    self.limit = limit
    self.ceiling = ceiling ?? Self.ceiling(above: limit)
    self.timeout = timeout
    self.lift = lift
    self.retryAfter = retryAfter
    self.runQuiet = runQuiet
    self.nodes = nodes
  }

  /// Where the settings name none.
  public static func ceiling(above limit: Int) -> Int { min(max(0, limit), 1 << 40) * 4 }
}

/// The bounds of what `Retry-After` says.
public struct RetryAfterPolicy: Hashable, Sendable, Codable {
  public var min: Duration
  public var max: Duration

  public init(min: Duration = .seconds(5), max: Duration = .seconds(600)) {
    self.min = min
    self.max = max
  }
}
