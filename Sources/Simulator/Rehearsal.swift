import Pool

/// One box's life on a fake clock: the machine that governs its pool and the ledger that gives workers to requests are
/// those of production, and around them is what the supervisor and the proxy would do with workers and agents as the
/// scenario says they are.
///
/// A step is an agent's request or a worker's change, never a byte: a month takes seconds. The same seed is the same
/// life.
public struct Rehearsal: Sendable {
  enum Happening {
    /// An agent's run begins; it asks for the next of its run, or again.
    case begins(Int32)
    case asks(Int32)
    case answered(Int32, serial: UInt32)
    case timesOut(Int32, serial: UInt32)
    case overdue(Int32, serial: UInt32)
    case ready(Int32)
    case notReady(Int32)
    case drained(Int32)
    case dies(Int32, serial: UInt32)
    case wiped(Int32)
    /// It was looked at twice, and did nothing.
    case foundStuck(Int32, serial: UInt32)
    case tick
    case second
  }

  let scenario: Scenario
  let pace: Pace
  var chance: SeededGenerator
  var agenda = Agenda<Happening>()
  var outcome: Outcome
  var timeline: Timeline

  // The proxy's side.
  var ledger: ClaimLedger
  let steps: [Step]
  var agents: [Agent] = []
  let catalogStep: Int
  /// Of a trace: what each agent's catalog takes.
  let works: [Int64]?
  /// The agent's own time after its catalog, and into how many pauses it falls.
  let gap: Dealer
  let applyShare: Int64

  // The supervisor's side.
  var machine: PoolMachine
  var crew: [Crew] = []
  var crewOf: [WorkerID: Int] = [:]
  var freeCrew: [Int] = []
  /// Which process sits at which of the ledger's seats.
  var seats: [(occupant: UInt32, crew: Int)] = []
  var alarm: Instant?
  var hungCount = 0
  var seconds = 0
  /// Since when a slot has nobody who serves, and why.
  var idleSlots: [Int: (since: Int64, reason: RecycleReason)] = [:]
  let startDealer: Dealer
  let stopDealer: Dealer

  static let second: Int64 = 1_000_000_000
  /// From the supervisor to the proxy and back.
  static let linkDelay: Int64 = 1_000_000

  /// - Parameters:
  ///   - box: which of the scenario's boxes; each has its own share of chance.
  ///   - trace: these requests and no others, instead of the scenario's agents and what they ask for.
  public init(_ scenario: Scenario, box: Int = 0, agents count: Int? = nil, trace: Trace? = nil) {
    self.scenario = scenario
    works = trace.map { $0.requests.map(\.work.wholeNanoseconds) }
    pace = Pace(scenario)
    chance = SeededGenerator(
      seed: SeededGenerator.mixed(scenario.seed) ^ SeededGenerator.mixed(UInt64(box) &+ 0x51ed))
    var policy = scenario.pool
    policy.concurrency = max(1, policy.concurrency)
    machine = PoolMachine(name: Self.pool, policy: policy)
    // Ages only ever accuse a worker that does nothing, and here none ever does.
    let stuck = scenario.worker.hangs.isZero ? StuckPolicy(factor: nil) : policy.stuck
    ledger = ClaimLedger(pools: [
      ProxiedPool(
        name: Self.pool, concurrency: policy.concurrency, queue: policy.queue, requestTimeout: policy.requestTimeout,
        stuck: stuck)
    ])
    steps = Step.all(of: trace == nil ? scenario.run : RunModel(report: nil))
    gap = Dealer(scenario.run.apply)
    catalogStep = steps.firstIndex { $0.kind == .catalog } ?? 0
    applyShare = Int64(max(1, steps.count - catalogStep - 1))
    startDealer = Dealer(scenario.worker.start)
    stopDealer = Dealer(scenario.worker.stop)
    outcome = Outcome(size: policy.size, concurrency: policy.concurrency)
    timeline = Timeline(length: scenario.length.wholeNanoseconds, spans: scenario.spans)
    if let trace { engage(trace) } else { engage(count ?? scenario.agents.count) }
    // It begins at a Monday's midnight.
    feed(.clock(WallClock(at: agenda.now, seconds: 4 * 86400, offset: 0)))
    feed(.start)
    agenda.add(.second, atNanosecond: Self.second)
  }

