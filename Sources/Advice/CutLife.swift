/// One worker's life, cut where it seems to be warm: where both parts together fit two lines best, but no later than it
/// must.
struct CutLife: Sendable {
  let points: [Evidence.Point]
  /// Bytes by hours since the first of them.
  let byAge: [(x: Double, y: Double)]
  /// The first point of the second part.
  let split: Int

  /// More are averaged to so many: slopes between all pairs are taken.
  private static let maxPoints = 36
  static let minPoints = 6
  /// A simpler story is preferred to one that fits so much better.
  private static let parsimony = 1.2
  /// Samples are no finer than this.
  private static let grain = 256.0 * 1024

  init?(_ life: Evidence.Life) {
    let points = Self.thinned(life.points)
    guard points.count >= Self.minPoints, let birth = points.first?.at else { return nil }
    let byAge = points.map { (x: ($0.at - birth) / 3600, y: $0.bytes) }
    guard let split = Self.split(byAge) else { return nil }
    self.points = points
    self.byAge = byAge
    self.split = split
  }

  /// Where it is warm if that takes so many times as long as it seems: at least half of what follows the cut is left.
  func warm(after times: Double) -> Int {
    let latest = split + (points.count - split) / 2
    return min(latest, byAge.firstIndex { $0.x >= times * byAge[split].x } ?? latest)
  }

  private static func thinned(_ points: [Evidence.Point]) -> [Evidence.Point] {
    guard points.count > maxPoints else { return points }
    return (0..<maxPoints).map { part in
      let group = points[(part * points.count / maxPoints)..<((part + 1) * points.count / maxPoints)]
      let count = Double(group.count)
      return Evidence.Point(
        at: group.reduce(0) { $0 + $1.at } / count, bytes: group.reduce(0) { $0 + $1.bytes } / count,
        requests: group.reduce(0) { $0 + $1.requests } / group.count)
    }
  }

  /// Where the warm-up ends: the earliest of the places that explain the samples about as well as the best one.
  private static func split(_ points: [(x: Double, y: Double)]) -> Int? {
    let count = points.count
    let latest = min(count - 4, count * 2 / 3)
    let places = Set((0...8).map { latest * $0 / 8 }).filter { $0 == 0 || $0 >= 2 }.sorted()
    let costs = places.compactMap { place in
      cost(of: points[place...]).map { (place: place, cost: $0 + (cost(of: points[..<place]) ?? 0)) }
    }
    guard let best = costs.map(\.cost).min() else { return nil }
    let allowed = best * parsimony + grain * Double(count) / 8
    return costs.first { $0.cost <= allowed }?.place
  }

  /// By how much the points miss their line, in all.
  private static func cost(of points: ArraySlice<(x: Double, y: Double)>) -> Double? {
    guard let line = Statistics.line(points) else { return points.isEmpty ? nil : 0 }
    return points.reduce(0) { $0 + abs($1.y - line.level - line.slope * $1.x) }
  }
}
