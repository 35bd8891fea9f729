import Pool
import Simulation
import Simulator
import Testing

/// A few thousand agents that all come at once, on a fake clock, as Puppet's agents behave: old ones fail at a 503,
/// new ones come back when they are told to.
@Suite struct HerdSimulationTests {
  /// Beside agents that are told a random time, as is usual.
  @Test(arguments: [1, 2]) func aScheduleFlattensWhatChanceDoesNot(_ seed: UInt64) {
    let (scheduled, random) = (outcome(seed, .scheduled), outcome(seed, .random))
    for outcome in [scheduled, random] {
      #expect(outcome.finished + outcome.failed == Herd.agents)
      #expect(outcome.refusedMidRun == 0)
    }
    // All are served, the old ones too.
    #expect(scheduled.failed == 0)
    // The line holds the limit, the old agents beyond it, and those that come to their places in the meantime.
    #expect(scheduled.longestLine < 2 * (Herd.queue.limit + scheduled.old), "\(scheduled.longestLine)")

    #expect(scheduled.repeats * 2 < random.repeats, "\(scheduled.repeats), by chance \(random.repeats)")
    #expect(scheduled.peak * 2 < random.peak, "\(scheduled.peak), by chance \(random.peak)")
    #expect(scheduled.lastQuantile < random.lastQuantile * 1.1)
    // The workers are not kept waiting for the herd either: the whole takes little longer than its work.
    #expect(scheduled.lastQuantile < scheduled.work * 1.15, "\(scheduled.lastQuantile) for \(scheduled.work)")
  }

  @Test func theSameSeedGivesTheSameHerd() {
    #expect(outcome(7, .scheduled) == outcome(7, .scheduled))
  }

  private func outcome(_ seed: UInt64, _ manner: Herd.Manner) -> Herd.Outcome {
    var herd = Herd(seed: seed, manner)
    herd.run()
    return herd.outcome
  }
}

private struct Herd {
  enum Manner { case scheduled, random }

  struct Outcome: Hashable {
    var finished = 0
    /// Refused, and could not retry; or gave up after an hour.
    var failed = 0
    /// Refusals of who was refused before.
    var repeats = 0
    /// Agents that cannot retry.
    var old = 0
    var refusedMidRun = 0
    var longestLine = 0
    /// New runs that came in the fullest ten seconds, once the first crowd is over.
    var peak = 0
    /// Seconds from the start until 99 of 100 had their run.
    var lastQuantile = 0.0
    /// Seconds that the workers would take for all of it without a pause.
    var work = 0.0
  }

  static let agents = 2000
  static let workers = 8
  static let queue = QueuePolicy(
    limit: 100, ceiling: 1500, timeout: .seconds(60))
  /// The seconds among which chance chooses.
  static let chance = 5...120
  /// What one run asks, and for how long it keeps a worker, in milliseconds.
  static let steps: [(RoutePriority, ClosedRange<Int>)] = [
    (.file, 10...30), (.catalog, 400...2000), (.file, 5...20), (.file, 5...20), (.file, 5...20), (.report, 20...60),
  ]

  private struct Agent {
    var step = 0
    var isOld: Bool
    var wasRefused = false
    /// Another each time where nothing is to be remembered of a refusal.
    var node: UInt64
    var spot: UInt32 = 0
    var serial: UInt32 = 0
  }

  private enum Happening {
    case asks(Int)
    case answered(Int, Claim, Int)
    case timesOut(Int, UInt32)
  }

  private let manner: Manner
  private var random: Chance
  private var ledger: ClaimLedger
  private var agents: [Agent]
  private var clock = Agenda<Happening>()
  private var lastNode: UInt64 = 0
  private var finishes: [Double] = []
  private var arrivals: [Int] = []
  private(set) var outcome = Outcome()

  init(seed: UInt64, _ manner: Manner) {
    self.manner = manner
    random = Chance(seed: seed)
    let name = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()
    ledger = ClaimLedger(pools: [
      ProxiedPool(name: name, concurrency: 1, queue: Self.queue, requestTimeout: .seconds(3600))
    ])
    for slot in 0..<Self.workers {
      let worker = WorkerID(slot: SlotID(pool: name, index: slot), generation: Generation(rawValue: 1))
      _ = ledger.admit(worker, at: .tcp(port: 1), at: clock.now)
    }
    agents = []
    for index in 0..<Self.agents {
      // One in ten is older than 7.26.
      let agent = Agent(isOld: Int.random(in: 0..<10, using: &random) == 0, node: newNode())
      if agent.isOld { outcome.old += 1 }
      agents.append(agent)
      clock.add(.asks(index), after: .milliseconds(Int.random(in: 0..<5000, using: &random)))
    }
  }

