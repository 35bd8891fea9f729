/// One worker's memory over its life: at first it warms up, in whatever way, and from then on it grows by a line, which
/// is the leak.
///
/// The line is by Theil and Sen over what comes after the split, which is put where both parts together fit best, but no
/// later than it must: what a garbage collector or one large catalog does moves neither.
struct LifeFit: Sendable {
  /// From the first sample until it is warm.
  var warmUpHours: Double
  /// From then on.
  var hours: Double
  var bytesPerHour: Double
  /// Nil: it had no request in that time.
  var bytesPerRequest: Double?
  /// What it holds when it is warm.
  var plateau: Double
  /// Growth an hour in the middle and in the last third of the whole life: where it slows down it is not warm yet.
  var thirds: (middle: Double, last: Double)

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
    let all = points.map { (x: ($0.at - birth) / 3600, y: $0.bytes) }
    guard let split = Self.split(all) else { return nil }
    let tail = Array(all[split...])
    guard let line = Statistics.line(tail), let first = tail.first, let last = tail.last, last.x > first.x else {
      return nil
    }
    warmUpHours = first.x
    hours = last.x - first.x
    bytesPerHour = line.slope
    plateau = line.level + line.slope * first.x
    let served = points[split...].map { (x: Double($0.requests), y: $0.bytes) }
    bytesPerRequest = Statistics.line(served)?.slope
    let third = all.count / 3
    let middle = Statistics.line(Array(all[third..<(2 * third)]))?.slope
    let end = Statistics.line(Array(all[(2 * third)...]))?.slope
    thirds = (middle ?? line.slope, end ?? line.slope)
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
      cost(of: Array(points[place...])).map { (place: place, cost: $0 + (cost(of: Array(points[..<place])) ?? 0)) }
    }
    guard let best = costs.map(\.cost).min() else { return nil }
    let allowed = best * parsimony + grain * Double(count) / 8
    return costs.first { $0.cost <= allowed }?.place
  }

  /// By how much the points miss their line, in all.
  private static func cost(of points: [(x: Double, y: Double)]) -> Double? {
    guard let line = Statistics.line(points) else { return points.isEmpty ? nil : 0 }
    return points.reduce(0) { $0 + abs($1.y - line.level - line.slope * $1.x) }
  }
}
