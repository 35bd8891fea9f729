import Pool

/// What is to be lived through on a fake clock: the pool's settings, and what its agents and workers are like.
public struct Scenario: Hashable, Sendable {
  public var pool: PoolPolicy
  public var agents: AgentModel
  public var run: RunModel
  public var worker: WorkerModel
  /// Machines with such a pool each; an agent always goes to the same one.
  public var boxes: Int
  public var length: Duration
  public var seed: UInt64
  /// Cores of a box: where more workers than those are at work, each is slower. Nil: there are enough.
  public var cores: Int?
  /// What a box holds beside the pool's workers: the proxy, the supervisor, a warm parent.
  public var otherMemory: ByteCount
  /// Into so many spans the time is divided for the plot.
  public var spans: Int

  public init(
    pool: PoolPolicy = PoolPolicy(size: 8), agents: AgentModel = AgentModel(), run: RunModel = RunModel(),
    worker: WorkerModel = WorkerModel(), boxes: Int = 1, length: Duration = .seconds(30 * 86400), seed: UInt64 = 1,
    cores: Int? = nil, otherMemory: ByteCount = ByteCount(bytes: 0), spans: Int = 360
  ) {
    self.pool = pool
    self.agents = agents
    self.run = run
    self.worker = worker
    self.boxes = boxes
    self.length = length
    self.seed = seed
    self.cores = cores
    self.otherMemory = otherMemory
    self.spans = spans
  }

  /// How many agents each box has: an agent's number alone decides.
  public func agentsOfBoxes() -> [Int] {
    var counts = [Int](repeating: 0, count: max(1, boxes))
    guard counts.count > 1 else { return [agents.count] }
    for agent in 0..<max(0, agents.count) {
      let hash = SeededGenerator.mixed(seed &+ UInt64(agent) &* 0x9e37_79b9_7f4a_7c15)
      counts[Int(hash.multipliedFullWidth(by: UInt64(counts.count)).high)] += 1
    }
    return counts
  }
}

/// Agents as cron or their own daemon starts them.
public struct AgentModel: Hashable, Sendable {
  public var count: Int
  /// Between two starts of an agent.
  public var interval: Duration
  /// Over how much of it the agents' starts are spread; zero: all start at once.
  public var splay: Duration
  /// By how much a start comes late, each time anew.
  public var jitter: Duration
  /// The share that fails at a 503, as agents before 7.26 and 8.2 do: 0…1.
  public var oldShare: Double
  /// An agent that was told to come back gives its run up after so long.
  public var runTimeout: Duration
  /// How much of the traffic there is in each hour of the week, from Monday's midnight on, the fullest being 1; empty:
  /// all of it all the time.
  public var week: [Double]

  public init(
    count: Int = 5000, interval: Duration = .seconds(1800), splay: Duration = .seconds(1800),
    jitter: Duration = .seconds(5), oldShare: Double = 0, runTimeout: Duration = .seconds(3600), week: [Double] = []
  ) {
    self.count = count
    self.interval = interval
    self.splay = splay
    self.jitter = jitter
    self.oldShare = oldShare
    self.runTimeout = runTimeout
    self.week = week
  }
}

/// What one run asks of workers: a node request, metadata of plugins, its catalog, metadata of files, its report. What
/// the proxy answers from disk is not among it.
public struct RunModel: Hashable, Sendable {
  public var catalog: Spread
  /// Nil: none reaches a worker.
  public var report: Spread?
  public var node: Spread?
  /// Files and their metadata that a worker answers for.
  public var files: Int
  public var file: Spread
  /// The agent's own time from its catalog to its report.
  public var apply: Spread

  public init(
    catalog: Spread = .about(.milliseconds(1200), deviation: .milliseconds(500)),
    report: Spread? = .about(.milliseconds(40), deviation: .milliseconds(20)), node: Spread? = nil, files: Int = 0,
    file: Spread = .about(.milliseconds(8), deviation: .milliseconds(4)),
    apply: Spread = .about(.seconds(20), deviation: .seconds(10))
  ) {
    self.catalog = catalog
    self.report = report
    self.node = node
    self.files = files
    self.file = file
    self.apply = apply
  }

  /// Metadata that every run asks for before its catalog.
  public static let pluginRequests = 3

  /// A worker's time that a run takes.
  public var work: Duration {
    let fileCount = files > 0 ? files + Self.pluginRequests : 0
    return catalog.mean + (report?.mean ?? .zero) + (node?.mean ?? .zero) + file.mean * fileCount
  }
}

/// How workers start, grow and fail.
public struct WorkerModel: Hashable, Sendable {
  /// From its start until it is ready, from SIGTERM to its end, and the wipe after it.
  public var start: Spread
  public var stop: Spread
  public var wipe: Duration
  /// What the first catalog takes more than others.
  public var warmUp: Duration
  public var growth: Growth
  /// How often one crashes, and how often one stops answering in the middle of a request.
  public var crashes: Rate
  public var hangs: Rate

  public init(
    start: Spread = .about(.milliseconds(800), deviation: .milliseconds(200)),
    stop: Spread = .about(.milliseconds(200), deviation: .milliseconds(100)), wipe: Duration = .milliseconds(50),
    warmUp: Duration = .milliseconds(500), growth: Growth = Growth(), crashes: Rate = Rate(), hangs: Rate = Rate()
  ) {
    self.start = start
    self.stop = stop
    self.wipe = wipe
    self.warmUp = warmUp
    self.growth = growth
    self.crashes = crashes
    self.hangs = hangs
  }
}

/// A worker's memory: what it is born with, what it takes until it is warm, and what it leaks.
public struct Growth: Hashable, Sendable {
  public var birth: ByteCount
  /// Added in equal steps by its first requests.
  public var plateau: ByteCount
  public var plateauRequests: Int
  public var leak: Leak

  public init(
    birth: ByteCount = .mebibytes(65), plateau: ByteCount = .mebibytes(40), plateauRequests: Int = 50,
    leak: Leak = Leak()
  ) {
    self.birth = birth
    self.plateau = plateau
    self.plateauRequests = plateauRequests
    self.leak = leak
  }

  func bytes(age nanoseconds: Int64, requests: Int) -> Double {
    let warm = plateauRequests > 0 ? min(1, Double(requests) / Double(plateauRequests)) : 1
    return Double(birth.bytes) + Double(plateau.bytes) * warm + leak.perRequest * Double(requests)
      + leak.perHour * Double(nanoseconds) / 3.6e12
  }
}

/// In bytes.
public struct Leak: Hashable, Sendable {
  public var perRequest: Double
  public var perHour: Double

  public init(perRequest: Double = 0, perHour: Double = 0) {
    self.perRequest = perRequest
    self.perHour = perHour
  }
}

/// How often something happens to a worker: for each request, and for each hour of its life.
public struct Rate: Hashable, Sendable {
  public var perRequest: Double
  public var perHour: Double

  public init(perRequest: Double = 0, perHour: Double = 0) {
    self.perRequest = perRequest
    self.perHour = perHour
  }

  var isZero: Bool { perRequest <= 0 && perHour <= 0 }
}
