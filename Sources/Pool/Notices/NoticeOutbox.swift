/// One receiver's messages on their way: in order, one at a time, tried again after growing waits, for a while.
public struct NoticeOutbox: Sendable {
  /// What came of an attempt.
  public enum Result: Hashable, Sendable {
    case taken
    /// It may go later: no answer, or one that says so, perhaps with a time.
    case later(String, after: Duration?)
    /// It never will.
    case refused(String)
  }

  /// What became of messages: for the metrics.
  public struct Tally: Hashable, Sendable, Codable {
    public var delivered = 0
    /// Refused, or given up after `max_attempts` or `max_age`.
    public var failed = 0
    /// There was no room for them.
    public var dropped = 0

    public init() {}
  }

  private struct Item: Sendable {
    var message: NoticeMessage
    var attempts = 0
    var notBefore: Instant
  }

  public private(set) var tally: Tally
  /// Why the last attempt failed; nil: it did not.
  public private(set) var trouble: String?
  private var items: [Item] = []
  private var isTrying = false

  public init(tally: Tally = Tally()) { self.tally = tally }

  public var waiting: Int { items.count }
  public var messages: [NoticeMessage] { items.map(\.message) }

  /// - Returns: how many had to make room.
  @discardableResult
  public mutating func add(_ message: NoticeMessage, _ receiver: NoticeReceiver, at now: Instant) -> Int {
    items.append(Item(message: message, notBefore: now))
    var displaced = 0
    while items.count > max(1, receiver.queue) {
      // The first may be on its way just now.
      items.remove(at: isTrying && items.count > 1 ? 1 : 0)
      displaced += 1
    }
    tally.dropped += displaced
    return displaced
  }

  /// The message to be tried now; until `ended` no other is given.
  public mutating func next(at now: Instant) -> NoticeMessage? {
    guard !isTrying, let first = items.first, first.notBefore <= now else { return nil }
    isTrying = true
    return first.message
  }

  /// The next attempt need not wait.
  public mutating func hurry(at now: Instant) {
    if !isTrying, !items.isEmpty { items[0].notBefore = now }
  }

  /// When there may be something to try.
  public var due: Instant? { isTrying ? nil : items.first?.notBefore }

  /// - Parameter random: the wait is jittered upward by up to a quarter, so that many hosts do not come back together.
  /// - Returns: why the message was given up; nil: it was not.
  @discardableResult
  public mutating func ended(
    _ result: Result, _ receiver: NoticeReceiver, at now: Instant, using random: inout some RandomNumberGenerator
  ) -> String? {
    guard isTrying, !items.isEmpty else { return nil }
    isTrying = false
    switch result {
    case .taken:
      items.removeFirst()
      tally.delivered += 1
      trouble = nil
      return nil
    case .refused(let why): return giveUp(why)
    case .later(let why, let wanted):
      items[0].attempts += 1
      guard items[0].attempts < receiver.maxAttempts else { return giveUp("\(why), \(items[0].attempts) times") }
      let wait = wait(after: items[0].attempts, wanted, receiver, using: &random)
      guard now + wait - items[0].message.at <= receiver.maxAge else { return giveUp("\(why), until it was too old") }
      trouble = why
      items[0].notBefore = now + wait
      return nil
    }
  }

  private mutating func giveUp(_ why: String) -> String {
    items.removeFirst()
    tally.failed += 1
    trouble = why
    return why
  }

  private func wait(
    after attempts: Int, _ wanted: Duration?, _ receiver: NoticeReceiver,
    using random: inout some RandomNumberGenerator
  ) -> Duration {
    let doublings = min(max(0, attempts - 1), 20)
    let grown = receiver.retryWait.scaled(by: Double(1 << doublings) * Double.random(in: 1...1.25, using: &random))
    return min(receiver.maxRetryWait, max(grown, wanted ?? .zero))
  }
}
