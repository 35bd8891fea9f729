/// What is remembered of nodes, and for how long.
public struct NodePolicy: Hashable, Sendable, Codable {
  /// How many; the one that was silent for longest makes room for another.
  public var limit: Int
  /// A node that is silent for longer has missed its runs.
  public var overdue: Duration
  /// One that is silent for so long is no more.
  public var forget: Duration

  public init(limit: Int = 100_000, overdue: Duration = .seconds(7200), forget: Duration = .seconds(30 * 86400)) {
    self.limit = limit
    self.overdue = overdue
    self.forget = forget
  }
}
