/// When those come back who found no room: each gets the next free place, so that they come one after the other, as
/// fast as the workers take them.
struct ReturnSchedule: Sendable {
  private(set) var last = Instant(nanoseconds: .min)
  private let bounds: RetryAfterPolicy

  /// Until something was measured.
  static let guess: Int64 = 1_000_000_000

  init(_ bounds: RetryAfterPolicy) { self.bounds = bounds }

  /// `backlog` is how long the workers have to do already, `spacing` what one more run takes them. An eighth more is
  /// left between two places, so that a line that has grown shrinks. Once nobody holds a place any more, the places
  /// begin anew.
  mutating func next(backlog: Int64, spacing: Int64, outstanding: Int, at now: Instant) -> Instant {
    let soonest = now + max(shortest, .nanoseconds(max(0, backlog)))
    let step = max(0, spacing) + max(0, spacing) / 8
    last = outstanding > 0 ? max(last + .nanoseconds(step), soonest) : soonest
    return last
  }

  /// A run that no place was made for takes one all the same.
  mutating func shift(by spacing: Int64) { last = last + .nanoseconds(max(0, spacing)) }

  /// Another has handed out places up to there.
  mutating func learn(_ place: Instant, at now: Instant) {
    last = max(last, min(place, now + .nanoseconds(RunTable.longestQuiet)))
  }

  /// What is said of a place: whole seconds within the bounds. Who has a place beyond them comes once or more on the
  /// way to it, at equal steps: all at the furthest bound would be a herd again.
  func retryAfter(_ place: Instant, at now: Instant) -> Duration {
    let wait = max(place - now, shortest).wholeNanoseconds
    let longest = max(bounds.max, shortest).wholeNanoseconds
    let steps = wait / longest + (wait % longest == 0 ? 0 : 1)
    let step = max(wait / max(1, steps), shortest.wholeNanoseconds)
    return .seconds(step / 1_000_000_000 + (step % 1_000_000_000 == 0 ? 0 : 1))
  }

  /// The header has no fractions, and 0 would be no answer.
  private var shortest: Duration { max(bounds.min, .seconds(1)) }
}
