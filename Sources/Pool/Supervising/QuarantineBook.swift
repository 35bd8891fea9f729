/// Which nodes wedged workers of a pool, when, and which of them are quarantined for it. Bounded: beyond the policy's
/// `nodes` the one whose last strike is oldest is forgotten.
public struct QuarantineBook: Hashable, Sendable, Codable {
  /// What follows from a strike.
  public enum Verdict: Hashable, Sendable {
    /// No quarantine: the policy knows none, or this was the nth strike of those that it takes.
    case counted(Int)
    case begins(until: Instant)
    /// It was in one already, which lasts longer now.
    case goesOn(until: Instant)
  }

  private struct Entry: Hashable, Sendable, Codable {
    /// The last ones, as many as it takes.
    var strikes: [Instant]
    /// Nil: not quarantined.
    var until: Instant?

    func isOver(_ policy: QuarantinePolicy, at now: Instant) -> Bool {
      until == nil && strikes.allSatisfy { now - $0 > policy.within }
    }
  }

  private var entries: [String: Entry] = [:]

  public init() {}

  /// By name.
  public var quarantined: [String] { entries.filter { $0.value.until != nil }.keys.sorted() }

  public func isQuarantined(_ node: String) -> Bool { entries[node]?.until != nil }

  /// A worker was stuck with a request of this node.
  public mutating func strike(_ node: String, _ policy: QuarantinePolicy, at now: Instant) -> Verdict {
    guard let needed = policy.strikes else { return .counted(0) }
    if entries[node] == nil { makeRoom(policy, at: now) }
    var entry = entries[node] ?? Entry(strikes: [])
    defer { entries[node] = entry }
    entry.strikes = (entry.strikes.filter { now - $0 <= policy.within } + [now]).suffix(max(1, needed))
    let until = now + policy.for
    if entry.until != nil {
      entry.until = until
      return .goesOn(until: until)
    }
    guard entry.strikes.count >= needed else { return .counted(entry.strikes.count) }
    entry.until = until
    return .begins(until: until)
  }

  /// Those whose time is over, or all where the policy knows no quarantine any more.
  public mutating func expire(_ policy: QuarantinePolicy, at now: Instant) -> [String] {
    guard !entries.isEmpty else { return [] }
    let ended = entries.filter { _, entry in
      entry.until.map { $0 <= now || policy.strikes == nil } ?? false
    }.keys.sorted()
    // It begins anew: what it was quarantined for is paid for.
    for node in ended { entries[node] = nil }
    return ended
  }

  /// False: it is in none. Its strikes are forgotten.
  public mutating func release(_ node: String) -> Bool {
    guard isQuarantined(node) else { return false }
    entries[node] = nil
    return true
  }

  private mutating func makeRoom(_ policy: QuarantinePolicy, at now: Instant) {
    guard entries.count >= max(1, policy.nodes) else { return }
    entries = entries.filter { !$0.value.isOver(policy, at: now) }
    while entries.count >= max(1, policy.nodes), let oldest = oldest { entries[oldest] = nil }
  }

  /// Who is not quarantined goes first.
  private var oldest: String? {
    entries.min { a, b in
      let (first, second) = (a.value, b.value)
      if (first.until == nil) != (second.until == nil) { return first.until == nil }
      return (first.strikes.last?.nanoseconds ?? .min, a.key) < (second.strikes.last?.nanoseconds ?? .min, b.key)
    }?.key
  }
}
