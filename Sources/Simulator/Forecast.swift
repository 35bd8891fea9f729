import Pool

/// What a simulation says, as JSON: keys with their units.
public struct Forecast: Hashable, Sendable, Codable {
  public struct Input: Hashable, Sendable, Codable {
    public var agents: Int
    public var boxes: Int
    public var intervalSeconds: Double
    public var splaySeconds: Double
    public var catalog: String
    public var leak: String
    /// Of each box.
    public var workers: Int
    public var concurrency: Int
    public var everySeconds: Double?
    public var memoryBytes: Int?
    public var requests: Int?
    public var seed: UInt64

    enum CodingKeys: String, CodingKey {
      case agents, boxes, catalog, leak, workers, concurrency, requests, seed
      case intervalSeconds = "interval_seconds"
      case splaySeconds = "splay_seconds"
      case everySeconds = "every_seconds"
      case memoryBytes = "memory_bytes"
    }
  }

  public struct Times: Hashable, Sendable, Codable {
    public var mean: Double
    public var p50: Double
    public var p90: Double
    public var p99: Double
    public var max: Double

    init(_ tally: TimeTally) {
      mean = tally.meanSeconds
      p50 = tally.quantileSeconds(0.5)
      p90 = tally.quantileSeconds(0.9)
      p99 = tally.quantileSeconds(0.99)
      max = tally.maxSeconds
    }
  }

  public struct Runs: Hashable, Sendable, Codable {
    public var started: Int
    public var finished: Int
    public var underWay: Int
    /// By cause.
    public var failed: [String: Int]
    /// Finished, but told to come back first.
    public var toldToComeBack: Int
    /// Starts left out, since the agent's run before was not over.
    public var missed: Int

    enum CodingKeys: String, CodingKey {
      case started, finished, failed, missed
      case underWay = "under_way"
      case toldToComeBack = "told_to_come_back"
    }
  }

  public struct Restart: Hashable, Sendable, Codable {
    public var reason: RecycleReason
    public var count: Int
    /// On each box.
    public var perDay: Double
    /// While their slots had nobody who served.
    public var capacitySeconds: Double

    enum CodingKeys: String, CodingKey {
      case reason, count
      case perDay = "per_day"
      case capacitySeconds = "capacity_seconds"
    }
  }

  public struct Memory: Hashable, Sendable, Codable {
    /// Of the fullest box: its pool's workers, and with all else that it holds.
    public var poolPeakBytes: Int
    public var machinePeakBytes: Int

    enum CodingKeys: String, CodingKey {
      case poolPeakBytes = "pool_peak_bytes"
      case machinePeakBytes = "machine_peak_bytes"
    }
  }

  /// One span of the plot: means of all boxes, and the worst box.
  public struct Span: Hashable, Sendable, Codable {
    public var atSeconds: Double
    public var queueMean: Double
    public var queueMax: Int
    public var utilisation: Double
    public var readyMin: Int?
    public var memoryMaxBytes: Int

    enum CodingKeys: String, CodingKey {
      case utilisation
      case atSeconds = "at_seconds"
      case queueMean = "queue_mean"
      case queueMax = "queue_max"
      case readyMin = "ready_min"
      case memoryMaxBytes = "memory_max_bytes"
    }
  }

  public var input: Input
  public var simulatedSeconds: Double
  /// 0…1: of the workers' time, what they worked.
  public var utilisation: Double
  /// Whether the workers can do what is asked of them: their work, at `utilisation` 1.
  public var demand: Double
  public var requests: Int
  public var queueMean: Double
  public var queueMax: Int
  /// Of requests that went to a worker: how long they stood in line.
  public var queueSeconds: Times
  /// From a catalog's asking to its answer.
  public var catalogSeconds: Times
  /// From a run's start to its first worker, refusals included.
  public var runDelaySeconds: Times
  public var runSeconds: Times
  public var runs: Runs
  /// By cause.
  public var sheds: [String: Int]
  /// Requests whose worker ended under them.
  public var workersLostTotal: Int
  /// The most frequent first.
  public var restarts: [Restart]
  public var recyclesPutOff: Int
  public var backOffs: Int
  /// The fewest that served at once on any box, once its pool had been full; nil: none ever was.
  public var readyMin: Int?
  public var memory: Memory
  public var timeline: [Span]

