/// The numbers that rule one pool, as the settings give them.
public struct PoolPolicy: Hashable, Sendable, Codable {
  /// How many slots.
  public var size: Int
  /// Requests at once in one worker.
  public var concurrency: Int
  public var queue: QueuePolicy
  /// Past it a request's worker is stuck: the request fails, the worker is recycled.
  public var requestTimeout: Duration
  public var ready: ReadyPolicy
  public var alive: AlivePolicy
  public var recycle: RecyclePolicy
  public var stop: StopPolicy
  public var stuck: StuckPolicy
  public var quarantine: QuarantinePolicy
  /// The process from which its workers are forked; nil: they are started one by one.
  public var preload: ParentPolicy?
  /// What all its processes may hold together; nil: as much as there is.
  public var memoryBudget: ByteCount?

  public init(
    size: Int, concurrency: Int = 1, queue: QueuePolicy = QueuePolicy(), requestTimeout: Duration = .seconds(600),
    ready: ReadyPolicy = ReadyPolicy(), alive: AlivePolicy = AlivePolicy(),
    recycle: RecyclePolicy = RecyclePolicy(), stop: StopPolicy = StopPolicy(), stuck: StuckPolicy = StuckPolicy(),
    quarantine: QuarantinePolicy = QuarantinePolicy(), preload: ParentPolicy? = nil, memoryBudget: ByteCount? = nil
  ) {
    self.size = size
    self.concurrency = concurrency
    self.queue = queue
    self.requestTimeout = requestTimeout
    self.ready = ready
    self.alive = alive
    self.recycle = recycle
    self.stop = stop
    self.stuck = stuck
    self.quarantine = quarantine
    self.preload = preload
    self.memoryBudget = memoryBudget
  }
}

/// The probe that a new worker must pass before it gets traffic.
public struct ReadyPolicy: Hashable, Sendable, Codable {
  public var path: String
  public var timeout: Duration

  public init(path: String = "/status", timeout: Duration = .seconds(60)) {
    self.path = path
    self.timeout = timeout
  }
}

/// The probe of an idle worker.
public struct AlivePolicy: Hashable, Sendable, Codable {
  public var path: String
  public var every: Duration
  public var timeout: Duration
  /// So many in a row end the worker.
  public var failures: Int

  public init(
    path: String = "/status", every: Duration = .seconds(10), timeout: Duration = .seconds(5), failures: Int = 3
  ) {
    self.path = path
    self.every = every
    self.timeout = timeout
    self.failures = failures
  }
}

/// A part of a pool: `50%` (rounded up) or a number of workers.
public enum Share: Hashable, Sendable, Codable {
  case percent(Int)
  case count(Int)

  /// How many of `size`, at most `size`.
  public func of(_ size: Int) -> Int {
    switch self {
    case .percent(let percent): min(size, max(0, (size * percent + 99) / 100))
    case .count(let count): min(size, max(0, count))
    }
  }
}

/// The stop ladder: finish requests, then SIGTERM, then SIGKILL to the process group.
public struct StopPolicy: Hashable, Sendable, Codable {
  /// How long requests may take to finish.
  public var drain: Duration
  /// How long after SIGTERM comes SIGKILL.
  public var terminate: Duration

  public init(drain: Duration = .seconds(60), terminate: Duration = .seconds(10)) {
    self.drain = drain
    self.terminate = terminate
  }
}
