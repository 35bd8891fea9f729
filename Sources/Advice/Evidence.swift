import Pool

/// What is known of one pool: its workers' lives as the ledger sampled them, how they ended, and what they run on.
public struct Evidence: Hashable, Sendable {
  public var pool: PoolName
  public var lives: [Life]
  public var ends: [End]
  public var settings: Settings
  public var machine: Machine

  public init(pool: PoolName, lives: [Life], ends: [End], settings: Settings, machine: Machine) {
    self.pool = pool
    self.lives = lives
    self.ends = ends
    self.settings = settings
    self.machine = machine
  }

  /// One occupant of a slot, from its birth, or the ledger's oldest sample, on.
  public struct Life: Hashable, Sendable {
    public var slot: Int
    public var generation: Int
    /// In the order of time.
    public var points: [Point]

    public init(slot: Int, generation: Int, points: [Point]) {
      self.slot = slot
      self.generation = generation
      self.points = points
    }

    /// From the first look to the last.
    var seconds: Double { (points.last?.at ?? 0) - (points.first?.at ?? 0) }
  }

  public struct Point: Hashable, Sendable {
    /// Seconds since 1970.
    public var at: Double
    public var bytes: Double
    /// Since the worker's birth.
    public var requests: Int
    /// On the average of the samples that it stands for.
    public var inFlight: Double
    public var samples: Int

    public init(at: Double, bytes: Double, requests: Int, inFlight: Double = 0, samples: Int = 1) {
      self.at = at
      self.bytes = bytes
      self.requests = requests
      self.inFlight = inFlight
      self.samples = samples
    }
  }

  public struct End: Hashable, Sendable {
    public var slot: Int
    public var generation: Int
    public var at: Double
    public var reason: RecycleReason
    public var ageSeconds: Double
    /// How long its place had nobody who served; nil: the successor was not seen getting ready.
    public var gapSeconds: Double?

    public init(
      slot: Int, generation: Int, at: Double, reason: RecycleReason, ageSeconds: Double, gapSeconds: Double? = nil
    ) {
      self.slot = slot
      self.generation = generation
      self.at = at
      self.reason = reason
      self.ageSeconds = ageSeconds
      self.gapSeconds = gapSeconds
    }
  }

  /// As they are now; what is absent is off, or not known.
  public struct Settings: Hashable, Sendable {
    public var workers: Int
    /// Requests at once in one worker.
    public var concurrency: Int?
    public var everySeconds: Double?
    public var memory: Double?
    public var memoryLimit: Double?
    public var memoryBudget: Double?
    public var requests: Int?

    public init(
      workers: Int, concurrency: Int? = nil, everySeconds: Double? = nil, memory: Double? = nil,
      memoryLimit: Double? = nil,
      memoryBudget: Double? = nil, requests: Int? = nil
    ) {
      self.workers = workers
      self.concurrency = concurrency
      self.everySeconds = everySeconds
      self.memory = memory
      self.memoryLimit = memoryLimit
      self.memoryBudget = memoryBudget
      self.requests = requests
    }
  }

  public struct Machine: Hashable, Sendable {
    public var cores: Int
    /// Of it or of its control group, whichever is smaller.
    public var bytes: Double
    /// Pools that share it.
    public var pools: Int

    public init(cores: Int, bytes: Double, pools: Int = 1) {
      self.cores = cores
      self.bytes = bytes
      self.pools = pools
    }
  }
}
