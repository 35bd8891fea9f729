/// How one worker grows once it is warm: by a line, which is the leak. It is Theil and Sen's, which neither a garbage
/// collector nor one large catalog moves.
struct LifeFit: Sendable {
  /// From the first sample until it is warm.
  var warmUpHours: Double
  /// From then on.
  var hours: Double
  var byHour: Statistics.Line
  /// Nil: it had no request in that time.
  var byRequest: Statistics.Line?
  /// What it had served by the time that it was warm.
  var warmUpRequests: Double
  /// Growth an hour in the first and in the second half of that time.
  var halves: (first: Double, second: Double)
  /// In the middle and in the last third of the whole life: where it slows down it is not warm yet.
  var thirds: (middle: Double, last: Double)

  /// - Parameter times: warming up takes so many times as long as it seems to take.
  init?(_ life: CutLife, warmAfter times: Double) {
    let (all, warm) = (life.byAge, life.warm(after: times))
    let tail = all[warm...]
    guard let line = Statistics.line(tail), let first = tail.first, let last = tail.last, last.x > first.x else {
      return nil
    }
    warmUpHours = first.x
    hours = last.x - first.x
    byHour = line
    byRequest = Statistics.line(life.points[warm...].map { (x: Double($0.requests), y: $0.bytes) }[...])
    warmUpRequests = Double(life.points[warm].requests)
    func slope(_ part: Range<Int>) -> Double { Statistics.line(all[part])?.slope ?? line.slope }
    let (middle, third) = (warm + tail.count / 2, all.count / 3)
    halves = (slope(warm..<middle), slope(middle..<all.count))
    thirds = (slope(third..<(2 * third)), slope((2 * third)..<all.count))
  }
}
