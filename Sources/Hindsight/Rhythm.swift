import Pool

/// How often agents run and over how much of that their starts are spread, in seconds.
struct Rhythm: Hashable {
  var interval: Double
  /// What tells it.
  var source: String

  /// So many nodes in the middle of a run tell it by the two starts that are known of each.
  private static let leastGaps = 5
  private static let leastAges = 10

  /// Nil: nothing tells.
  init?(_ past: Past) {
    let gaps = past.nodes.compactMap { node in
      node.runStartedAt.flatMap { now in node.lastRunStartedAt.map { now - $0 } }
    }.filter { $0 >= 1 }
    if gaps.count >= Self.leastGaps, let middle = Sample.quantile(gaps, 0.5) {
      self.init(interval: middle, source: "two starts in a row of \(gaps.count) nodes")
    } else if let period = past.pulse.flatMap(Self.period) {
      self.init(interval: period, source: "how the pool's requests repeat themselves")
    } else if let span = Self.span(past.nodes) {
      self.init(interval: span, source: "how long ago nodes began their last run")
    } else {
      return nil
    }
  }

  private init(interval: Double, source: String) {
    self.interval = Self.plain(interval)
    self.source = source
  }

  /// To what a person would have set, where it is within a hundredth of it.
  private static func plain(_ seconds: Double) -> Double {
    for unit in [3600.0, 1800, 300, 60, 10] {
      let rounded = (seconds / unit).rounded() * unit
      if rounded > 0, abs(rounded - seconds) <= 0.01 * seconds { return rounded }
    }
    return max(1, seconds.rounded())
  }

  // MARK: By what repeats itself

  private static let leastPeriods = 3
  /// Of the requests' variance that comes back after the interval.
  private static let leastEcho = 0.3

  /// The shortest time after which requests come as they came: agents keep to their minute, however they are spread.
  private static func period(_ pulse: Pulse) -> Double? {
    let mean = pulse.counts.reduce(0, +) / Double(max(1, pulse.counts.count))
    let waves = pulse.counts.map { $0 - mean }
    let most = waves.count / leastPeriods
    guard most > 3 else { return nil }
    let echoes = (0...most).map { echo(waves, after: $0) }
    let peaks = (2..<most).filter { echoes[$0] >= echoes[$0 - 1] && echoes[$0] >= echoes[$0 + 1] }
    guard let best = peaks.map({ echoes[$0] }).max(), best >= leastEcho,
      let first = peaks.first(where: { echoes[$0] >= 0.8 * best })
    else { return nil }
    return refined(first, echoes) * pulse.spanSeconds
  }

  /// How alike the series is to itself so many spans later: 1, the same; 0, not at all.
  private static func echo(_ waves: [Double], after lag: Int) -> Double {
    var (product, before, after) = (0.0, 0.0, 0.0)
    for index in 0..<(waves.count - lag) {
      let (a, b) = (waves[index], waves[index + lag])
      product += a * b
      before += a * a
      after += b * b
    }
    let scale = (before * after).squareRoot()
    return scale > 0 ? product / scale : 0
  }

  /// The later an echo, the finer it tells the time of one.
  private static func refined(_ first: Int, _ echoes: [Double]) -> Double {
    var period = Double(first)
    var times = 2
    while true {
      let about = Int((period * Double(times)).rounded())
      guard about + times / 2 + 1 < echoes.count else { return period }
      let near = max(1, about - 1)...(about + 1)
      guard let peak = near.max(by: { echoes[$0] < echoes[$1] }), echoes[peak] >= leastEcho else { return period }
      period = Double(peak) / Double(times)
      times += 1
    }
  }

  // MARK: By how long ago

  /// Last starts are spread over one interval before now. Of agents that start all at once they tell nothing, since they
  /// are as old as each other.
  private static func span(_ nodes: [Past.Node]) -> Double? {
    let starts = nodes.compactMap { $0.runStartedAt ?? $0.lastRunStartedAt }
    guard starts.count >= leastAges, let now = nodes.map(\.seenAt).max() else { return nil }
    let ages = starts.map { now - $0 }
    guard let middle = Sample.quantile(ages, 0.5), let low = Sample.quantile(ages, 0.1), middle > 1,
      low < 0.5 * middle
    else { return nil }
    return 2 * middle
  }
}

extension Rhythm {
  /// Over how much of the interval starts are spread: all but the longest stretch that nobody starts in, where that is
  /// longer than chance would leave. Nil: too few nodes.
  func splay(_ nodes: [Past.Node]) -> Double? {
    let phases = nodes.compactMap { $0.runStartedAt ?? $0.lastRunStartedAt }
      .map { $0 - (($0 / interval).rounded(.down) * interval) }.sorted()
    guard phases.count >= Self.leastAges, let first = phases.first, let last = phases.last else { return nil }
    let inner = zip(phases, phases.dropFirst()).map { $1 - $0 }.max() ?? 0
    let gap = max(inner, first + interval - last)
    // The longest of so many stretches, if they fell anywhere: one in a thousand times it is longer.
    let count = Double(phases.count)
    let chance = interval / count * (Sample.log(count) + 7)
    return gap > chance ? Self.rounded(interval - gap) : interval
  }

  /// What is within the usual jitter is all at once.
  private static func rounded(_ splay: Double) -> Double { splay <= 10 ? 0 : splay.rounded() }
}
