/// Robust statistics: a few wild values move none of them.
enum Statistics {
  /// The middle one; of an even number the mean of both. Nil of none.
  static func median(_ values: [Double]) -> Double? { quantile(values, 0.5) }

  /// Between the two neighbours in proportion. Nil of none.
  static func quantile(_ values: [Double], _ share: Double) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let place = share * Double(sorted.count - 1)
    let below = Int(place.rounded(.down))
    guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
    return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
  }

  /// A value with its weight, such as a slope and the hours that it was seen over.
  struct Weighted: Hashable {
    var value: Double
    var weight: Double
  }

  /// The value with so much of the weight below it. Nil of none.
  static func quantile(_ values: [Weighted], _ share: Double) -> Double? {
    let sorted = values.filter { $0.weight > 0 }.sorted { $0.value < $1.value }
    let total = sorted.reduce(0) { $0 + $1.weight }
    var below = 0.0
    for (index, one) in sorted.enumerated() {
      // Each stands for the stretch of weight around its own middle.
      let middle = below + one.weight / 2
      if middle >= share * total {
        guard index > 0 else { return one.value }
        let before = sorted[index - 1]
        let span = (before.weight + one.weight) / 2
        return one.value - (middle - share * total) / span * (one.value - before.value)
      }
      below += one.weight
    }
    return sorted.last?.value
  }

  /// Bounds of the median without any assumption of how values are spread (order statistics, 90%): of so few that it
  /// cannot be told they are the smallest and the largest.
  static func medianBounds(_ values: [Weighted]) -> ClosedRange<Double>? {
    let weights = values.map(\.weight)
    let (sum, squares) = (weights.reduce(0, +), weights.reduce(0) { $0 + $1 * $1 })
    guard sum > 0, let least = values.map(\.value).min(), let most = values.map(\.value).max() else { return nil }
    let count = sum * sum / squares
    let half = 1.645 / (2 * count.squareRoot())
    guard half < 0.45, let low = quantile(values, 0.5 - half), let high = quantile(values, 0.5 + half) else {
      return least...most
    }
    return low...max(low, high)
  }

  struct Line: Hashable {
    var slope: Double
    var level: Double

    func at(_ x: Double) -> Double { level + slope * x }
  }

  /// Theil and Sen: the middle of the slopes between all pairs, and the line of that slope that leaves half of the points
  /// above it. Nil where all have one x.
  static func line(_ points: ArraySlice<(x: Double, y: Double)>) -> Line? {
    var slopes: [Double] = []
    slopes.reserveCapacity(points.count * points.count / 2)
    for (index, a) in zip(points.indices, points) {
      for b in points[(index + 1)...] where b.x != a.x { slopes.append((b.y - a.y) / (b.x - a.x)) }
    }
    guard let slope = median(slopes), let level = median(points.map { $0.y - slope * $0.x }) else { return nil }
    return Line(slope: slope, level: level)
  }
}
