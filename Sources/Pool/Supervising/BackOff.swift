/// How long a slot waits before its next start: nothing after a long life, then doubling from `first` to `longest`.
public struct BackOff: Hashable, Sendable {
  /// A worker that served this long owes nothing to earlier failures.
  public static let stableAfter = Duration.seconds(30)
  public static let first = Duration.milliseconds(500)
  public static let longest = Duration.seconds(60)

  public private(set) var failures = 0
  /// No start before this.
  public private(set) var until: Instant?

  public init() {}

  init(failures: Int, until: Instant?) {
    self.failures = max(0, failures)
    self.until = until
  }

  /// A worker failed at `now` after it had been ready for `served` (nil: never). The wait is jittered downward by up
  /// to a quarter, so that slots that failed together do not come back together.
  mutating func fail(served: Duration?, at now: Instant, using random: inout some RandomNumberGenerator) {
    if let served, served >= Self.stableAfter {
      failures = 0
    } else {
      failures += 1
    }
    until = failures == 0 ? nil : now + delay(using: &random)
  }

  mutating func clear() { self = BackOff() }

  mutating func elapse(at now: Instant) {
    if let end = until, end <= now { until = nil }
  }

  private func delay(using random: inout some RandomNumberGenerator) -> Duration {
    let doublings = min(failures - 1, 20)
    let full = min(Self.longest, Self.first * (1 << doublings))
    return full.scaled(by: 1 - Double.random(in: 0...0.25, using: &random))
  }
}
