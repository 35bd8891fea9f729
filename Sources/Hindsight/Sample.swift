import Pool

/// What a handful of numbers comes to.
enum Sample {
  /// Between the two neighbours in proportion. Nil of none.
  static func quantile(_ values: [Double], _ share: Double) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let place = min(max(share, 0), 1) * Double(sorted.count - 1)
    let below = Int(place)
    guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
    return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
  }

  /// The natural one, a hundredth off at most: of what is 1 or more.
  static func log(_ value: Double) -> Double {
    var (rest, sum) = (max(1, value), 0.0)
    while rest > 1.01 {
      let root = rest > 2 ? 2.0 : 1.01
      sum += rest > 2 ? 0.693_147 : 0.009_950
      rest /= root
    }
    return sum
  }
}
