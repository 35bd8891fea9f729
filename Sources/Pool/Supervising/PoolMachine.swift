/// The state of one pool's slots and the rules by which they change: events in, effects out, no clock, no chance and
/// no process of its own.
///
/// News of a worker that is no longer there, or that its state has no use for, is dropped.
public struct PoolMachine: Sendable {
  public let name: PoolName
  public internal(set) var policy: PoolPolicy
  /// In index order. A scaled-away slot stays, empty and unwanted, so that its generations are never counted anew.
  public internal(set) var slots: [Slot] = []
  var isShuttingDown = false
  var isHurrying = false
  var hasFinished = false
  /// It does not know yet what has become of those that it remembers: nobody is started or sent away by it.
  var isCatchingUp = false
  /// What its processes hold that are no workers.
  var otherMemory = ByteCount(bytes: 0)
  /// In percent; nil: nobody serves.
  var load: Int?
  var clock: WallClock?

  /// After a shutdown: every slot is empty.
  public var isFinished: Bool { hasFinished }

  public init(name: PoolName, policy: PoolPolicy) {
    self.name = name
    self.policy = policy
  }

  public var readyCount: Int { slots.reduce(0) { $0 + ($1.isHeld || $1.incumbent == nil ? 0 : 1) } }

  /// The effects of one event, in the order in which they are to be carried out.
  public mutating func handle(
    _ event: PoolEvent, at now: Instant, using random: inout some RandomNumberGenerator
  ) -> [PoolEffect] {
    var effects: [PoolEffect] = []
    switch event {
    case .start: resize(to: policy.size)
    case .becameReady(let id): becameReady(id, at: now, using: &random, &effects)
    case .notReady(let id, let why): notReady(id, why, at: now, &effects)
    case .startFailed(let id, let why): startFailed(id, why, at: now, using: &random, &effects)
    case .exited(let id, let how): exited(id, how, at: now, using: &random, &effects)
    case .wiped(let id): wiped(id)
    case .drained(let id): drained(id, at: now, &effects)
    case .sampled(let id, let memory, let share): sampled(id, memory, share ?? memory, at: now, &effects)
    case .sampledOthers(let memory): otherMemory = memory
    case .load(let percent): load = percent
    case .clock(let clock): self.clock = clock
    case .served(let id, let requests): served(id, requests, at: now)
    case .overdue(let id, let age): stuck(id, age, limit: policy.requestTimeout, at: now, &effects)
    case .stuck(let id, let age, let limit): stuck(id, age, limit: limit, at: now, &effects)
    case .probed(let id, let passed): probed(id, passed: passed, at: now, &effects)
    case .restart(let slot, let reason): restart(slot: slot, reason, at: now)
    case .forget(let slot, let reason): forget(reason, slot: slot)
    case .hold(let slot): setHeld(true, slot: slot, &effects)
    case .release(let slot): setHeld(false, slot: slot, &effects)
    case .scale(let size): resize(to: size)
    case .reconfigure(let policy): reconfigure(policy, at: now, using: &random)
    case .shutdown: shutDown()
    case .hurry: hurry(at: now)
    case .caughtUp: isCatchingUp = false
    case .tick: break
    }
    meetDeadlines(at: now, &effects)
    if !isCatchingUp { govern(at: now, &effects) }
    finishIfEmpty(&effects)
    return effects
  }

  /// When `tick` is next due; nil: never.
  public var nextDeadline: Instant? {
    slots.flatMap { slot in
      slot.workers.compactMap { worker in
        switch worker.state {
        case .starting, .wiping: nil
        case .ready(_, let due): worker.pending == nil ? due : worker.pending?.hindrance?.until
        case .draining(_, _, let deadline): deadline
        case .stopping(_, let killAt, let killed): killed ? nil : killAt
        }
      } + (slot.isWanted ? [slot.backOff.until].compactMap { $0 } : [])
    }.min()
  }

  // MARK: Birth