  private mutating func newNode() -> UInt64 {
    lastNode += 1
    return lastNode &* 0x9e37_79b9_7f4a_7c15
  }

  mutating func run() {
    while let happening = clock.next() {
      switch happening {
      case .asks(let agent): ask(agent)
      case .answered(let agent, let claim, let work): answer(agent, claim, work)
      case .timesOut(let agent, let serial): timeOut(agent, serial)
      }
    }
    finishes.sort()
    outcome.lastQuantile = finishes.isEmpty ? .infinity : finishes[(finishes.count - 1) * 99 / 100]
    // The first ten seconds are the crowd itself, the same for all.
    outcome.peak = arrivals.dropFirst().max() ?? 0
    outcome.work /= Double(Self.workers)
  }

  private mutating func ask(_ index: Int) {
    if agents[index].step == 0 { noteArrival() }
    agents[index].serial += 1
    let agent = agents[index]
    let ticket = Ticket(loop: 0, index: UInt32(index), serial: agent.serial)
    let asker = Asker(
      ticket, node: agent.node, priority: Self.steps[agent.step].0, patience: agent.isOld ? .fails : .retries)
    switch ledger.admit(asker, to: 0, at: clock.now) {
    case .claimed(let claim): serve(index, claim)
    case .queued(let until, let spot):
      agents[index].spot = spot
      outcome.longestLine = max(outcome.longestLine, ledger.poolCounters[0].queueLength)
      clock.add(.timesOut(index, agent.serial), at: until)
    case .shed(let refusal): refused(index, refusal)
    case .unsure: Issue.record("it was said what its agent makes of a refusal")
    }
  }

  private mutating func noteArrival() {
    let slice = Int(clock.now.nanoseconds / 10_000_000_000)
    while arrivals.count <= slice { arrivals.append(0) }
    arrivals[slice] += 1
  }

  private mutating func serve(_ index: Int, _ claim: Claim) {
    let work = Int.random(in: Self.steps[agents[index].step].1, using: &random)
    clock.add(.answered(index, claim, work), after: .milliseconds(work))
  }

  private mutating func answer(_ index: Int, _ claim: Claim, _ work: Int) {
    let release = ledger.release(claim, .answered, keeping: nil, at: clock.now)
    outcome.work += Double(work) / 1000
    agents[index].serial += 1
    agents[index].step += 1
    if agents[index].step < Self.steps.count {
      clock.add(.asks(index), after: .milliseconds(Int.random(in: 5..<50, using: &random)))
    } else {
      outcome.finished += 1
      finishes.append((clock.now - Instant(nanoseconds: 0)).inSeconds)
    }
    if let grant = release.grant { serve(Int(grant.ticket.index), grant.claim) }
  }

  private mutating func timeOut(_ index: Int, _ serial: UInt32) {
    guard agents[index].serial == serial else { return }
    let ticket = Ticket(loop: 0, index: UInt32(index), serial: serial)
    guard let refusal = ledger.timeOut(ticket, at: agents[index].spot, from: 0, now: clock.now) else { return }
    refused(index, refusal)
  }

  private mutating func refused(_ index: Int, _ refusal: Refusal) {
    if agents[index].wasRefused { outcome.repeats += 1 }
    agents[index].wasRefused = true
    agents[index].serial += 1
    if agents[index].step > 0 { outcome.refusedMidRun += 1 }
    guard !agents[index].isOld, let told = refusal.retryAfter, clock.now < Instant(nanoseconds: 3600_000_000_000)
    else {
      outcome.failed += 1
      return
    }
    switch manner {
    case .scheduled: clock.add(.asks(index), after: told)
    case .random:
      agents[index].node = newNode()
      clock.add(.asks(index), after: .seconds(Int.random(in: Self.chance, using: &random)))
    }
  }
}