  static let pool = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()

  var now: Int64 { agenda.now.nanoseconds }

  /// Goes on until that time after the beginning, but not past the scenario's end.
  public mutating func run(until time: Duration = .nanoseconds(Int64.max)) {
    let end = min(time, scenario.length).wholeNanoseconds
    while let happening = agenda.next(until: end) { happen(happening) }
  }

  /// What came of it, once it has run to its end.
  public func finished() -> Outcome {
    var whole = self
    whole.close()
    return whole.outcome
  }

  private mutating func close() {
    let end = scenario.length.wholeNanoseconds
    timeline.note(memory: memoryInUse(at: end))
    timeline.advance(to: end)
    outcome.runs.underWay = agents.count { $0.state != .resting }
    outcome.timeline = timeline
    outcome.sheds = ledger.poolCounters[0].sheds
    for (_, idle) in idleSlots {
      outcome.restarts[idle.reason, default: .init()].idleSeconds += seconds(since: idle.since)
    }
  }

  func seconds(since start: Int64) -> Double { Double(min(now, scenario.length.wholeNanoseconds) - start) / 1e9 }

  private mutating func happen(_ happening: Happening) {
    if now >= timeline.spanEnd { timeline.note(memory: memoryInUse(at: now)) }
    timeline.advance(to: now)
    switch happening {
    case .begins(let agent): begin(Int(agent))
    case .asks(let agent): ask(Int(agent))
    case .answered(let agent, let serial): answer(Int(agent), serial)
    case .timesOut(let agent, let serial): timeOut(Int(agent), serial)
    case .overdue(let agent, let serial): overdue(Int(agent), serial)
    case .ready(let index): becomeReady(Int(index))
    case .notReady(let index): failToStart(Int(index))
    case .drained(let index): if let id = crew[Int(index)].id { feed(.drained(id)) }
    case .dies(let index, let serial): die(Int(index), serial)
    case .wiped(let index): wiped(Int(index))
    case .foundStuck(let index, let serial): foundStuck(Int(index), serial)
    case .tick:
      if alarm == agenda.now {
        alarm = nil
        feed(.tick)
      }
    case .second: passSecond()
    }
  }
}

/// One of the requests of a run that go to a worker.
struct Step: Sendable {
  enum Kind: UInt16 { case node, file, catalog, report }

  var kind: Kind
  var dealer: Dealer
  var priority: RoutePriority

  static func all(of run: RunModel) -> [Step] {
    let file = Step(kind: .file, dealer: Dealer(run.file), priority: .file)
    var steps: [Step] = []
    if let node = run.node { steps.append(Step(kind: .node, dealer: Dealer(node), priority: .catalog)) }
    if run.files > 0 { steps += Array(repeating: file, count: RunModel.pluginRequests) }
    steps.append(Step(kind: .catalog, dealer: Dealer(run.catalog), priority: .catalog))
    steps += Array(repeating: file, count: max(0, run.files))
    if let report = run.report { steps.append(Step(kind: .report, dealer: Dealer(report), priority: .report)) }
    return steps
  }
}

/// The scenario's times in nanoseconds, and what is asked of it at every step.
struct Pace: Sendable {
  let interval: Int64
  let jitter: Int64
  let requestTimeout: Int64
  let runTimeout: Int64
  let warmUp: Int64
  let cores: Int
  let crashes: Double
  let hangs: Double
  let week: [Double]

  init(_ scenario: Scenario) {
    interval = max(1_000_000_000, scenario.agents.interval.wholeNanoseconds)
    jitter = max(0, scenario.agents.jitter.wholeNanoseconds)
    requestTimeout = max(1, scenario.pool.requestTimeout.wholeNanoseconds)
    runTimeout = scenario.agents.runTimeout.wholeNanoseconds
    warmUp = max(0, scenario.worker.warmUp.wholeNanoseconds)
    cores = max(1, scenario.cores ?? .max)
    crashes = scenario.worker.crashes.perRequest
    hangs = scenario.worker.hangs.perRequest
    week = scenario.agents.week
  }

  /// Of the traffic that there is at the week's fullest hour.
  func share(at nanoseconds: Int64) -> Double {
    week[Int(nanoseconds / 3_600_000_000_000 % Int64(max(1, week.count)))]
  }
}
