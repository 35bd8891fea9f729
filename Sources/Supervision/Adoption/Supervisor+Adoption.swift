import Glibc
import Pool

/// Taking the place of a supervisor that is gone: its proxies and workers go on, and so does everything that it was
/// about. Whoever lives is known by pid and start time; what died meanwhile is told to the machines as an exit.
extension Supervisor {
  /// What the run directory holds is taken on, or ended.
  func takeOver() async throws(SupervisorFailure) {
    switch RuntimeState.find(in: plan.runDirectory, stateDirectory: plan.stateDirectory) {
    case .nothing: await startAnew(because: nil)
    case .useless(let why): await startAnew(because: why)
    case .state(let state): try await adopt(state)
    }
  }

  private func startAnew(because why: String?) async {
    if let why { log.append(.supervisor, "starting anew: \(why)") }
    await endRemnants()
  }

  private func adopt(_ state: RuntimeState) async throws(SupervisorFailure) {
    let living = state.processes.filter(\.isAlive)
    guard !living.isEmpty else { return await startAnew(because: nil) }
    recall(state)
    if let record = state.notices?.value { recallNotices(record) }
    await recallOverrides(state.overrides?.value ?? [])
    for record in state.pools { adoptPool(record) }
    for record in state.pools { await adoptParents(record) }
    let kept = await adoptProxies(state)
    await endRemnants()
    adoption = Adoption(
      replacesProxy: proxies.current.map { $0.program != program } ?? false || state.lacksPlan,
      workers: pools.values.reduce(0) { $0 + $1.workers.values.count { $0.exit == nil } },
      deploys: Dictionary(
        state.pools.compactMap { record in (record.deploy?.value).map { (record.name, $0) } },
        uniquingKeysWith: { first, _ in first }))
    try settleListeners(kept)
    log.append(.supervisor, adoptionWords(state))
  }

  /// What was in force goes on; the settings as they are now are put in force when everything stands.
  private func recall(_ state: RuntimeState) {
    wanted = plan
    plan.proxy = state.proxyConfiguration?.value ?? plan.proxy
    plan.pools = state.pools.filter { $0.machine.isShuttingDown != true }.map(plan(of:))
    proxies = ProxyFleet(
      ended: state.endedProxies?.value ?? ProxyCounters(), lastGeneration: state.lastProxyGeneration ?? 0)
    watch = FileWatch(plan.proxy)
    watch.recall(state.files ?? [:])
    pools = [:]
  }

  /// A plan that cannot be read any more is the one in the settings; where these have none, the pool only ends.
  private func plan(of record: RuntimeState.PoolRecord) -> PoolPlan {
    record.plan?.value ?? wanted?.pools.first { $0.name == record.name }
      ?? PoolPlan(name: record.name, policy: PoolPolicy(size: 0), launch: LaunchPlan(command: []))
  }

  // MARK: Workers

  private func adoptPool(_ record: RuntimeState.PoolRecord) {
    let plan = plan(of: record)
    var pool = ManagedPool(plan: plan)
    pool.machine = PoolMachine(name: plan.name, policy: plan.policy, remembering: record.machine)
    if let earlier = record.earlier?.value { pool.earlier = earlier }
    if let quarantine = record.quarantine?.value { pool.quarantine = quarantine }
    if let tally = record.tally?.value { pool.tally = tally }
    for recycle in record.lastRecycles ?? [] {
      pool.lastRecycles[SlotID(pool: plan.name, index: recycle.slot)] = recycle.last.value
    }
    for worker in record.workers {
      var adopted = ManagedWorker(worker, in: plan.name, child: child(worker.process))
      adopted.group = controlGroups?.find(for: adopted.id)
      pool.workers[adopted.id] = adopted
    }
    pools[plan.name] = pool
  }

  /// Those that still answer at their door go on, with the workers that they are to fork.
  private func adoptParents(_ record: RuntimeState.PoolRecord) async {
    guard let policy = plan(of: record).policy.preload, let parents = record.parents?.value else { return }
    var desk = ParentDesk(policy: policy)
    for known in parents.machine.parents {
      guard let process = parents.processes.first(where: { $0.generation == known.generation }),
        process.process.isAlive, let link = await ParentLink.join(door: process.door)
      else { continue }
      desk.processes[known.generation] = ManagedParent(
        generation: known.generation, child: child(process.process), link: link, door: process.door,
        spawned: process.spawned)
    }
    desk.machine = ParentMachine(
      policy: policy, remembering: parents.machine, living: Set(desk.processes.keys), at: Clock.now())
    pools[record.name]?.parents = desk
  }

  /// One that is not there any more has ended unseen. One that has ended and is still there, a child of ours from before
  /// an upgrade, tells how, and is reaped.
  private func child(_ record: RuntimeState.ProcessRecord) -> ChildProcess {
    func departed() -> ChildProcess { .departed(pid: record.pid, startTime: record.startTime) }
    guard ProcessTable.entry(of: record.pid)?.startTime == record.startTime else { return departed() }
    let output = record.output.flatMap { ChildProcess.reopenOutput(of: record.pid, pipe: $0) }
    do throws(AdoptionFailure) {
      return try ChildProcess.adopt(pid: record.pid, startTime: record.startTime, output: output)
    } catch {
      logger.warning("\(error)")
      return departed()
    }
  }

  // MARK: Proxies

