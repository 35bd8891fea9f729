/// When a request's age alone makes its worker suspect, long before `request_timeout`.
public struct StuckPolicy: Hashable, Sendable, Codable {
  /// A request is suspect at so many times what others of its route, and of its node there, took at the most (p99);
  /// nil: none ever is.
  public var factor: Int?
  /// However quick the others were.
  public var atLeast: Duration
  /// So many requests of its route must have been finished before.
  public var samples: Int
  /// A suspect's worker that did nothing at all between two looks is stuck.
  public var look: Duration
  /// So many nodes' histories are kept, one for each route that a node uses.
  public var nodes: Int

  public init(
    factor: Int? = 10, atLeast: Duration = .seconds(60), samples: Int = 50, look: Duration = .seconds(5),
    nodes: Int = 10_000
  ) {
    self.factor = factor
    self.atLeast = atLeast
    self.samples = samples
    self.look = look
    self.nodes = nodes
  }
}

/// When a node that wedges workers again and again is kept to one worker at a time.
public struct QuarantinePolicy: Hashable, Sendable, Codable {
  /// So many stuck workers; nil: none is ever quarantined.
  public var strikes: Int?
  public var within: Duration
  public var `for`: Duration
  /// So many nodes' strikes are remembered.
  public var nodes: Int

  public init(
    strikes: Int? = 3, within: Duration = .seconds(3600), for time: Duration = .seconds(4 * 3600), nodes: Int = 1000
  ) {
    self.strikes = strikes
    self.within = within
    self.for = time
    self.nodes = nodes
  }
}
