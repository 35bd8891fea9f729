/// A streaming mean of durations: exact for the first few, then one that forgets slowly.
struct Estimate: Sendable {
  private(set) var nanoseconds: Int64 = 0
  private(set) var samples = 0

  /// The latest sample's least weight is one in so many.
  private static let memory = 32
  /// A day: one wild sample must not overflow anything.
  private static let longest: Int64 = 86_400_000_000_000

  mutating func add(_ sample: Int64) {
    samples = min(samples + 1, Self.memory)
    nanoseconds += (min(max(0, sample), Self.longest) - nanoseconds) / Int64(samples)
  }

  /// What another has measured is better than a guess, and counts as much as one's own.
  mutating func inherit(_ nanoseconds: Int64) {
    guard isEmpty else { return }
    self.nanoseconds = min(max(0, nanoseconds), Self.longest)
    samples = Self.memory
  }

  var measured: Duration? { isEmpty ? nil : .nanoseconds(nanoseconds) }

  var isEmpty: Bool { samples == 0 }
}
