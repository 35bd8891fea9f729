import Pool
import Seeded

/// A worker's process as it is.
struct Process {
  var isUp = false
  var isHung = false
  var ignoresTerm = false
  /// Somebody has signalled it.
  var isEnding = false
  /// Never gets ready; was never more than an attempt.
  var isMute = false
  var isUnborn = false
  var memory = 0
  /// MiB a second, and KiB a request.
  var growth = 0
  var perRequest = 0
  var requests = 0
  let started: Instant
}

/// What the supervisor would do.
extension World {
  func feed(_ event: PoolEvent) {
    guard breach == nil else { return }
    guard !isAlone else { return hearLater(event) }
    let before = Before(self)
    let effects = machine.handle(event, at: now, using: &chance)
    trail.note(event, effects, at: now)
    for effect in effects { obey(effect) }
    if !isCatchingUp { checkPromises(event, effects, before) }
    let next = machine.nextDeadline
    if next != alarm, let next { agenda.add(.tick, at: next) }
    alarm = next
  }

  private func obey(_ effect: PoolEffect) {
    switch effect {
    case .start(let id): start(id)
    case .admit(let id):
      demand(processes[id]?.isUp == true, .signalsTheLiving, "\(id) is admitted and does not run")
      serving.insert(id)
      take(ledger.admit(id, at: .tcp(port: 1), at: now).grants)
    case .drain(let id):
      serving.remove(id)
      report(ledger.drain(id).reports)
    case .retire(let id): retire(id)
    case .terminate(let id): terminate(id)
    case .kill(let id): kill(id)
    case .wipe(let id, _):
      demand(processes[id] == nil, .wipesOnce, "\(id) is wiped while it runs")
      demand(unwiped.insert(id).inserted, .wipesOnce, "\(id) is wiped twice")
      agenda.add(.wiped(id, life: life), after: .milliseconds(Int.random(in: 1...900, using: &chance)))
    case .backOff(_, _, let delay, _):
      demand(delay > .zero && delay <= BackOff.longest, .hasAnExit, "a back-off of \(delay)")
    case .decided: break
    case .finished: finishes += 1
    }
  }

  private func start(_ id: WorkerID) {
    demand(ever.insert(id).inserted, .startsOnce, "\(id) is started again")
    // Each from its own source, so that a shorter plan's workers are like those of the whole one.
    var fate = SeededGenerator(
      seed: plan.seed ^ UInt64(id.slot.index) << 32 ^ UInt64(id.generation.rawValue) &* 0x9e37_79b9)
    var process = Process(started: now)
    process.memory = Int.random(in: 30...60, using: &fate) << 10
    process.perRequest = Int.random(in: 0...700, using: &fate)
    let kind = trouble.flatMap { $0.until > now ? $0.kind : nil }
    process.ignoresTerm = kind == .ignoresTerm || Int.random(in: 0..<20, using: &fate) == 0
    process.isMute = kind == .neverReady
    process.isUnborn = kind == .noProgram
    processes[id] = process
    let timeout = machine.policy.ready.timeout
    switch kind {
    case .noProgram: agenda.add(.startFailed(id, life: life), after: .zero)
    case .neverReady: agenda.add(.notReady(id, life: life), after: timeout)
    case .diesEarly:
      agenda.add(.dies(id, .exited(status: 1)), after: .milliseconds(Int.random(in: 1...3000, using: &fate)))
    case .slow: agenda.add(.ready(id), after: timeout.scaled(by: Double.random(in: 0.5...0.99, using: &fate)))
    case .ignoresTerm, nil: agenda.add(.ready(id), after: .milliseconds(Int.random(in: 20...2000, using: &fate)))
    }
  }

  func becomesReady(_ id: WorkerID) {
    guard let process = processes[id], !process.isEnding else { return }
    processes[id]?.isUp = true
    feed(.becameReady(id))
  }

  func kill(_ id: WorkerID) {
    demand(processes[id] != nil || departed.contains(id), .signalsTheLiving, "\(id) is killed and does not run")
    processes[id]?.isEnding = true
    agenda.add(.dies(id, .signalled(9)), after: .milliseconds(5))
  }

  func terminate(_ id: WorkerID) {
    guard let process = processes[id] else {
      return demand(departed.contains(id), .signalsTheLiving, "\(id) is ended and does not run")
    }
    processes[id]?.isEnding = true
    guard !process.ignoresTerm, !process.isHung else { return }
    agenda.add(.dies(id, .exited(status: 0)), after: .milliseconds(Int.random(in: 1...1500, using: &chance)))
  }

  func die(_ id: WorkerID, _ how: Measurement) {
    guard processes.removeValue(forKey: id) != nil else { return }
    serving.remove(id)
    breakClaims(on: id)
    feed(.exited(id, how))
  }

