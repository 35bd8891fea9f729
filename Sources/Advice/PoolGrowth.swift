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

  init?(_ lives: [Evidence.Life]) {
    let long = lives.filter { $0.points.count >= LifeFit.minPoints }
    let latest = long.sorted { ($0.points.last?.at ?? 0) > ($1.points.last?.at ?? 0) }.prefix(Self.maxLives)
    fits = latest.compactMap(LifeFit.init)
    hours = fits.reduce(0) { $0 + $1.hours }
    let perHour = fits.map { Statistics.Weighted(value: $0.bytesPerHour, weight: $0.hours) }
    guard let measure = Measure(perHour), let plateau = Statistics.median(fits.map(\.plateau)),
      let high = Statistics.quantile(fits.map(\.plateau), 0.9),
      let warmUp = Statistics.median(fits.map(\.warmUpHours))
    else { return nil }
    self.perHour = measure
    perRequest = Measure(
      fits.compactMap { fit in fit.bytesPerRequest.map { .init(value: $0, weight: fit.hours) } })
    isByRequest =
      perRequest.map { $0.bounds.lowerBound > 0 && $0.unevenness < Self.clearlyEvener * measure.unevenness } ?? false
    self.plateau = plateau
    plateauHigh = high
    warmUpHours = warmUp
    let fits = fits
    func third(_ part: (LifeFit) -> Double) -> Double {
      Statistics.quantile(fits.map { .init(value: part($0), weight: $0.hours) }, 0.5) ?? 0
    }
    let (middle, last) = (third(\.thirds.middle), third(\.thirds.last))
    material = max(0.5 * 0x1p20, plateau * 0.005)
    isStillWarming = middle > material && last < middle * Self.slowing
  }
}
