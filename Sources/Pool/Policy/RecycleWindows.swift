/// When planned recycles may happen, in local time: within one of `only`, if there is one, and within none of `never`.
public struct RecycleWindows: Hashable, Sendable, Codable {
  public var only: [WeekSpan]
  public var never: [WeekSpan]

  public init(only: [WeekSpan] = [], never: [WeekSpan] = []) {
    self.only = only
    self.never = never
  }

  public var isEmpty: Bool { only.isEmpty && never.isEmpty }

  /// - Parameter second: of the week, from Monday's midnight.
  public func allow(_ second: Int) -> Bool {
    (only.isEmpty || only.contains { $0.contains(second) }) && !never.contains { $0.contains(second) }
  }

  /// Why not now: the span that forbids it, as it was written.
  func obstacle(at second: Int) -> String? {
    if let forbidden = never.first(where: { $0.contains(second) }) { return "never \(forbidden)" }
    guard !only.isEmpty, !only.contains(where: { $0.contains(second) }) else { return nil }
    return "only \(only.map(\.description).joined(separator: " or "))"
  }

  /// Seconds until they allow it, by the clock on the wall as it goes now; nil: they never do.
  func opening(after second: Int) -> Int? {
    let edges = only.flatMap(\.edges) + never.flatMap(\.edges)
    let waits = edges.map { edge in
      let wait = (edge - second) % WeekSpan.week
      return wait <= 0 ? wait + WeekSpan.week : wait
    }
    return waits.sorted().first { allow((second + $0) % WeekSpan.week) }
  }
}

/// The same hours of some days, every week: `mon-fri 07:00-19:00`. Hours that end where they begin or earlier go on
/// into the next day.
public struct WeekSpan: Hashable, Sendable, Codable {
  public static let day = 86400
  public static let week = 7 * day

  /// From Monday, 0, to Sunday, 6; ascending.
  public var days: [Int]
  /// Minutes from midnight: 0..<1440, and 1...1440.
  public var start: Int
  public var end: Int

  public init(days: [Int], start: Int = 0, end: Int = 1440) {
    self.days = Set(days.filter { (0..<7).contains($0) }).sorted()
    self.start = min(max(0, start), 1439)
    self.end = min(max(1, end), 1440)
  }

  private var length: Int { (end > start ? end - start : end + 1440 - start) * 60 }

  /// Seconds of the week.
  private var starts: [Int] { days.map { $0 * Self.day + start * 60 } }

  func contains(_ second: Int) -> Bool {
    starts.contains { start in
      let since = (second - start) % Self.week
      return (since < 0 ? since + Self.week : since) < length
    }
  }

  var edges: [Int] { starts.flatMap { [$0, ($0 + length) % Self.week] } }
}

extension WeekSpan: CustomStringConvertible {
  public static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  public var description: String {
    let hours = start == 0 && end == 1440 ? [] : ["\(Self.clock(start))-\(Self.clock(end))"]
    let parts = (days.count == 7 ? [] : [dayText]) + hours
    return parts.isEmpty ? "daily" : parts.joined(separator: " ")
  }

  private var dayText: String {
    guard let first = days.first, let last = days.last, days.count > 2, last - first == days.count - 1 else {
      return days.map { Self.dayNames[$0] }.joined(separator: ",")
    }
    return "\(Self.dayNames[first])-\(Self.dayNames[last])"
  }

  private static func clock(_ minute: Int) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
    return "\(two(minute / 60)):\(two(minute % 60))"
  }
}

/// What the clock on the wall showed at a moment of the monotonic one. The edge tells it again when either was set or
/// the offset has changed, as when summer begins, so that the hours mean what people read on their clocks.
public struct WallClock: Hashable, Sendable, Codable {
  public var at: Instant
  /// Since 1970, UTC.
  public var seconds: Int64
  /// Of local time, east of UTC.
  public var offset: Int64

  public init(at: Instant, seconds: Int64, offset: Int64) {
    self.at = at
    self.seconds = seconds
    self.offset = offset
  }

  /// From Monday's midnight in local time.
  func secondOfWeek(at now: Instant) -> Int {
    let passed = (now - at).wholeNanoseconds
    let seconds = seconds &+ offset &+ passed / 1_000_000_000
    // The first day of 1970 was a Thursday.
    let second = Int((seconds &+ Int64(3 * WeekSpan.day)) % Int64(WeekSpan.week))
    return second < 0 ? second + WeekSpan.week : second
  }

  /// When so many whole seconds from the one at `now` have passed.
  func instant(_ wait: Int, after now: Instant) -> Instant {
    let passed = (now - at).wholeNanoseconds
    return now + .seconds(wait) + .nanoseconds(-(passed % 1_000_000_000))
  }
}