  /// Its requests are taken from it, and the ledger forgets it.
  func retire(_ id: WorkerID) {
    serving.remove(id)
    _ = ledger.retire(id)
    breakClaims(on: id)
    let isKnown = ledger.workerCounters.contains { $0.worker == id }
    demand(!isKnown, .losesNoClaim, "the ledger still has \(id)")
  }

  func report(_ reports: [ProxyReport]) {
    for report in reports {
      if case .drained(let id) = report { agenda.add(.drained(id, life: life), after: .milliseconds(1)) }
    }
  }

  // MARK: Once a second

  func passSecond() {
    seconds += 1
    agenda.add(.second, after: .seconds(1))
    for id in processes.keys.sorted() { sample(id) }
    if seconds % 5 == 0, !isAlone { probeIdle() }
    let places = serving.count * concurrency
    let busy = agents.count { $0.isBusy }
    let load = places == 0 ? (busy == 0 ? 0 : 100) : busy * 100 / places
    lastLoad = load
    feed(.load(percent: load))
    checkClaims()
  }

  func sample(_ id: WorkerID) {
    guard let process = processes[id] else { return }
    processes[id]?.memory += process.growth << 10
    guard !isAlone else { return }
    let memory = ByteCount.kibibytes(process.memory + process.growth << 10)
    samples[id] = memory
    if process.isUp, births[id] == nil { births[id] = memory }
    feed(.sampled(id, memory: memory))
    if process.requests > 0 { feed(.served(id, requests: process.requests)) }
  }

  private func probeIdle() {
    for id in serving.sorted() where !held.contains(id.slot.index) {
      guard ledger.reserve(id).reports == [.reserved(id)] else { continue }
      let isHung = processes[id]?.isHung == true
      take(ledger.release(id, at: now).grants)
      feed(.probed(id, passed: !isHung))
    }
  }

  // MARK: Acts

  func act(_ kind: Act.Kind) {
    // Nobody is there to be asked.
    guard !isAlone || kind.isOfItself else { return }
    switch kind {
    case .supervisorDies(let milliseconds): loseSupervisor(for: .milliseconds(milliseconds))
    case .crash(let slot): newest(in: slot).map { die($0, .signalled(11)) }
    case .hang(let slot): newest(in: slot).map { processes[$0]?.isHung = true }
    case .leak(let slot, let mebibytes): newest(in: slot).map { processes[$0]?.growth = mebibytes }
    case .outOfMemory:
      processes.max { ($0.value.memory, $0.key) < ($1.value.memory, $1.key) }.map { die($0.key, .outOfMemory) }
    case .everybodyCrashes: for id in processes.keys.sorted() { die(id, .signalled(9)) }
    case .trouble(let kind, let seconds): trouble = (kind, now + .seconds(seconds))
    case .restart(let slot, let reason): feed(.restart(slot: slot, reason))
    case .hold(let slot):
      guard machine.slots.contains(where: { $0.id.index == slot }) else { return }
      held.insert(slot)
      for id in serving where id.slot.index == slot { serving.remove(id) }
      feed(.hold(slot: slot))
    case .release(let slot):
      held.remove(slot)
      feed(.release(slot: slot))
    case .scale(let size): feed(.scale(size))
    case .reconfigure(let number): reconfigure(number)
    case .everyOnly(let seconds):
      isRewound = true
      var policy = machine.policy
      policy.recycle.every = .seconds(seconds)
      feed(.reconfigure(policy))
    case .shutdown(let seconds):
      feed(.shutdown)
      agenda.add(.wanted, after: .seconds(seconds))
    case .offset(let seconds):
      wall = WallClock(
        at: now, seconds: wall.seconds + (now - wall.at).wholeNanoseconds / 1_000_000_000, offset: Int64(seconds))
      feed(.clock(wall))
    case .echo:
      for id in unwiped.sorted() + ever.sorted().prefix(3) where processes[id] == nil {
        for event in [.exited(id, .signalled(9)), .becameReady(id), .drained(id)] as [PoolEvent] { feed(event) }
        if !unwiped.contains(id) { feed(.wiped(id)) }
      }
    case .crowd(let count): for _ in 0..<count { addAgent(times: 3) }
    }
  }

  private func reconfigure(_ number: UInt64) {
    isRewound = true
    var source = SeededGenerator(seed: number)
    var policy = Plan.policy(using: &source)
    policy.concurrency = concurrency
    feed(.reconfigure(policy))
  }

  private func newest(in slot: Int) -> WorkerID? {
    processes.keys.filter { $0.slot.index == slot }.max()
  }
}
