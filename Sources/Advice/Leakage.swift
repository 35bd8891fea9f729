import Pool

/// How a pool's workers grow, for who lives through it again.
public struct Leakage: Hashable, Sendable {
  public var verdict: PoolAdvice.Verdict
  /// What the verdict comes of, for a person.
  public var sentence: String
  /// Bytes that one holds once it is warm, and how long that takes it.
  public var plateau: Double
  public var warmUpSeconds: Double
  /// Bytes an hour after that, of the middle worker.
  public var perHour: Double
  /// Bytes a request, where growth clearly goes with requests.
  public var perRequest: Double?
  public var lives: Int
  /// Hours that warm workers were watched.
  public var hours: Double

  /// Nil: no worker has lived long enough.
  public init?(_ evidence: Evidence) {
    guard let growth = PoolGrowth(evidence.lives) else { return nil }
    let advice = Counsel.advise(evidence)
    verdict = advice.verdict
    sentence = advice.sentence
    plateau = growth.plateau
    warmUpSeconds = growth.warmUpHours * 3600
    perHour = growth.perHour.median
    perRequest = growth.isByRequest ? growth.perRequest?.median : nil
    lives = growth.fits.count
    hours = growth.hours
  }
}