  /// Returns the listening sockets that they had, the current one's first.
  private func adoptProxies(_ state: RuntimeState) async -> [Listener] {
    var found: [Listener] = []
    let records = state.proxies.sorted { $0.generation < $1.generation }
    let hasCurrent = records.contains { $0.role == "current" && $0.process.isAlive }
    for record in records.reversed() where record.process.isAlive {
      let isForeign = record.program != program
      guard let joined = await ProxyLink.join(door: record.door, pid: record.process.pid, isForeign: isForeign) else {
        log.append(.proxy, "proxy \(record.generation), pid \(record.process.pid), does not answer: it is ended")
        kill(record.process.pid, SIGKILL)
        continue
      }
      for (descriptor, wanted) in zip(joined.listeners, record.listeners) {
        found.append(Listener.inherited(descriptor, wanted: wanted))
      }
      guard let link = joined.link else {
        // It drains by itself; its successor listens where it does.
        log.append(.proxy, "proxy \(record.generation) speaks another version of the link: another takes its place")
        kill(record.process.pid, SIGTERM)
        continue
      }
      adopt(record, link, role: role(of: record, hasCurrent: hasCurrent))
    }
    for record in records where proxies[record.generation] == nil { loseProxy(record) }
    return found
  }

  private func role(of record: RuntimeState.ProxyRecord, hasCurrent: Bool) -> ManagedProxy.Role {
    switch record.role {
    case "current": .current
    // The settings that it was tried with are tried again.
    case "candidate": hasCurrent ? .leaving : .current
    default: .leaving
    }
  }

  private func adopt(_ record: RuntimeState.ProxyRecord, _ link: ProxyLink, role: ManagedProxy.Role) {
    let child = child(record.process)
    var proxy = ManagedProxy(
      generation: record.generation, child: child, link: link, spawned: record.spawned,
      configuration: record.configuration?.value ?? plan.proxy, role: role, lastHeard: Clock.now())
    proxy.door = record.door
    proxy.program = record.program
    proxy.end = record.end
    if let counters = record.counters?.value { proxy.counters = counters }
    proxies.add(proxy)
    if proxy.isLeaving {
      stop(proxy, within: record.end.map { max(.zero, $0 - Clock.now()) } ?? plan.proxy.limits.drain)
    }
  }

  /// What it counted is kept, as if its end had been seen.
  private func loseProxy(_ record: RuntimeState.ProxyRecord) {
    unlink(record.door)
    proxies.count(ended: record.counters?.value ?? ProxyCounters())
    for (name, pool) in pools {
      for id in pool.workers.keys { pools[name]?.workers[id]?.keepCounters(of: record.generation) }
    }
  }

  // MARK: Listeners

  /// Where the proxies listen, and where nobody does any more, bound anew.
  private func settleListeners(_ found: [Listener]) throws(SupervisorFailure) {
    var free = found
    for configuration in plan.proxy.listeners {
      if let index = free.firstIndex(where: { $0.wanted == configuration.address }) {
        listeners.append(free.remove(at: index))
      } else {
        listeners.append(try Listener.bind(configuration.address))
      }
    }
    for listener in free {
      // The same socket, by another proxy's descriptor; or one that the settings had no more.
      if listeners.contains(where: { $0.wanted == listener.wanted }) {
        listener.close()
      } else {
        forsaken.append((listener, Set(proxies.leaving.map(\.generation))))
      }
    }
    closeForsakenListeners(by: nil)
  }

  private func endRemnants() async {
    let workers = pools.values.flatMap(\.workers.values).filter { $0.exit == nil }
    let parents = pools.values.flatMap { $0.parents.map { Array($0.processes.values) } ?? [] }
    let groups = Set(workers.map(\.child.pid) + parents.map(\.child.pid) + proxies.all.map(\.child.pid))
    let remnants = Remnants.find(
      in: plan.runDirectory, sparing: groups, Set(workers.map(\.id.description)))
    await Remnants.end(remnants)
    for remnant in remnants {
      let what = remnant.worker.map { "worker \($0)" } ?? "a process"
      log.append(.supervisor, "ended \(what), pid \(remnant.process.pid), left by an earlier supervisor")
    }
  }

  private func adoptionWords(_ state: RuntimeState) -> String {
    let proxies = proxies.all.map { "proxy \($0.generation), pid \($0.child.pid)" }
    let workers = adoption?.workers ?? 0
    return "took over from masterpool \(state.version ?? "of another version"): "
      + (proxies + ["\(workers) worker\(workers == 1 ? "" : "s")"]).joined(separator: ", ")
  }
}

/// What was taken over, for what is still to be done about it.
struct Adoption {
  /// The proxy's program or configuration is not known to be ours.
  var replacesProxy: Bool
  var workers: Int
  /// Not finished.
  var deploys: [PoolName: Supervisor.DeployDesk]
}

extension RuntimeState {
  var processes: [ProcessRecord] {
    proxies.map(\.process) + pools.flatMap { $0.workers.filter { $0.end == nil }.map(\.process) }
      + pools.flatMap { $0.parents?.value?.processes.map(\.process) ?? [] }
  }

  /// What was in force cannot be compared with the settings.
  var lacksPlan: Bool { proxyConfiguration?.value == nil }
}

extension RuntimeState.ProcessRecord {
  var isAlive: Bool { ProcessTable.isAlive(pid, startedAt: startTime) }
}

extension ManagedWorker {
  init(_ record: RuntimeState.WorkerRecord, in pool: PoolName, child: ChildProcess) {
    let id = WorkerID(
      slot: SlotID(pool: pool, index: record.slot), generation: Generation(rawValue: record.generation))
    self.init(
      id: id, endpoint: record.endpoint, directory: record.directory, wipe: record.wipe, child: child,
      spawned: record.spawned)
    memoryAtBirth = record.memoryAtBirth
    memory = record.memory
    if let earlier = record.earlier { self.earlier = earlier.counters(of: id) }
    for tally in record.counted ?? [] {
      if let generation = tally.generation { counted[generation] = tally.counters(of: id) }
    }
    admittedTo = Set(record.admittedTo ?? [])
    exit = record.end?.status
  }
}
