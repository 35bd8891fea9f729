/// When workers are replaced, and how many at once. A nil limit is off.
public struct RecyclePolicy: Hashable, Sendable, Codable {
  public var every: Duration?
  /// The share of `every` by which a worker's own age limit may be shorter: 0…1.
  public var jitter: Double
  /// Over it the worker is replaced gracefully.
  public var memory: ByteCount?
  /// Over it the worker is cut off at once.
  public var memoryLimit: ByteCount?
  /// What both of them are held against.
  public var measure: MemoryMeasure
  /// The percentage of the pool's `memory_budget` from which the largest worker goes.
  public var nearBudget: Int
  public var requests: Int?
  /// A younger worker goes neither for its memory nor for its requests, so that a limit too low does not flap.
  public var minAge: Duration
  /// When planned recycles may happen.
  public var windows: RecycleWindows
  /// Planned recycles wait until so many percent of the pool's places are busy or fewer, but for twice `every` at most.
  public var loadBelow: Int?
  /// Workers allowed above the pool's size during a recycle; 0 drains before it starts.
  public var surge: Int
  /// Ready workers below which no planned recycle starts.
  public var minReady: Share

  public init(
    every: Duration? = .seconds(900), jitter: Double = 0.2, memory: ByteCount? = nil, memoryLimit: ByteCount? = nil,
    measure: MemoryMeasure = .pss, nearBudget: Int = 90, requests: Int? = nil, minAge: Duration = .seconds(60),
    windows: RecycleWindows = RecycleWindows(), loadBelow: Int? = nil, surge: Int = 1, minReady: Share = .percent(50)
  ) {
    self.every = every
    self.jitter = jitter
    self.memory = memory
    self.memoryLimit = memoryLimit
    self.measure = measure
    self.nearBudget = nearBudget
    self.requests = requests
    self.minAge = minAge
    self.windows = windows
    self.loadBelow = loadBelow
    self.surge = surge
    self.minReady = minReady
  }

  /// At this age no planned recycle waits for a quiet moment any longer.
  public var longestWait: Duration? { every.map { $0 * 2 } }
}

/// How a process's memory is counted.
public enum MemoryMeasure: String, Hashable, Sendable, Codable, CaseIterable {
  /// Its share of what it holds with others, and of what is swapped out.
  case pss
  /// What it holds alone, and what of it is swapped out: what its end gives back.
  case uss
  /// Everything that it has in memory, shared or not.
  case rss
}
