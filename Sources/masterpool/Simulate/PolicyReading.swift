import Control
import Pool
import Simulator

extension PoolPolicy {
  /// As a running supervisor tells it: its limits, and of its settings those that a simulation minds.
  init(_ pool: StatusDocument.Pool, _ settings: SettingsDocument) {
    self.init(size: pool.size)
    memoryBudget = pool.memoryBudgetBytes.map { ByteCount(bytes: $0) }
    if let limits = pool.limits { take(limits) }
    let prefix = "pools.\(pool.name)."
    for setting in settings.settings where setting.key.hasPrefix(prefix) {
      if let value = setting.value { take(String(setting.key.dropFirst(prefix.count)), value) }
    }
    if let limit = pool.limits?.queueLimit { queue.limit = limit }
  }

  private mutating func take(_ limits: StatusDocument.Limits) {
    recycle.every = limits.everySeconds.map { .seconds($0) }
    recycle.memory = limits.memoryBytes.map { ByteCount(bytes: $0) }
    recycle.memoryLimit = limits.memoryLimitBytes.map { ByteCount(bytes: $0) }
    recycle.requests = limits.requests
    concurrency = max(1, limits.concurrency)
  }

  /// What cannot be read stays as it usually is.
  private mutating func take(_ key: String, _ text: String) {
    let (time, number) = (Duration(words: text), Int(text))
    switch key {
    case "recycle.jitter": Self.percent(text).map { recycle.jitter = Double($0) / 100 }
    case "recycle.min_age": time.map { recycle.minAge = $0 }
    case "recycle.surge": number.map { recycle.surge = $0 }
    case "recycle.min_ready":
      (Self.percent(text).map { .percent($0) } ?? number.map { .count($0) }).map { recycle.minReady = $0 }
    case "recycle.load_below": Self.percent(text).map { recycle.loadBelow = $0 }
    case "queue.limit": number.map { queue.ceiling = QueuePolicy.ceiling(above: $0) }
    case "queue.timeout": time.map { queue.timeout = $0 }
    case "request_timeout": time.map { requestTimeout = $0 }
    case "ready.timeout": time.map { ready.timeout = $0 }
    case "stop.drain": time.map { stop.drain = $0 }
    case "stop.terminate": time.map { stop.terminate = $0 }
    default: break
    }
  }

  private static func percent(_ text: String) -> Int? {
    text.hasSuffix("%") ? Int(text.dropLast()).flatMap { (0...100).contains($0) ? $0 : nil } : nil
  }
}
