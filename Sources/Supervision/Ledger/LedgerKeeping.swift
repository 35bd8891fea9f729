import Pool

/// Keeps what happened beyond a supervisor's life. Nobody who calls it ever waits for a disk, but at the start.
public protocol LedgerKeeping: Sendable {
  /// Makes it ready. Returns the number that the first event is to have: above all that were ever given.
  func open() async -> Int
  func keep(_ event: Event)
  func keep(_ samples: [WorkerSample])
  /// The nodes that it knows, at most `limit`, those that were seen last; none where it cannot say soon.
  func nodes(limit: Int) async -> [NodeRow]
  /// These are no more, and then these are as they are now.
  func keep(gone: [String], nodes: [NodeRow])
  /// Other bounds from now on.
  func change(to policy: LedgerPolicy)
  /// What it has to say of itself: a sentence each, for as long as it lives.
  var news: AsyncStream<String> { get }
  /// What stands in the way of writing; nil: nothing.
  var trouble: String? { get }
}

/// Those of the last events that fit.
public struct RecentEvents: Sendable {
  public var events: [Event]
  /// The number of the oldest that was looked at; earlier ones are in the ledger alone.
  public var oldest: Int
}
