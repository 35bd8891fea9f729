import Pool

/// From what was seen to what to set, and why.
///
/// An advised value is the longest or the most that is safe for nine workers in ten, with room to spare. What the samples
/// cannot tell is not advised.
public struct Counsel {
  private let evidence: Evidence
  private let growth: PoolGrowth?
  private var advice: PoolAdvice

  public static func advise(_ evidence: Evidence) -> PoolAdvice {
    var counsel = Counsel(evidence)
    counsel.weigh()
    return counsel.advice
  }

  /// Less says nothing, however clear it looks.
  private static let leastHours = 1.0
  private static let leastLives = 3
  /// Warm workers must have been watched for so long each, on the average.
  private static let leastTail = 5.0 / 60
  /// Of the limit; the rest is for what the samples did not see.
  private static let safety = 0.8
  /// Of the machine, or of its control group, that masters may hold.
  private static let machineShare = 0.8
  /// Room in `recycle.memory` above a warm worker, or it would go at once.
  private static let headroom = 1.25
  /// Without a leak a worker goes once a day, for whatever else there may be.
  private static let calmEvery = 86400.0
  /// No interval is trusted that is so many times as long as the longest life that was watched: a leak may begin later.
  private static let farthest = 24.0
  private static let mostHoursMore = 168.0

  private init(_ evidence: Evidence) {
    self.evidence = evidence
    growth = PoolGrowth(evidence.lives)
    advice = PoolAdvice(pool: evidence.pool, verdict: .notEnoughData, sentence: "")
  }

  private mutating func weigh() {
    weighRestarts()
    guard let growth else { return waitForMore(hours: Self.leastHours, "no worker has lived long enough to tell") }
    advice.lives = growth.fits.count
    advice.observedHours = growth.hours
    advice.perHour = .init(growth.perHour)
    advice.perRequest = growth.perRequest.map(PoolAdvice.Growth.init)
    advice.plateauBytes = Int(growth.plateau)
    advice.warmUpSeconds = growth.warmUpHours * 3600
    advice.limitBytes = Int(limit)
    judge(growth)
  }

  // MARK: The verdict

  private mutating func judge(_ growth: PoolGrowth) {
    guard growth.hours >= Self.leastHours, growth.fits.count >= Self.leastLives else {
      return waitForMore(
        hours: max(1, (Self.leastHours - growth.hours) / workers),
        "\(growth.fits.count) lives and \(Words.time(growth.hours * 3600)) of warm workers have been seen")
    }
    let material = growth.material
    if growth.isStillWarming || growth.hours / Double(growth.fits.count) < Self.leastTail {
      return waitForMore(
        hours: 2,
        "workers go before they are warm, so that a leak cannot be told from warming up; let them live longer, "
          + "such as recycle.every=2h")
    }
    if growth.perHour.bounds.lowerBound > material {
      leaks(growth)
      return adviseWorkers(growth)
    }
    if growth.perHour.bounds.upperBound < material {
      isCalm(growth)
      return adviseWorkers(growth)
    }
    // The bounds come closer by the root of the time.
    let width = (growth.perHour.bounds.upperBound - growth.perHour.bounds.lowerBound) / 2
    let distance = max(abs(growth.perHour.median - material), material / 4)
    let more = growth.hours * max(0.5, (width / distance) * (width / distance) - 1) / workers
    waitForMore(
      hours: max(1, more),
      "growth is between \(Words.size(growth.perHour.bounds.lowerBound)) and "
        + "\(Words.size(growth.perHour.bounds.upperBound)) an hour")
  }

  private mutating func waitForMore(hours: Double, _ why: String) {
    let hours = min(Self.mostHoursMore, hours.rounded(.up))
    advice.verdict = .notEnoughData
    advice.hoursMore = hours
    advice.sentence = "Not enough data yet: \(Int(hours)) hour\(hours == 1 ? "" : "s") more. So far \(why)."
  }

