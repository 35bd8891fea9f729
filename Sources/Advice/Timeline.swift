import Pool

/// What was asked of each slot and when, whoever sat in it: the load that a replay lives through again.
struct Timeline: Sendable {
  struct Step: Sendable {
    var at: Double
    var seconds: Double
    var requests: Int
  }

  /// By slot, in the order of time.
  let slots: [Int: [Step]]
  /// What the workers were watched, as days of the pool.
  let days: Double
  /// From the first sample to the last.
  let span: ClosedRange<Double>

  /// A longer silence is a gap: nobody watched, or nobody was there.
  static let gap = 900.0

  init(_ evidence: Evidence) {
    var slots: [Int: [Step]] = [:]
    for life in evidence.lives {
      for (before, after) in zip(life.points, life.points.dropFirst()) {
        let seconds = after.at - before.at
        guard seconds > 0, seconds <= Self.gap else { continue }
        slots[life.slot, default: []].append(
          Step(at: before.at, seconds: seconds, requests: max(0, after.requests - before.requests)))
      }
    }
    self.slots = slots.mapValues { $0.sorted { $0.at < $1.at } }
    let times = evidence.lives.flatMap { [$0.points.first?.at, $0.points.last?.at].compactMap { $0 } }
    let first = times.min() ?? 0
    span = first...max(first, times.max() ?? 0)
    let watched = slots.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.seconds } }
    days = watched / 86400 / Double(max(1, slots.count))
  }
}
