import Pool

/// The last days of the ledger once more, under other settings: each slot gets the requests that it got, and its worker
/// grows as the pool's workers do. Crashes, hangs and what the operator did come when they came.
public struct WhatIf {
  private let evidence: Evidence
  private let growth: PoolGrowth
  private let timeline: Timeline

  /// Nil: no worker has lived long enough to say how it grows.
  public init?(_ evidence: Evidence) {
    guard let growth = PoolGrowth(evidence.lives) else { return nil }
    self.evidence = evidence
    self.growth = growth
    timeline = Timeline(evidence)
  }

  private struct Tally {
    /// With the part of a life that is under way at the end.
    var counts: [RecycleReason: Double] = [:]
    /// Each slot's largest worker: the typical one, and one of the tenth that grows fastest.
    var peaks: [Double] = []
    var worstPeaks: [Double] = []
  }

  public func replay(under settings: Evidence.Settings) -> WhatIfDocument {
    var tally = Tally()
    for (slot, steps) in timeline.slots { live(slot, steps, under: settings, &tally) }
    let days = max(timeline.days, .leastNormalMagnitude)
    let restarts = tally.counts.map { reason, count in
      PoolAdvice.Restarts(reason: reason, count: count / days, capacitySeconds: count / days * gap(reason))
    }.mostFrequentFirst
    return WhatIfDocument(
      pool: evidence.pool, days: timeline.days, restartsPerDay: restarts,
      workerPeakBytes: Int(tally.peaks.max() ?? 0), worstPeakBytes: Int(tally.worstPeaks.max() ?? 0),
      poolPeakBytes: Int(tally.peaks.reduce(0, +)), isByRequest: growth.isByRequest)
  }

  /// What one restart for this reason cost a place in the pool.
  private func gap(_ reason: RecycleReason) -> Double {
    let same = evidence.ends.filter { $0.reason == reason }.compactMap(\.gapSeconds)
    let kind = evidence.ends.filter { $0.reason.isPlanned == reason.isPlanned }.compactMap(\.gapSeconds)
    return Statistics.median(same) ?? Statistics.median(kind) ?? 0
  }

  private func live(
    _ slot: Int, _ steps: [Timeline.Step], under settings: Evidence.Settings, _ tally: inout Tally
  ) {
    var (age, requests, peak, worst) = (0.0, 0, growth.plateau, growth.plateauHigh)
    // What no setting brings about.
    var blows = evidence.ends.filter { $0.slot == slot && !$0.reason.isPlanned && $0.reason != .memoryLimit }
      .sorted { $0.at < $1.at }[...]
    if let first = steps.first { blows = blows.drop { $0.at < first.at } }
    for step in steps {
      age += step.seconds
      requests += step.requests
      let typical = memory(age, requests, worst: false)
      peak = max(peak, typical)
      worst = max(worst, memory(age, requests, worst: true))
      var ended: RecycleReason?
      if let blow = blows.first, blow.at < step.at + step.seconds {
        ended = blow.reason
        blows = blows.drop { $0.at < step.at + step.seconds }
      } else if let limit = settings.memoryLimit, typical > limit {
        ended = .memoryLimit
      } else if let limit = settings.memory, typical > limit {
        ended = .memory
      } else if let limit = settings.requests, requests >= limit {
        ended = .requests
      } else if let every = settings.everySeconds, age >= every {
        ended = .timer
      }
      guard let ended else { continue }
      tally.counts[ended, default: 0] += 1
      (age, requests) = (0, 0)
    }
    if let (reason, share) = progress(age, requests, under: settings) { tally.counts[reason, default: 0] += share }
    tally.peaks.append(peak)
    tally.worstPeaks.append(worst)
  }

  /// What would end a life first that is under way, and how far it has come: else a ledger that is shorter than a life
  /// would be one without restarts.
  private func progress(
    _ age: Double, _ requests: Int, under settings: Evidence.Settings
  ) -> (reason: RecycleReason, share: Double)? {
    let grown = memory(age, requests, worst: false) - growth.plateau
    func share(of limit: Double?) -> Double? { limit.map { grown / max($0 - growth.plateau, grown, 1) } }
    let all: [(RecycleReason, Double?)] = [
      (.timer, settings.everySeconds.map { age / $0 }),
      (.requests, settings.requests.map { Double(requests) / Double($0) }), (.memory, share(of: settings.memory)),
      (.memoryLimit, share(of: settings.memoryLimit)),
    ]
    return all.compactMap { reason, share in share.map { (reason, min(1, $0)) } }.filter { $0.1 > 0 }.max {
      $0.1 < $1.1
    }
  }

  private func memory(_ age: Double, _ requests: Int, worst: Bool) -> Double {
    let base = worst ? growth.plateauHigh : growth.plateau
    if growth.isByRequest, let each = growth.perRequest {
      return base + max(0, Double(requests) - growth.warmUpRequests) * max(0, worst ? each.worst : each.median)
    }
    let hours = max(0, age / 3600 - growth.warmUpHours)
    return base + hours * max(0, worst ? growth.perHour.worst : growth.perHour.median)
  }
}

/// What a replay came to.
public struct WhatIfDocument: Hashable, Sendable, Codable {
  public var pool: PoolName
  /// Of the ledger that was lived through.
  public var days: Double
  public var restartsPerDay: [PoolAdvice.Restarts]
  /// The largest that a worker got, growing as the middle one does, and as the tenth that grows fastest.
  public var workerPeakBytes: Int
  public var worstPeakBytes: Int
  /// Each slot's largest, added up.
  public var poolPeakBytes: Int
  /// Growth was taken to go with requests; else with time.
  public var isByRequest: Bool

  enum CodingKeys: String, CodingKey {
    case pool, days
    case restartsPerDay = "restarts_per_day"
    case workerPeakBytes = "worker_peak_bytes"
    case worstPeakBytes = "worst_peak_bytes"
    case poolPeakBytes = "pool_peak_bytes"
    case isByRequest = "by_request"
  }
}
