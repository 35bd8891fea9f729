import Pool

/// Catalogs as they were asked for: when, and how long each kept a worker. In place of agents that come again and
/// again, each of these comes once.
public struct Trace: Hashable, Sendable {
  public struct Request: Hashable, Sendable {
    /// From the beginning.
    public var at: Duration
    public var work: Duration

    public init(at: Duration, work: Duration) {
      self.at = at
      self.work = work
    }
  }

  public var requests: [Request]

  public init(_ requests: [Request]) { self.requests = requests }

  /// Agents that come at any moment, so many a second on the average, each with its work drawn from the spread.
  public init(perSecond: Double, for length: Duration, work: Spread, seed: UInt64) {
    var chance = SeededGenerator(seed: SeededGenerator.mixed(seed))
    let dealer = Dealer(work)
    requests = []
    var at = 0.0
    while perSecond > 0 {
      at -= Curves.log(max(1e-12, 1 - chance.fraction())) / perSecond
      guard at < length.inSeconds else { return }
      requests.append(Request(at: .seconds(at), work: .nanoseconds(dealer.draw(&chance))))
    }
  }

  /// Seconds of all the work.
  public var workSeconds: Double { requests.reduce(0) { $0 + $1.work.inSeconds } }
}
