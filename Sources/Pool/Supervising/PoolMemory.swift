/// What a pool's machine knows, as it is written down for the supervisor that comes after this one. Another version may
/// have written it or may read it: what it has that we do not know is passed over, and what it lacks has a value here.
public struct PoolMemory: Hashable, Sendable, Codable {
  public var size: Int
  public var isShuttingDown: Bool?
  public var slots: [SlotMemory]
}

public struct SlotMemory: Hashable, Sendable, Codable {
  public var index: Int
  public var lastGeneration: Int
  public var workers: [WorkerMemory]
  public var isHeld: Bool?
  public var isWanted: Bool?
  /// Of its back-off.
  public var failures: Int?
  public var noStartBefore: Instant?
}

public struct WorkerMemory: Hashable, Sendable, Codable {
  public var generation: Int
  /// As `WorkerState.name`.
  public var state: String
  public var started: Instant
  /// Of the state: ready or draining since, the timer's end, the drain's, or when SIGKILL comes.
  public var since: Instant?
  public var due: Instant?
  public var killed: Bool?
  public var departure: DepartureMemory?
  public var pending: PendingMemory?
  public var failedProbes: Int?
  /// Its part of the budget, now and when it got ready.
  public var memory: ByteCount?
  public var memoryAtBirth: ByteCount?
}

public struct DepartureMemory: Hashable, Sendable, Codable {
  public var reason: RecycleReason
  public var measurement: Measurement?
  public var drained: Duration?

  init(reason: RecycleReason, measurement: Measurement?, drained: Duration? = nil) {
    self.reason = reason
    self.measurement = measurement
    self.drained = drained
  }

  enum CodingKeys: String, CodingKey { case reason, measurement, drained }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    // Words that another version has for what we call otherwise.
    reason = (try? fields.decode(RecycleReason.self, forKey: .reason)) ?? .reload
    measurement = try? fields.decodeIfPresent(Measurement.self, forKey: .measurement)
    drained = try? fields.decodeIfPresent(Duration.self, forKey: .drained)
  }
}

/// What another version says in words of its own is made out anew by the governor.
public struct PendingMemory: Hashable, Sendable, Codable {
  public var asked: DepartureMemory
  public var since: Instant
  public var urgency: Int?
  public var hindrance: Hindrance?
  public var told: Set<Hindrance.Kind>?

  enum CodingKeys: String, CodingKey { case asked, since, urgency, hindrance, told }

  init(_ pending: PendingRecycle) {
    asked = DepartureMemory(reason: pending.reason, measurement: pending.measurement)
    since = pending.since
    urgency = pending.urgency
    hindrance = pending.hindrance
    told = pending.told
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    asked = try fields.decode(DepartureMemory.self, forKey: .asked)
    since = try fields.decode(Instant.self, forKey: .since)
    urgency = try? fields.decodeIfPresent(Int.self, forKey: .urgency)
    hindrance = try? fields.decodeIfPresent(Hindrance.self, forKey: .hindrance)
    told = try? fields.decodeIfPresent(Set<Hindrance.Kind>.self, forKey: .told)
  }

  fileprivate var recycle: PendingRecycle {
    var recycle = PendingRecycle(reason: asked.reason, measurement: asked.measurement, since: since)
    if let urgency { recycle.urgency = urgency }
    recycle.hindrance = hindrance
    recycle.told = told ?? []
    return recycle
  }
}

extension PoolMachine {
  public var memory: PoolMemory {
    PoolMemory(size: policy.size, isShuttingDown: isShuttingDown, slots: slots.map(SlotMemory.init))
  }

  /// A machine that goes on where the other has stopped. Nothing is done by that: what the workers' states ask for is
  /// the edge's to see to, and what has happened since is told as events, with `caughtUp` as the last.
  public init(name: PoolName, policy: PoolPolicy, remembering memory: PoolMemory) {
    self.init(name: name, policy: policy)
    self.policy.size = max(0, memory.size)
    isShuttingDown = memory.isShuttingDown ?? false
    isCatchingUp = true
    // Busy until told otherwise, so that no quiet moment is seen in ignorance.
    load = 100
    slots = memory.slots.sorted { $0.index < $1.index }.map { Slot($0, in: name) }
  }
}

extension SlotMemory {
  fileprivate init(_ slot: Slot) {
    self.init(
      index: slot.id.index, lastGeneration: slot.lastGeneration.rawValue,
      workers: slot.workers.map(WorkerMemory.init),
      isHeld: slot.isHeld, isWanted: slot.isWanted, failures: slot.backOff.failures,
      noStartBefore: slot.backOff.until)
  }
}

extension Slot {
  fileprivate init(_ memory: SlotMemory, in pool: PoolName) {
    self.init(id: SlotID(pool: pool, index: memory.index))
    workers = memory.workers.map(Worker.init)
    let latest = ([memory.lastGeneration] + memory.workers.map(\.generation)).max() ?? 0
    lastGeneration = Generation(rawValue: latest)
    isHeld = memory.isHeld ?? false
    isWanted = memory.isWanted ?? true
    backOff = BackOff(failures: memory.failures ?? 0, until: memory.noStartBefore)
  }
}

extension WorkerMemory {
  fileprivate init(_ worker: Worker) {
    self.init(generation: worker.generation.rawValue, state: worker.state.name, started: worker.started)
    switch worker.state {
    case .starting: break
    case .ready(let since, let due): (self.since, self.due) = (since, due)
    case .draining(let departure, let since, let deadline):
      (self.departure, self.since, due) = (DepartureMemory(departure), since, deadline)
    case .stopping(let departure, let killAt, let killed):
      (self.departure, due, self.killed) = (DepartureMemory(departure), killAt, killed)
    case .wiping(let departure): self.departure = DepartureMemory(departure)
    }
    pending = worker.pending.map(PendingMemory.init)
    failedProbes = worker.failedProbes
    memory = worker.memory
    memoryAtBirth = worker.memoryAtBirth
  }

  fileprivate var workerState: WorkerState {
    let going = Departure(
      reason: departure?.reason ?? .reload, measurement: departure?.measurement, drained: departure?.drained)
    return switch state {
    case "starting": .starting
    case "ready": .ready(since: since ?? started, due: due)
    case "draining": .draining(going, since: since ?? started, deadline: due ?? started)
    case "wiping": .wiping(going)
    // A state that we have no word for is none to serve in.
    default: .stopping(going, killAt: due ?? started, killed: killed ?? false)
    }
  }
}

extension Worker {
  fileprivate init(_ memory: WorkerMemory) {
    self.init(
      generation: Generation(rawValue: memory.generation), state: memory.workerState, started: memory.started)
    failedProbes = memory.failedProbes ?? 0
    pending = memory.pending?.recycle
    self.memory = memory.memory
    memoryAtBirth = memory.memoryAtBirth
  }
}

extension DepartureMemory {
  fileprivate init(_ departure: Departure) {
    self.init(reason: departure.reason, measurement: departure.measurement, drained: departure.drained)
  }
}