  private mutating func isCalm(_ growth: PoolGrowth) {
    advice.verdict = .noLeak
    let held = "warm workers stay at \(Words.size(growth.plateau)) (within \(Words.size(growth.material)) an hour)"
    if let every = evidence.settings.everySeconds, every < Self.calmEvery {
      advice.sentence = "No leak: the timer is doing nothing for you; \(held)."
      adviseEvery(
        Self.calmEvery, because: "\(Words.time(Self.calmEvery)) is for what is no leak, such as a cache gone bad")
    } else {
      advice.sentence = "No leak: \(held)."
    }
    adviseMemory(growth)
  }

  private mutating func leaks(_ growth: PoolGrowth) {
    advice.verdict = .leak
    let room = limit - growth.plateau
    let material = growth.material
    let seconds = { (slope: Double) in (max(0, room) / max(slope, material) + growth.warmUpHours) * 3600 }
    let spread = PoolAdvice.Spread(
      seconds: seconds(growth.perHour.median), low: seconds(growth.perHour.upper), high: seconds(growth.perHour.lower)
    )
    advice.secondsToLimit = spread
    let grows =
      "A warm worker holds \(Words.size(growth.plateau)) and grows by \(Words.size(growth.perHour.median)) an hour"
    guard room > 0, let safe = safeEvery(growth) else {
      advice.sentence =
        "\(grows); \(limitWords) leaves it no room: raise the limit, or have fewer workers."
      return
    }
    let isTrusted = adviseEvery(
      safe,
      because: "nine workers in ten grow by at most \(Words.size(growth.perHour.worst)) an hour, and are to end at "
        + "\(Words.share(Self.safety)) of what there is room for")
    let every = Words.time(advice.advice.everySeconds ?? safe)
    advice.sentence =
      "\(grows), so that it reaches \(limitWords) after \(Words.time(spread.seconds)) "
      + "(\(Words.time(spread.low)) to \(Words.time(spread.high))): \(every) is the longest "
      + (isTrusted ? "safe interval." : "interval to trust so far; ask again when workers have lived that long.")
    adviseMemory(growth)
    adviseRequests(growth)
  }

  private func safeEvery(_ growth: PoolGrowth) -> Double? {
    let room = limit - growth.plateauHigh
    guard room > 0 else { return nil }
    let hours = room * Self.safety / max(growth.perHour.worst, growth.material) + growth.warmUpHours
    return Words.roundTime(hours * 3600)
  }

  /// False: so long was not watched, and less is advised.
  @discardableResult
  private mutating func adviseEvery(_ seconds: Double, because why: String) -> Bool {
    let longest = max(evidence.lives.map(\.seconds).max() ?? 0, evidence.ends.map(\.ageSeconds).max() ?? 0)
    guard seconds > longest * Self.farthest else {
      advice.advice.everySeconds = seconds
      advice.reasons.append("every: \(why)")
      return true
    }
    advice.advice.everySeconds = Words.roundTime(longest * Self.farthest)
    advice.reasons.append(
      "every: \(Words.time(seconds)) by what was seen, since \(why); but no worker was watched for more than "
        + "\(Words.time(longest)), and a leak may begin later: at most \(Int(Self.farthest)) times that")
    return false
  }

  // MARK: The limit

  /// The smallest of what may end a worker: its hard limit, its share of the budget, its share of the machine.
  private var limit: Double {
    [evidence.settings.memoryLimit, budgetShare, machineShare].compactMap { $0 }.min() ?? 0
  }

  private var budgetShare: Double? { evidence.settings.memoryBudget.map { $0 / (workers + 1) } }

  private var machineShare: Double { machineRoom / (workers + 1) }

  /// What the pool's masters may hold of the machine.
  private var machineRoom: Double {
    evidence.machine.bytes * Self.machineShare / Double(max(1, evidence.machine.pools))
  }

  private var workers: Double { Double(max(1, evidence.settings.workers)) }

  private var limitWords: String {
    let size = Words.size(limit)
    if evidence.settings.memoryLimit == limit { return "recycle.memory_limit (\(size))" }
    if budgetShare == limit { return "its share of memory_budget (\(size))" }
    return "its share of the machine (\(size))"
  }

