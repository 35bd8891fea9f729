import Pool
import Simulator

/// The pool's settings: as they are told, or else as workers' ends show them.
extension Derivation {
  private static let leastTimers = 8

  mutating func deriveSettings() {
    if let settings = past.settings {
      scenario.pool = settings.policy
      tell(settings.policy, settings.source)
    } else {
      infer()
    }
  }

  private mutating func tell(_ policy: PoolPolicy, _ source: String) {
    derived.find(.workers, "\(policy.size)", source)
    derived.find(.concurrency, "\(policy.concurrency)", source)
    derived.find(.every, policy.recycle.every?.short ?? "off", source)
    derived.find(.jitter, Written.number(policy.recycle.jitter * 100), source)
    derived.find(.memory, Self.word(policy.recycle.memory), source)
    derived.find(.memoryLimit, Self.word(policy.recycle.memoryLimit), source)
    derived.find(.memoryBudget, Self.word(policy.memoryBudget), source)
    derived.find(.requests, policy.recycle.requests.map { "\($0)" } ?? "off", source)
    derived.find(.surge, "\(policy.recycle.surge)", source)
    derived.find(.queueLimit, "\(policy.queue.limit)", source)
  }

  private static func word(_ size: ByteCount?) -> String { size.map { "\($0)" } ?? "off" }

  // MARK: From the ledger alone

  private mutating func infer() {
    let slots = Set(past.lives.map(\.slot)).union(past.exits.map(\.slot)).count
    if slots > 0 {
      scenario.pool.size = slots
      derived.find(.workers, "\(slots)", "slots that had workers")
    } else {
      miss(.workers, "how many workers there are: none is known", such: "8")
    }
    inferTimer()
    inferLimits()
    derived.assume(
      .concurrency, "\(scenario.pool.concurrency)", "settings are not in the ledger; --config names them")
    derived.assume(.surge, "\(scenario.pool.recycle.surge)", "settings are not in the ledger")
    derived.assume(.queueLimit, "\(scenario.pool.queue.limit)", "settings are not in the ledger")
  }

  /// Each worker goes by its own time: the interval less up to its jitter.
  private mutating func inferTimer() {
    let limits = past.exits.filter { $0.reason == .timer }.compactMap { $0.limit.flatMap(Duration.init(words:)) }
    guard let longest = limits.max(), let shortest = limits.min(), longest > .zero else {
      scenario.pool.recycle.every = nil
      return derived.find(.every, "off", "no worker went by the timer")
    }
    let every = longest.inSeconds
    let minutes = (every / 60).rounded(.up) * 60
    scenario.pool.recycle.every = .seconds(
      limits.count >= Self.leastTimers && minutes <= every * 1.05 ? minutes : every)
    derived.find(.every, scenario.pool.recycle.every?.short ?? "off", "the latest of \(limits.count) timers")
    guard limits.count >= Self.leastTimers else {
      return derived.assume(
        .jitter, Written.number(scenario.pool.recycle.jitter * 100), "settings are not in the ledger")
    }
    scenario.pool.recycle.jitter = min(0.9, max(0, 1 - shortest.inSeconds / every))
    derived.find(
      .jitter, Written.number(scenario.pool.recycle.jitter * 100), "the earliest and the latest of the timers")
  }

  private mutating func inferLimits() {
    let memory = lastLimit(.memory).flatMap(Self.size)
    let hard = lastLimit(.memoryLimit).flatMap(Self.size)
    let requests = lastLimit(.requests).flatMap { Int($0) }
    scenario.pool.recycle.memory = memory
    scenario.pool.recycle.memoryLimit = hard
    scenario.pool.recycle.requests = requests.flatMap { $0 > 0 ? $0 : nil }
    derived.find(.memory, Self.word(memory), memory == nil ? "no worker went by it" : "the last that went by it")
    derived.find(.memoryLimit, Self.word(hard), hard == nil ? "no worker went by it" : "the last that went by it")
    derived.find(
      .requests, scenario.pool.recycle.requests.map { "\($0)" } ?? "off",
      requests == nil ? "no worker went by it" : "the last that went by it")
  }

  private func lastLimit(_ reason: RecycleReason) -> String? {
    past.exits.filter { $0.reason == reason && $0.limit != nil }.max { $0.at < $1.at }?.limit
  }

  /// `600 MiB` and `600MiB`.
  private static func size(_ text: String) -> ByteCount? { ByteCount(words: text.filter { $0 != " " }) }
}
