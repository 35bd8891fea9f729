import Glibc
import Pool

/// What operators ask for: status, events, commands.
extension Supervisor {
  /// The largest pool that `scale` makes.
  static let maxPoolSize = 1024

  public func status() -> StatusDocument {
    var status = StatusDocument(
      version: plan.version, pid: getpid(), uptimeSeconds: (Clock.now() - started).inSeconds, state: phase.name,
      listen: listeners.map(\.address.description),
      proxy: proxies.current.map { describe($0) },
      pools: plan.pools.compactMap { pools[$0.name].map(describe) } + removedPools.map(describe))
    status.nodes = StatusDocument.Nodes(nodes)
    status.failedWipes = log.failedWipes(at: Clock.now())
    status.notify = notifyStatus
    return status
  }

  public func isReady() -> Bool {
    guard case .running = phase else { return false }
    return isServing
  }

  public func events(after id: Int?, limit: Int) -> [Event] { log.events(after: id, limit: limit) }

  public func liveEvents() -> AsyncStream<Event> { log.follow() }

  /// - Parameter caller: who asks; goes into the events that tell of it.
  public func perform(_ command: ControlCommand, by caller: Caller? = nil) async -> ControlReply {
    await Asking.$caller.withValue(caller) {
      let reply = await answer(command)
      switch (command, reply) {
      // These tell of themselves.
      case (.reload, _), (.set, _), (_, .accepted): break
      case (_, .refused(let message)): log.append(.command, "refused: \(message)")
      }
      return reply
    }
  }

  /// Into the log before what follows from it, and into the state before the answer: what was accepted outlives us.
  private func accept(_ message: String, _ workers: [WorkerID] = [], _ act: () -> Void) -> ControlReply {
    log.append(.command, message)
    act()
    writeState()
    return .accepted(message: message, workers: workers)
  }

  private func answer(_ command: ControlCommand) async -> ControlReply {
    switch phase {
    case .drainingProxy, .stoppingPools, .stopped:
      guard command == .stop else { return .refused(message: "masterpool is stopping") }
    case .starting, .running: break
    }
    switch command {
    case .restart(let targets, .deploy) where !targets.contains(where: \.isSlot):
      return deploy(targets.map(\.pool), nil)
    case .restart(let targets, let reason): return restart(targets, reason)
    case .deploy(let names, let environment): return deploy(names, environment)
    case .drain(let slot): return setHeld(true, slot)
    case .resume(let slot): return setHeld(false, slot)
    case .scale(let pool, let size): return scale(pool, to: size)
    case .release(let node): return release(node)
    case .testNotifications(let receiver): return await testNotifications(receiver)
    case .reload: return await reload(.asked(by: "command"))
    case .set(let values, let isPersistent): return await reload(.set(values, isPersistent: isPersistent))
    case .upgrade: return await upgrade()
    case .stop: return accept("stopping") { stop() }
    }
  }

  private func restart(_ targets: [ControlCommand.Target], _ reason: RecycleReason) -> ControlReply {
    let wanted = targets.isEmpty ? plan.pools.map { .pool($0.name) } : targets
    var slots: [SlotID] = []
    for target in wanted {
      switch target {
      case .pool(let name):
        guard let pool = pools[name] else { return unknown(name) }
        slots += pool.machine.slots.filter(\.isWanted).map(\.id)
      case .slot(let slot):
        guard slotExists(slot) else { return unknown(slot) }
        slots.append(slot)
      }
    }
    let workers = slots.compactMap(occupant)
    let message = "recycling \(slots.map(\.description).joined(separator: ", ")), \(reason.rawValue)"
    return accept(message, workers) {
      for slot in slots { feed(.restart(slot: slot.index, reason), to: slot.pool) }
    }
  }

  private func setHeld(_ held: Bool, _ slot: SlotID) -> ControlReply {
    guard slotExists(slot) else { return unknown(slot) }
    return accept(held ? "\(slot) is taken out" : "\(slot) is back", [slot].compactMap(occupant)) {
      feed(held ? .hold(slot: slot.index) : .release(slot: slot.index), to: slot.pool)
    }
  }

  private func scale(_ name: PoolName, to size: Int) -> ControlReply {
    guard let pool = pools[name] else { return unknown(name) }
    guard (1...Self.maxPoolSize).contains(size) else {
      return .refused(message: "\(size) workers are not possible; give 1 to \(Self.maxPoolSize)")
    }
    return accept("\(name) goes from \(pool.machine.policy.size) to \(size) workers") {
      feed(.scale(size), to: name)
    }
  }

  private func release(_ node: String) -> ControlReply {
    let quarantined = Set(quarantinedNodes.map(\.node))
    guard quarantined.contains(node) else {
      let others = quarantined.isEmpty ? "no node is" : "these are: \(quarantined.sorted().joined(separator: ", "))"
      return .refused(message: "\(node) is not quarantined; \(others)")
    }
    return accept("\(node) is released from its quarantine") { liftQuarantine(of: node) }
  }