  private mutating func adviseMemory(_ growth: PoolGrowth) {
    let value = Words.roundSize(limit * Self.safety)
    guard value >= growth.plateauHigh * Self.headroom else {
      advice.reasons.append(
        "memory: warm workers hold up to \(Words.size(growth.plateauHigh)), too near \(limitWords) to recycle by memory"
      )
      return
    }
    advice.advice.memoryBytes = Int(value)
    advice.reasons.append(
      "memory: \(Words.share(Self.safety)) of \(limitWords), well above the \(Words.size(growth.plateauHigh)) of a warm "
        + "worker: it goes gracefully before it is cut off")
  }

  /// Only where requests are what makes it grow.
  private mutating func adviseRequests(_ growth: PoolGrowth) {
    guard growth.isByRequest, let perRequest = growth.perRequest else { return }
    let room = limit - growth.plateauHigh
    let count = Words.roundCount(growth.warmUpRequests + room * Self.safety / perRequest.worst)
    guard room > 0, count >= 10 else { return }
    advice.advice.requests = count
    advice.reasons.append(
      "requests: growth goes with requests, \(Words.size(perRequest.median)) each, more evenly than with time; it is a "
        + "better limit than every where load comes and goes")
  }

  // MARK: Workers

  /// One serves while another is replaced.
  private static let leastWorkers = 2.0

  private mutating func adviseWorkers(_ growth: PoolGrowth) {
    guard let demand = Demand(evidence) else { return }
    let wanted = max(Self.leastWorkers, Double(demand.workers))
    let (most, fitting) = (Double(max(1, evidence.machine.cores)), fits(growth))
    let value = min(wanted, most, fitting)
    advice.advice.workers = Int(value)
    var why =
      "workers: \(Words.oneDigit(demand.load)) requests were served at once in the busiest hour of the last day; "
      + "with \(Int(wanted)) workers\(demand.concurrency > 1 ? " of \(demand.concurrency) requests at once" : "") no more "
      + "than one in \(Int(Demand.oneIn)) waits for one"
    if demand.isFull { why += "; all were at work nearly always, so that there may be more to do than this" }
    if value == fitting, value < min(wanted, most) {
      why += "; more than \(Int(value)) do not fit in the memory there is"
    } else if value == most, value < wanted {
      why += "; more than one a core (\(Int(most))) would only wait for each other"
    }
    advice.reasons.append(why)
  }

  /// How many there is memory for, each as large as it may get.
  private func fits(_ growth: PoolGrowth) -> Double {
    let bytes = evidence.settings.memoryBudget ?? machineRoom
    let largest = max(growth.plateauHigh, evidence.settings.memory ?? growth.plateauHigh * Self.headroom)
    return max(1, (bytes / largest - 1).rounded(.down))
  }

  // MARK: Restarts

  private mutating func weighRestarts() {
    let timeline = Timeline(evidence)
    let days = timeline.days
    advice.days = days
    guard days > 0 else { return }
    // Ends of a time that nobody sampled would count too much. The last one comes after its worker's last sample.
    let watched = timeline.span.lowerBound...(timeline.span.upperBound + Timeline.gap)
    let seen = evidence.ends.filter { watched.contains($0.at) }
    advice.restartsPerDay =
      Dictionary(grouping: seen, by: \.reason).map { reason, ends in
        PoolAdvice.Restarts(
          reason: reason, count: Double(ends.count) / days,
          capacitySeconds: ends.reduce(0) { $0 + ($1.gapSeconds ?? 0) } / days)
      }.mostFrequentFirst
  }
}

extension [PoolAdvice.Restarts] {
  var mostFrequentFirst: Self { sorted { ($1.count, $0.reason.rawValue) < ($0.count, $1.reason.rawValue) } }
}

extension PoolAdvice.Growth {
  fileprivate init(_ measure: PoolGrowth.Measure) {
    self.init(bytes: measure.median, low: measure.bounds.lowerBound, high: measure.bounds.upperBound)
  }
}
