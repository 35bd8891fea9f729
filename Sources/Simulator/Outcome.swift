import Pool

/// What came of a box's life, or of several boxes'.
public struct Outcome: Hashable, Sendable {
  public struct Runs: Hashable, Sendable {
    public var started = 0
    public var finished = 0
    /// By cause.
    public var failed = [Int](repeating: 0, count: RunFailure.allCases.count)
    /// Not over at the end.
    public var underWay = 0
    /// Finished, but were told to come back first.
    public var toldToComeBack = 0
    /// Starts that found the agent's run before still under way, or had no traffic to make.
    public var missed = 0
  }

  public struct Restart: Hashable, Sendable {
    public var count = 0
    /// While the slot had nobody who served.
    public var idleSeconds = 0.0
  }

  /// Of one box's pool.
  public let size: Int
  public let concurrency: Int
  public var boxes = 1
  public var runs = Runs()
  /// Answered by workers.
  public var requests = 0
  /// By cause.
  public var sheds = [Int](repeating: 0, count: ShedCause.allCases.count)
  /// Requests whose worker ended under them.
  public var lostWorkers = 0
  public var restarts: [RecycleReason: Restart] = [:]
  public var backOffs = 0
  /// Recycles that had to wait.
  public var putOff = 0
  /// From the asking to the worker; from a run's start to its first worker; from a catalog's asking to its answer; of
  /// whole runs.
  public var waits = TimeTally()
  public var delays = TimeTally()
  public var catalogs = TimeTally()
  public var runTimes = TimeTally()
  public var timeline = Timeline(length: 1, spans: 1)

  /// Of nothing yet.
  public init(_ scenario: Scenario) { self.init(size: scenario.pool.size, concurrency: scenario.pool.concurrency) }

  init(size: Int, concurrency: Int) {
    self.size = size
    self.concurrency = concurrency
  }

  public mutating func merge(_ other: Outcome) {
    boxes += other.boxes
    runs.merge(other.runs)
    requests += other.requests
    for cause in sheds.indices { sheds[cause] += other.sheds[cause] }
    lostWorkers += other.lostWorkers
    for (reason, restart) in other.restarts {
      restarts[reason, default: .init()].count += restart.count
      restarts[reason, default: .init()].idleSeconds += restart.idleSeconds
    }
    backOffs += other.backOffs
    putOff += other.putOff
    waits.merge(other.waits)
    delays.merge(other.delays)
    catalogs.merge(other.catalogs)
    runTimes.merge(other.runTimes)
    timeline.merge(other.timeline)
  }

  /// Of all the workers' time, what they worked.
  public var utilisation: Double { timeline.whole.workingMean / Double(max(1, size * concurrency)) }
}

/// Why a run ended without its report.
public enum RunFailure: Int, Hashable, Sendable, CaseIterable {
  /// An old agent, at a 503.
  case refused
  /// It was told to come back until its time was over.
  case gaveUp
  /// Its worker ended under it, and it was not asked again.
  case lost
  /// A request passed the request timeout.
  case timedOut

  /// As in JSON.
  public var name: String {
    switch self {
    case .refused: "refused"
    case .gaveUp: "gave_up"
    case .lost: "lost"
    case .timedOut: "timed_out"
    }
  }
}

extension Outcome.Runs {
  public var failedTotal: Int { failed.reduce(0, +) }

  mutating func merge(_ other: Outcome.Runs) {
    started += other.started
    finished += other.finished
    for cause in failed.indices { failed[cause] += other.failed[cause] }
    underWay += other.underWay
    toldToComeBack += other.toldToComeBack
    missed += other.missed
  }
}