  enum CodingKeys: String, CodingKey {
    case input, utilisation, demand, requests, runs, sheds, restarts, memory, timeline
    case simulatedSeconds = "simulated_seconds"
    case queueMean = "queue_mean"
    case queueMax = "queue_max"
    case queueSeconds = "queue_seconds"
    case catalogSeconds = "catalog_seconds"
    case runDelaySeconds = "run_delay_seconds"
    case runSeconds = "run_seconds"
    case workersLostTotal = "workers_lost_total"
    case recyclesPutOff = "recycles_put_off"
    case backOffs = "back_offs"
    case readyMin = "ready_min"
  }

  public init(_ scenario: Scenario, _ outcome: Outcome) {
    let whole = outcome.timeline.whole
    let days = max(1e-9, scenario.length.inSeconds / 86400) * Double(max(1, outcome.boxes))
    let places = Double(max(1, outcome.size * outcome.concurrency))
    input = Input(scenario)
    simulatedSeconds = scenario.length.inSeconds
    utilisation = outcome.utilisation
    demand = scenario.demand
    requests = outcome.requests
    queueMean = whole.queueMean
    queueMax = whole.queueMost
    queueSeconds = Times(outcome.waits)
    catalogSeconds = Times(outcome.catalogs)
    runDelaySeconds = Times(outcome.delays)
    runSeconds = Times(outcome.runTimes)
    runs = Runs(outcome.runs)
    sheds = Dictionary(uniqueKeysWithValues: ShedCause.allCases.map { ($0.name, outcome.sheds[$0.rawValue]) })
    workersLostTotal = outcome.lostWorkers
    restarts = outcome.restarts.map { reason, restart in
      Restart(
        reason: reason, count: restart.count, perDay: Double(restart.count) / days,
        capacitySeconds: restart.idleSeconds)
    }.sorted { (-$0.count, $0.reason.rawValue) < (-$1.count, $1.reason.rawValue) }
    recyclesPutOff = outcome.putOff
    backOffs = outcome.backOffs
    readyMin = whole.readyLeast == .max ? nil : whole.readyLeast
    memory = Memory(
      poolPeakBytes: Int(whole.memoryMost), machinePeakBytes: Int(whole.memoryMost) + scenario.otherMemory.bytes)
    timeline = outcome.timeline.spans.enumerated().filter { $1.length > 0 }.map { index, span in
      Span(
        atSeconds: Double(outcome.timeline.spanLength) / 1e9 * Double(index), queueMean: span.queueMean,
        queueMax: span.queueMost, utilisation: span.workingMean / places,
        readyMin: span.readyLeast == .max ? nil : span.readyLeast, memoryMaxBytes: Int(span.memoryMost))
    }
  }
}

extension Forecast.Input {
  init(_ scenario: Scenario) {
    agents = scenario.agents.count
    boxes = max(1, scenario.boxes)
    intervalSeconds = scenario.agents.interval.inSeconds
    splaySeconds = scenario.agents.splay.inSeconds
    catalog = scenario.run.catalog.description
    leak = scenario.worker.growth.leak.description
    workers = scenario.pool.size
    concurrency = scenario.pool.concurrency
    everySeconds = scenario.pool.recycle.every?.inSeconds
    memoryBytes = scenario.pool.recycle.memory?.bytes
    requests = scenario.pool.recycle.requests
    seed = scenario.seed
  }
}

extension Forecast.Runs {
  init(_ runs: Outcome.Runs) {
    started = runs.started
    finished = runs.finished
    underWay = runs.underWay
    failed = Dictionary(uniqueKeysWithValues: RunFailure.allCases.map { ($0.name, runs.failed[$0.rawValue]) })
    toldToComeBack = runs.toldToComeBack
    missed = runs.missed
  }

  public var failedTotal: Int { failed.values.reduce(0, +) }
}

extension Scenario {
  /// The runs' work for each second, in all of the workers' time; over 1 they cannot do it.
  public var demand: Double {
    let places = Double(max(1, pool.size * pool.concurrency * boxes))
    let able = min(places, cores.map { Double($0 * max(1, boxes)) } ?? places)
    let share = agents.week.isEmpty ? 1 : agents.week.reduce(0, +) / Double(agents.week.count)
    return Double(agents.count) * share * run.work.inSeconds / max(1, agents.interval.inSeconds) / able
  }
}
