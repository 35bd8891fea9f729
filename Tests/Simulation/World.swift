import Pool
import Seeded
import Simulator

/// A pool on a fake clock: the machine that governs it, the ledger that gives its workers to requests, and around them
/// what the supervisor and the proxy would be, with processes and agents that misbehave as a plan says.
final class World {
  static let pool = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()

  enum Happening {
    case tick
    case ready(WorkerID)
    case dies(WorkerID, Measurement)
    // What a supervisor is about ends with it: `life` says whose this is.
    case notReady(WorkerID, life: Int)
    case startFailed(WorkerID, life: Int)
    case wiped(WorkerID, life: Int)
    case drained(WorkerID, life: Int)
    case goneUnseen(WorkerID, life: Int)
    case takesOver(Int)
    case catchesUp(Int)
    case second
    case act(Int)
    case wanted
    case asks(Int)
    case answered(Int, serial: UInt32)
    case timesOut(Int, serial: UInt32)
    case overdue(Int, serial: UInt32)
  }

  let plan: Plan
  var chance: SeededGenerator
  var agenda = Agenda<Happening>()
  var machine: PoolMachine
  var ledger: ClaimLedger
  let concurrency: Int
  var trail = Trail()
  /// The first promise that was broken.
  var breach: Breach?
  var eventCount = 0

  // The supervisor's side.
  var processes: [WorkerID: Process] = [:]
  var ever: Set<WorkerID> = []
  var unwiped: Set<WorkerID> = []
  var serving: Set<WorkerID> = []
  var held: Set<Int> = []
  var samples: [WorkerID: ByteCount] = [:]
  var births: [WorkerID: ByteCount] = [:]
  var alarm: Instant?
  private var lastTick: Instant?
  /// At the same moment.
  private(set) var ticksInARow = 0
  var finishes = 0
  var seconds = 0
  /// As the machine was told.
  var lastLoad: Int?
  var trouble: (kind: Act.Trouble, until: Instant)?
  var wall: WallClock
  /// The most timers that there were at once, and whether they were wound anew.
  var mostTimers = 1
  var isRewound = false
  var isCalm = false
  var isEnding = false
  /// The supervisor's number, and whether there is none at all at the moment.
  var life = 0
  var isAlone = false
  var isCatchingUp = false
  /// What the proxy has to tell to the next one.
  var unheard: [WorkerID: PoolEvent] = [:]
  /// Died meanwhile, which the next one has not noticed yet.
  var departed: Set<WorkerID> = []

  // The agents' side.
  var agents: [Agent] = []
  var asked = 0
  var ended = 0

  init(_ plan: Plan) {
    self.plan = plan
    chance = SeededGenerator(seed: plan.seed ^ 0x5eed)
    concurrency = Int.random(in: 1...2, using: &chance)
    var policy = plan.policy
    policy.concurrency = concurrency
    machine = PoolMachine(name: Self.pool, policy: policy)
    ledger = ClaimLedger(pools: [
      ProxiedPool(
        name: Self.pool, concurrency: concurrency,
        queue: QueuePolicy(limit: 8, ceiling: 30, timeout: .seconds(10)), requestTimeout: policy.requestTimeout)
    ])
    wall = WallClock(
      at: agenda.now, seconds: 1_790_000_000 + Int64.random(in: 0..<604_800, using: &chance), offset: 3600)
    mostTimers = policy.size
  }

  var now: Instant { agenda.now }

  /// Until the plan is over, all is well again and everything has ended; or until a promise is broken.
  func live() {
    for index in plan.acts.indices { agenda.add(.act(index), after: plan.acts[index].at) }
    agenda.add(.second, after: .seconds(1))
    for _ in 0..<plan.agents { addAgent() }
    feed(.clock(wall))
    feed(.start)
    run(until: now + plan.length) { _ in false }
    calmDown()
    run(until: now + .seconds(3600)) { $0.isWhole }
    demand(isWhole, .recovers, "\(machine.readyCount) of \(machine.policy.size) ready, \(busyAgents) requests left")
    isEnding = true
    finishes = 0
    feed(.shutdown)
    run(until: now + .seconds(600)) { $0.finishes > 0 && $0.busyAgents == 0 }
    demand(finishes == 1, .ends, "\(finishes) times finished")
    demand(processes.isEmpty && unwiped.isEmpty, .ends, "\(processes.keys.sorted()) \(unwiped.sorted()) are left")
    demand(asked == ended, .losesNoClaim, "\(asked) requests, \(ended) ended")
  }

  private func run(until end: Instant, _ isDone: (World) -> Bool) {
    while breach == nil, now < end, !isDone(self), let happening = agenda.next() { happen(happening) }
  }

  private func calmDown() {
    takeOver()
    isCalm = true
    trouble = nil
    for slot in held { feed(.release(slot: slot)) }
    held = []
    for id in processes.keys { processes[id]?.growth = 0 }
  }

  private var isWhole: Bool {
    machine.readyCount >= machine.policy.size && busyAgents == 0
      && machine.slots.allSatisfy { $0.isWanted || $0.isEmpty }
  }

  private func happen(_ happening: Happening) {
    eventCount += 1
    switch happening {
    case .tick:
      if alarm == now {
        ticksInARow = alarm == lastTick ? ticksInARow + 1 : 0
        lastTick = alarm
        alarm = nil
        feed(.tick)
      }
    case .ready(let id): becomesReady(id)
    case .dies(let id, let how): die(id, how)
    case .notReady(let id, life): if processes[id]?.isUp == false { feed(.notReady(id, "no answer")) }
    case .startFailed(let id, life):
      if processes.removeValue(forKey: id) != nil { feed(.startFailed(id, "no program")) }
    case .wiped(let id, life):
      demand(unwiped.remove(id) != nil, .wipesOnce, "\(id) was not to be wiped")
      samples[id] = nil
      births[id] = nil
      feed(.wiped(id))
    case .drained(let id, life): feed(.drained(id))
    case .goneUnseen(let id, life):
      departed.remove(id)
      feed(.exited(id, .vanished))
    case .notReady, .startFailed, .wiped, .drained, .goneUnseen: break
    case .takesOver(let number): if number == life { takeOver() }
    case .catchesUp(let number): if number == life, isCatchingUp { catchUp() }
    case .second: passSecond()
    case .act(let index): if !isCalm { act(plan.acts[index].kind) }
    case .wanted:
      if isAlone { agenda.add(.wanted, after: .seconds(1)) } else if !isEnding { feed(.reconfigure(machine.policy)) }
    case .asks(let agent): ask(agent)
    case .answered(let agent, let serial): answer(agent, serial)
    case .timesOut(let agent, let serial): timeOut(agent, serial)
    case .overdue(let agent, let serial): overdue(agent, serial)
    }
  }

  func demand(_ holds: Bool, _ promise: Promise, _ what: @autoclosure () -> String) {
    guard !holds, breach == nil else { return }
    breach = Breach(promise: promise, what: what(), at: now)
  }
}