  private mutating func becameReady(
    _ id: WorkerID, at now: Instant, using random: inout some RandomNumberGenerator, _ effects: inout [PoolEffect]
  ) {
    guard let place = find(id), slots[place.slot].workers[place.worker].state == .starting else { return }
    slots[place.slot].workers[place.worker].state = .ready(
      since: now, due: due(for: slots[place.slot], at: now, using: &random))
    effects.append(.admit(id))
    // Admitted held workers are drained again at once: the proxy knows them, and gives them nothing.
    if slots[place.slot].isHeld { effects.append(.drain(id)) }
    for index in slots[place.slot].workers.indices.prefix(place.worker) {
      guard slots[place.slot].workers[index].isReady else { continue }
      let why = slots[place.slot].workers[index].pending
      drain(
        slot: place.slot, worker: index,
        Departure(reason: why?.reason ?? .manual, measurement: why?.measurement), at: now, &effects)
    }
  }

  private mutating func notReady(_ id: WorkerID, _ why: String, at now: Instant, _ effects: inout [PoolEffect]) {
    guard let place = find(id), slots[place.slot].workers[place.worker].state == .starting else { return }
    stop(
      slot: place.slot, worker: place.worker, Departure(reason: .unhealthy, measurement: .notReady(why)), at: now,
      &effects)
  }

  private mutating func startFailed(
    _ id: WorkerID, _ why: String, at now: Instant, using random: inout some RandomNumberGenerator,
    _ effects: inout [PoolEffect]
  ) {
    guard let place = find(id) else { return }
    slots[place.slot].workers.remove(at: place.worker)
    backOff(slot: place.slot, served: nil, why: why, at: now, using: &random, &effects)
  }

  // MARK: Reasons to go

  private mutating func sampled(
    _ id: WorkerID, _ memory: ByteCount, _ share: ByteCount, at now: Instant, _ effects: inout [PoolEffect]
  ) {
    guard let place = find(id) else { return }
    note(share, of: place)
    if let limit = policy.recycle.memoryLimit, memory > limit {
      cutOff(
        slot: place.slot, worker: place.worker,
        Departure(reason: .memoryLimit, measurement: .memory(memory, limit: limit)), now: now, killing: true, &effects
      )
    } else if let limit = policy.recycle.memory, memory > limit {
      ask(for: place, .memory, .memory(memory, limit: limit), at: now)
    }
    relieve(at: now)
  }

  private mutating func served(_ id: WorkerID, _ requests: Int, at now: Instant) {
    guard let limit = policy.recycle.requests, requests >= limit, let place = find(id) else { return }
    ask(for: place, .requests, .requests(requests, limit: limit), at: now)
  }

  private mutating func stuck(
    _ id: WorkerID, _ age: Duration, limit: Duration, at now: Instant, _ effects: inout [PoolEffect]
  ) {
    guard let place = find(id) else { return }
    cutOff(
      slot: place.slot, worker: place.worker,
      Departure(reason: .stuck, measurement: .requestAge(age, limit: limit)), now: now,
      killing: false, &effects)
  }

  /// It has not passed its probe yet.
  public func isStarting(_ id: WorkerID) -> Bool {
    find(id).map { slots[$0.slot].workers[$0.worker].state == .starting } ?? false
  }

  /// One more failed probe ends it.
  public func isLastFailure(of id: WorkerID) -> Bool {
    guard let place = find(id) else { return false }
    let worker = slots[place.slot].workers[place.worker]
    return worker.isReady && worker.failedProbes + 1 >= policy.alive.failures
  }

  private mutating func probed(_ id: WorkerID, passed: Bool, at now: Instant, _ effects: inout [PoolEffect]) {
    guard let place = find(id), slots[place.slot].workers[place.worker].isReady else { return }
    guard !passed else {
      slots[place.slot].workers[place.worker].failedProbes = 0
      return
    }
    slots[place.slot].workers[place.worker].failedProbes += 1
    let failed = slots[place.slot].workers[place.worker].failedProbes
    guard failed >= policy.alive.failures else { return }
    cutOff(
      slot: place.slot, worker: place.worker,
      Departure(reason: .unhealthy, measurement: .failedProbes(failed, limit: policy.alive.failures)), now: now,
      killing: false, &effects)
  }