  private func slotExists(_ slot: SlotID) -> Bool {
    pools[slot.pool]?.machine.slots.contains { $0.id == slot && $0.isWanted } == true
  }

  func occupant(of slot: SlotID) -> WorkerID? {
    guard let found = pools[slot.pool]?.machine.slots.first(where: { $0.id == slot }) else { return nil }
    return (found.incumbent ?? found.workers.last).map { WorkerID(slot: slot, generation: $0.generation) }
  }

  func unknown(_ pool: PoolName) -> ControlReply {
    .refused(message: "no pool \(pool); there is \(plan.pools.map(\.name.rawValue).joined(separator: ", "))")
  }

  private func unknown(_ slot: SlotID) -> ControlReply {
    guard let pool = pools[slot.pool] else { return unknown(slot.pool) }
    return .refused(message: "no slot \(slot); \(slot.pool) has 0 to \(pool.machine.policy.size - 1)")
  }

  // MARK: Status

  private func describe(_ proxy: ManagedProxy) -> StatusDocument.Proxy {
    StatusDocument.Proxy(
      pid: proxy.child.pid, generation: proxy.generation, counters: proxies.counters,
      draining: proxies.leaving.map { old in
        StatusDocument.Draining(
          pid: old.child.pid, generation: old.generation, connections: old.counters.connections,
          requestsInFlight: old.counters.requestsInFlight)
      })
  }

  /// Those that the settings have no more and that have not ended yet.
  private var removedPools: [ManagedPool] {
    let wanted = Set(plan.pools.map(\.name))
    return pools.values.filter { !wanted.contains($0.plan.name) && !$0.workers.isEmpty }
      .sorted { $0.plan.name.rawValue < $1.plan.name.rawValue }
  }

  private func describe(_ pool: ManagedPool) -> StatusDocument.Pool {
    let counters = proxies.counters(of: pool.plan.name, after: pool.earlier)
    var status = StatusDocument.Pool(
      name: pool.plan.name, size: pool.machine.policy.size, ready: pool.machine.readyCount,
      queueLength: counters.queueLength, shedTotal: counters.shedTotal,
      workers: pool.machine.slots.filter { $0.isWanted || !$0.isEmpty }.flatMap { describe($0, in: pool) })
    status.parents = pool.parents.map(describe)
    status.describeLine(counters, earlier: PoolCounters.noSheds)
    status.quarantined = pool.quarantine.quarantined
    status.quarantinedWaiting = counters.quarantinedWaiting
    status.suspectsTotal = pool.suspectsTotal
    status.stuckTotal = pool.stuckTotal
    status.memoryBytes = pool.machine.memoryInUse.bytes
    status.limits = StatusDocument.Limits(pool.machine.policy)
    status.memoryBudgetBytes = pool.machine.policy.memoryBudget?.bytes
    return status
  }

  /// A line for each occupant, or one for a slot without any.
  private func describe(_ slot: Slot, in pool: ManagedPool) -> [StatusDocument.Worker] {
    guard !slot.workers.isEmpty else {
      return [
        describe(slot, generation: slot.lastGeneration, slot.backOff.until == nil ? "empty" : "backing_off", pool)
      ]
    }
    return slot.workers.map { worker in
      var status = describe(
        slot, generation: worker.generation,
        slot.isHeld && worker.state.name == "ready" ? "drained" : worker.state.name, pool)
      if let pending = worker.pending, let hindrance = pending.hindrance {
        status.pendingRecycle = pending.reason
        status.waitingFor = hindrance.description
      }
      return status
    }
  }

  private func describe(
    _ slot: Slot, generation: Generation, _ state: String, _ pool: ManagedPool
  ) -> StatusDocument.Worker {
    let worker = pool.workers[WorkerID(slot: slot.id, generation: generation)]
    var status = StatusDocument.Worker(
      slot: slot.id.index, generation: generation.rawValue, pid: worker?.exit == nil ? worker?.child.pid : nil,
      state: state, ageSeconds: worker.map { (Clock.now() - $0.spawned).inSeconds },
      memoryBytes: worker?.memory?.bytes, requestsTotal: worker?.requestsTotal ?? 0,
      requestsInFlight: worker?.requestsInFlight ?? 0, lastRecycle: pool.lastRecycles[slot.id])
    status.current = worker?.current.map { current in
      StatusDocument.Current(
        request: current.request, node: current.node,
        ageSeconds: max(0, (Clock.now() - current.started).inSeconds))
    }
    return status
  }
}

/// Whose command is being carried out: known wherever that leads, and an argument of nothing on the way.
enum Asking {
  @TaskLocal static var caller: Caller?
}

extension Supervisor.Phase {
  fileprivate var name: String {
    switch self {
    case .starting: "starting"
    case .running: "running"
    case .drainingProxy, .stoppingPools, .stopped: "stopping"
    }
  }
}
