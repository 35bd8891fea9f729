/// What the lives of one pool's workers have in common: how they grow once they are warm.
struct PoolGrowth: Sendable {
  let fits: [LifeFit]
  /// Hours that warm workers were watched, all together.
  let hours: Double
  /// The middle of all, each life by the hours that it was watched, and the bounds of that middle.
  let perHour: Measure
  /// Nil: hardly anything was asked.
  let perRequest: Measure?
  /// Growth goes with requests: by the request it is clearly more even than by the hour.
  let isByRequest: Bool
  let plateau: Double
  /// What nine of ten hold at most when they are warm.
  let plateauHigh: Double
  let warmUpHours: Double
  /// What one has served by then.
  let warmUpRequests: Double
  /// Bytes an hour below which growth is nobody's business: half a percent of what a worker holds, and half a MiB.
  let material: Double
  /// Growth slows down within the lives seen: they end before workers are warm.
  let isStillWarming: Bool

  struct Measure: Sendable {
    var median: Double
    var bounds: ClosedRange<Double>
    /// The quarter that grows slowest, the quarter that grows fastest, and the tenth.
    var lower: Double
    var upper: Double
    var worst: Double

    init?(_ values: [Statistics.Weighted]) {
      guard let median = Statistics.quantile(values, 0.5), let bounds = Statistics.medianBounds(values),
        let lower = Statistics.quantile(values, 0.25), let upper = Statistics.quantile(values, 0.75),
        let worst = Statistics.quantile(values, 0.9)
      else { return nil }
      self.median = median
      self.bounds = min(bounds.lowerBound, median)...max(bounds.upperBound, median)
      self.lower = lower
      self.upper = upper
      self.worst = worst
    }

    /// How much lives differ, as a share of the growth itself.
    var unevenness: Double { (upper - lower) / max(abs(median), .leastNormalMagnitude) }
  }

  /// The latest lives are looked at; a hundred of each pool say as much as a thousand.
  static let maxLives = 200
  private static let clearlyEvener = 0.8
  /// Last thirds that grow by less than this share of the middle ones are still on their way to level off.
  private static let slowing = 0.75

  /// Times that warming up may take as long as it seems.
  private static let patience = [1.0, 2, 3, 4]

  init?(_ lives: [Evidence.Life]) {
    let long = lives.filter { $0.points.count >= CutLife.minPoints }
    let latest = long.sorted { ($0.points.last?.at ?? 0) > ($1.points.last?.at ?? 0) }.prefix(Self.maxLives)
    fits = Self.fits(latest.compactMap(CutLife.init))
    hours = fits.reduce(0) { $0 + $1.hours }
    guard let measure = Measure(fits, \.byHour.slope), let warmUp = Statistics.median(fits.map(\.warmUpHours)),
      let served = Statistics.median(fits.map(\.warmUpRequests))
    else { return nil }
    self.perHour = measure
    perRequest = Measure(
      fits.compactMap { fit in fit.byRequest.map { .init(value: $0.slope, weight: fit.hours) } })
    let isByRequest =
      perRequest.map { $0.bounds.lowerBound > 0 && $0.unevenness < Self.clearlyEvener * measure.unevenness } ?? false
    // All at the same age, or after as many requests: each one's own end of warming up is as good as a guess, and what
    // has leaked by then is part of what it holds.
    let held = fits.compactMap { isByRequest ? $0.byRequest?.at(served) : $0.byHour.at(warmUp) }
    guard let plateau = Statistics.median(held), let high = Statistics.quantile(held, 0.9) else { return nil }
    self.isByRequest = isByRequest
    self.plateau = plateau
    plateauHigh = high
    warmUpHours = warmUp
    warmUpRequests = served
    material = max(0.5 * 0x1p20, plateau * 0.005)
    let (middle, last) = (Measure(fits, \.thirds.middle), Measure(fits, \.thirds.last))
    if let middle, let last {
      isStillWarming = middle.bounds.lowerBound > material && last.median < middle.median * Self.slowing
    } else {
      isStillWarming = false
    }
  }

  /// In one life the end of warming up is lost in the noise, and what goes on below it would look like a leak. All lives
  /// together tell: while they clearly grow more slowly in the second half of what is taken for warm, it begins too early.
  private static func fits(_ lives: [CutLife]) -> [LifeFit] {
    var fits: [LifeFit] = []
    for times in patience {
      fits = lives.compactMap { LifeFit($0, warmAfter: times) }
      guard let first = Measure(fits, \.halves.first), let second = Measure(fits, \.halves.second),
        first.bounds.lowerBound > max(0, second.bounds.upperBound)
      else { break }
    }
    return fits
  }
}

extension PoolGrowth.Measure {
  /// Of each life, by the hours that it was watched.
  fileprivate init?(_ fits: [LifeFit], _ value: (LifeFit) -> Double) {
    self.init(fits.map { Statistics.Weighted(value: value($0), weight: $0.hours) })
  }
}