  private mutating func restart(slot wanted: Int?, _ reason: RecycleReason, at now: Instant) {
    for index in slots.indices where wanted == nil || slots[index].id.index == wanted {
      // The operator's word is also an end to waiting.
      slots[index].backOff.clear()
      for worker in slots[index].workers.indices {
        ask(for: Place(slot: index, worker: worker), reason, nil, at: now)
      }
    }
  }

  private mutating func forget(_ reason: RecycleReason, slot wanted: Int) {
    for index in slots.indices where slots[index].id.index == wanted {
      for worker in slots[index].workers.indices where slots[index].workers[worker].pending?.reason == reason {
        slots[index].workers[worker].pending = nil
      }
    }
  }

  /// Noted, for the governor to allow. What an operator asks for is not put off for a planned reason, however urgent.
  mutating func ask(for place: Place, _ reason: RecycleReason, _ measurement: Measurement?, at now: Instant) {
    guard slots[place.slot].workers[place.worker].isOnDuty else { return }
    var asked = PendingRecycle(reason: reason, measurement: measurement, since: now)
    if let earlier = slots[place.slot].workers[place.worker].pending {
      asked.urgency = max(earlier.urgency, asked.urgency)
      let isMore =
        earlier.reason.isPlanned == reason.isPlanned
        ? reason.urgency > earlier.reason.urgency : earlier.reason.isPlanned
      guard isMore else {
        slots[place.slot].workers[place.worker].pending?.urgency = asked.urgency
        return
      }
    }
    slots[place.slot].workers[place.worker].pending = asked
  }

  private mutating func setHeld(_ held: Bool, slot index: Int, _ effects: inout [PoolEffect]) {
    guard let slot = slots.firstIndex(where: { $0.id.index == index }), slots[slot].isHeld != held else { return }
    slots[slot].isHeld = held
    for worker in slots[slot].workers where worker.isReady {
      let id = slots[slot].id(of: worker)
      effects.append(held ? .drain(id) : .admit(id))
    }
  }

  // MARK: Size and end

  mutating func resize(to size: Int) {
    guard !isShuttingDown else { return }
    policy.size = max(0, size)
    for index in slots.indices { slots[index].isWanted = slots[index].id.index < policy.size }
    let next = (slots.last?.id.index ?? -1) + 1
    for index in next..<max(next, policy.size) {
      slots.append(Slot(id: SlotID(pool: name, index: index)))
    }
  }

  private mutating func shutDown() {
    isShuttingDown = true
    for index in slots.indices { slots[index].isWanted = false }
  }

  /// The operator is out of patience: drains end now, and SIGKILL is not far behind SIGTERM.
  private mutating func hurry(at now: Instant) {
    shutDown()
    isHurrying = true
    for slot in slots.indices {
      for worker in slots[slot].workers.indices {
        switch slots[slot].workers[worker].state {
        case .draining(let departure, let since, _):
          slots[slot].workers[worker].state = .draining(departure, since: since, deadline: now)
        case .stopping(let departure, let killAt, let killed):
          slots[slot].workers[worker].state = .stopping(
            departure, killAt: min(killAt, now + Self.hurriedTerminate), killed: killed)
        case .starting, .ready, .wiping: break
        }
      }
    }
  }

  private mutating func finishIfEmpty(_ effects: inout [PoolEffect]) {
    guard isShuttingDown, !hasFinished, slots.allSatisfy(\.isEmpty) else { return }
    hasFinished = true
    effects.append(.finished)
  }

  // MARK: Finding

  struct Place {
    let slot: Int
    let worker: Int
  }

  func find(_ id: WorkerID) -> Place? {
    guard id.pool == name, let slot = slots.firstIndex(where: { $0.id == id.slot }),
      let worker = slots[slot].workers.firstIndex(where: { $0.generation == id.generation })
    else { return nil }
    return Place(slot: slot, worker: worker)
  }
}
