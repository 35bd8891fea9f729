import Advice
import Pool
import Simulator

/// How workers start, grow and fail.
extension Derivation {
  mutating func deriveWorkers() {
    deriveBirth()
    deriveGrowth()
    deriveStart()
    deriveFailures()
    derived.assume(.stop, scenario.worker.stop.description, "how long an end takes is not kept")
    derived.assume(.warmUp, scenario.worker.warmUp.short, "first catalogs are not told from others")
    derived.assume(.otherMemory, "0", "what the proxy and a warm parent hold is not in the ledger")
  }

  private mutating func deriveBirth() {
    let births = past.exits.compactMap(\.birthBytes).map(Double.init)
    guard births.count >= Self.leastTimes, let middle = Sample.quantile(births, 0.5) else {
      return derived.assume(.birthMemory, "\(scenario.worker.growth.birth)", "too few workers ended")
    }
    scenario.worker.growth.birth = ByteCount(bytes: Int(middle))
    derived.find(.birthMemory, "\(scenario.worker.growth.birth)", "the first sample of \(births.count) workers")
  }

  // MARK: Growth

  private mutating func deriveGrowth() {
    guard let leakage = Leakage(evidence) else {
      derived.assume(.plateau, "\(scenario.worker.growth.plateau)", "no worker has lived long enough to tell")
      return derived.assume(.leak, scenario.worker.growth.leak.description, "no worker has lived long enough to tell")
    }
    setLeak(leakage)
    setPlateau(leakage)
  }

  private var evidence: Evidence {
    Evidence(
      pool: past.pool, lives: past.lives,
      ends: past.exits.map {
        .init(slot: $0.slot, generation: $0.generation, at: $0.at, reason: $0.reason, ageSeconds: $0.ageSeconds)
      }, settings: .init(workers: scenario.pool.size),
      // It is asked what there was, not what would fit.
      machine: .init(cores: max(1, scenario.pool.size), bytes: 0x1p50))
  }

  private mutating func setLeak(_ leakage: Leakage) {
    let hours = "\(leakage.lives) lives, \(Written.number(leakage.hours)) hours of warm workers"
    switch leakage.verdict {
    case .leak:
      let each = leakage.perRequest
      scenario.worker.growth.leak = each.map { Leak(perRequest: $0) } ?? Leak(perHour: max(0, leakage.perHour))
      derived.find(.leak, scenario.worker.growth.leak.description, "as masterpool advise finds it: \(hours)")
    case .noLeak:
      scenario.worker.growth.leak = Leak()
      derived.find(.leak, "none", "as masterpool advise finds it: \(hours)")
    case .notEnoughData:
      derived.assume(.leak, scenario.worker.growth.leak.description, leakage.sentence)
    }
  }

  /// What it takes until it is warm, beside what it leaks until then.
  private mutating func setPlateau(_ leakage: Leakage) {
    let growth = scenario.worker.growth
    let requests = watch.workerSeconds > 0 ? Double(watch.requests) / watch.workerSeconds * leakage.warmUpSeconds : 0
    let leaked = growth.leak.perHour * leakage.warmUpSeconds / 3600 + growth.leak.perRequest * requests
    let plateau = min(max(0, leakage.plateau - Double(growth.birth.bytes) - leaked), 0x1p50)
    scenario.worker.growth.plateau = ByteCount(bytes: Int(plateau))
    if requests >= 1 { scenario.worker.growth.plateauRequests = Int(min(requests, 1e6)) }
    derived.find(
      .plateau, "\(scenario.worker.growth.plateau)",
      "what a warm worker holds above a new one, after \(Written.seconds(leakage.warmUpSeconds))")
  }

  // MARK: Start and failures

  private mutating func deriveStart() {
    let times = past.startSeconds.filter { $0 >= 0 && $0 < 3600 }
    guard times.count >= Self.leastTimes, let spread = Spread(of: times.map { .seconds($0) }) else {
      return derived.assume(.start, scenario.worker.start.description, "too few workers started")
    }
    scenario.worker.start = spread
    derived.find(.start, spread.description, "\(times.count) workers, from their start until they were ready")
  }

  private mutating func deriveFailures() {
    let seen = past.exits.filter { $0.at >= watch.first && $0.at <= watch.last + 60 }
    let crashes = seen.count { $0.reason == .crash }
    let hangs = seen.count { $0.reason == .stuck || $0.reason == .unhealthy }
    let hours = watch.workerSeconds / 3600
    if hours > 0 { scenario.worker.crashes = Rate(perHour: Double(crashes) / hours) }
    if watch.requests > 0 { scenario.worker.hangs = Rate(perRequest: Double(hangs) / Double(watch.requests)) }
    derived.find(
      .crash, scenario.worker.crashes.description, "\(crashes) in \(Written.number(hours)) hours of workers' lives")
    derived.find(
      .hang, scenario.worker.hangs.description, "\(hangs) stuck or unhealthy in \(watch.requests) requests")
  }
}
