import CLinux
import Glibc
import Logging
import Pool

/// A pool's warm parents, in their order: start, ready, forks, end.
extension Supervisor {
  static let linkPatience = Duration.milliseconds(500)

  /// Tells a pool's parents what happened and does what comes of it; nothing in here awaits.
  func feedParents(_ event: ParentEvent, of name: PoolName) {
    guard let effects = pools[name]?.parents?.machine.handle(event, at: judgedNow, using: &random) else { return }
    for effect in effects { perform(effect, in: name) }
    if !effects.isEmpty { noteChange() }
    setParentAlarm(for: name)
    wakeWaiters()
  }

  private func perform(_ effect: ParentEffect, in name: PoolName) {
    switch effect {
    case .spawn(let generation, let environment): spawnParent(generation, environment, of: name)
    case .fork(let id, let generation): fork(id, from: generation)
    case .ping(let generation): pools[name]?.parents?.processes[generation]?.link.send(.ping)
    case .adopt(let id): adopt(id)
    case .startCold(let id, let why):
      pools[name]?.parents?.orders.removeValue(forKey: id)?.giveUp()
      startInstead(id, why)
    case .drop(let id): drop(id)
    case .terminate(let generation): pools[name]?.parents?.processes[generation]?.child.signalGroup(SIGTERM)
    case .kill(let generation): pools[name]?.parents?.processes[generation]?.child.signalGroup(SIGKILL)
    case .tookOver(let generation, let renewal):
      let age = pools[name]?.parents?.processes[generation].map { Clock.now() - $0.spawned } ?? .zero
      log.append(.parent, "\(name): parent \(generation) is ready after \(age.short)\(words(renewal))", pool: name)
      if case .deploy = renewal { pools[name]?.parents?.renewal = .success(()) }
    case .notRenewed(let renewal, let why):
      log.append(
        .parent, "\(name): the old parent goes on\(words(renewal)); the new one failed: \(why)", pool: name)
      if case .deploy = renewal { pools[name]?.parents?.renewal = .failure(DeployFailure(why: why)) }
    case .backOff(let failures, let delay, let why):
      let next = delay > .zero ? "failure \(failures) in a row, the next in \(delay.short)" : "another is started"
      log.append(.parent, "\(name): no parent: \(why); workers start cold; \(next)", pool: name)
    }
  }

  private func words(_ renewal: Renewal?) -> String {
    switch renewal {
    case nil: ""
    case .age(let age, let limit): ": age \(age.short) of \(limit.short)"
    case .memory(let memory, let limit): ": memory \(memory) of \(limit)"
    case .deploy(let environment): ": deploy\(environment.map { " of \($0)" } ?? "")"
    case .reload: ": reload"
    case .takenOver: ": it was an earlier supervisor's"
    }
  }

  private func setParentAlarm(for name: PoolName) {
    let next = pools[name]?.parents?.machine.nextDeadline
    guard pools[name]?.parents?.alarm?.at != next else { return }
    pools[name]?.parents?.alarm?.task.cancel()
    pools[name]?.parents?.alarm = next.map { deadline in
      let task = Task {
        guard (try? await sleep(untilJudged: deadline)) != nil else { return }
        guard pools[name]?.parents?.alarm?.at == deadline else { return }
        pools[name]?.parents?.alarm = nil
        feedParents(.tick, of: name)
      }
      return (deadline, task)
    }
  }

  // MARK: A parent's life

  private func spawnParent(_ generation: Int, _ environment: String?, of name: PoolName) {
    do {
      guard let plan = pools[name]?.plan else { return }
      let owner = try plan.launch.user.map { try UserIdentity.named($0) }
      let directory = try slots.prepare(parent: generation, of: name, owner: owner)
      let (link, end) = try ParentLink.make()
      defer { close(end) }
      let door = parentDoor(of: name, generation)
      defer { if let door { close(door.descriptor) } }
      let child = try ChildProcess.spawn(
        LaunchOrder(
          plan.launch, parent: generation, of: name, directory: directory, socket: parentSocket(of: name), link: end,
          door: door?.descriptor, deployed: environment, runDirectory: self.plan.runDirectory))
      let parent = ManagedParent(
        generation: generation, child: child, link: link, door: door?.path ?? "", spawned: Clock.now())
      pools[name]?.parents?.processes[generation] = parent
      log.append(.parent, "\(name): parent \(generation) started, pid \(child.pid)", pool: name)
      follow(parent, of: name)
    } catch {
      // Told from a task of its own: the machine is in the middle of its effects.
      Task {
        feedParents(.failed(generation, "\(error)"), of: name)
        await buryParent(generation, .exited(status: 127), of: name)
      }
    }
  }

  /// A listening socket that the parent inherits and only we, or our successor, may connect to; nil: it has none, and
  /// ends with us.
  private func parentDoor(of name: PoolName, _ generation: Int) -> (descriptor: Int32, path: String)? {
    let path = "\(plan.runDirectory)/\(name)/parent.\(generation).door"
    do {
      let door = try Listener.bind(.unix(path: path))
      chmod(path, 0o600)
      _ = fcntl(door.descriptor, F_SETFL, fcntl(door.descriptor, F_GETFL) & ~O_NONBLOCK)
      return (door.descriptor, path)
    } catch {
      logger.warning("parent \(generation) of \(name) would not outlive a killed supervisor: \(error)")
      return nil
    }
  }

  /// After `takeOver`: those that were taken on are followed again. What a parent forks that is not our child is not
  /// either, and how it ends would never be known: such a parent forks only until its successor can.
  func resumeParents(of name: PoolName) {
    guard let desk = pools[name]?.parents else { return }
    for parent in desk.processes.values { follow(parent, of: name) }
    let isForeign = desk.processes.values.contains { ProcessTable.entry(of: $0.child.pid)?.parent != getpid() }
    if isForeign { feedParents(.renew(.takenOver), of: name) }
  }

  private func follow(_ parent: ManagedParent, of name: PoolName) {
    var output = Logger(label: "parent")
    output[metadataKey: "pool"] = "\(name)"
    output[metadataKey: "parent"] = "\(parent.generation)"
    output[metadataKey: "pid"] = "\(parent.child.pid)"
    output.follow(parent.child)
    let listening = Task {
      for await report in parent.link.reports { take(report, from: parent.generation, of: name) }
      Task {
        // Its end says more, if it has ended; without its link it is of no use.
        try? await Task.sleep(for: Self.linkPatience)
        feedParents(.failed(parent.generation, "the parent closed its link"), of: name)
      }
    }
    Task {
      let status = await parent.child.exit()
      parent.link.end()
      // What it said last comes first.
      _ = await listening.value
      await buryParent(parent.generation, status.measurement, of: name)
    }
  }

  private func take(_ report: ParentReport, from generation: Int, of name: PoolName) {
    switch report {
    case .ready: feedParents(.becameReady(generation), of: name)
    case .failed(let why): feedParents(.failed(generation, why), of: name)
    case .forked(let worker, let pid):
      guard let id = ordered(worker, in: name) else { return }
      pools[name]?.parents?.orders[id]?.pid = pid
      feedParents(.forked(id, by: generation), of: name)
    case .notForked(let worker, let why):
      guard let id = ordered(worker, in: name) else { return }
      feedParents(.notForked(id, by: generation, "the parent cannot fork: \(why)"), of: name)
    case .alive: feedParents(.answered(generation), of: name)
    }
  }

  private func ordered(_ worker: String, in name: PoolName) -> WorkerID? {
    pools[name]?.parents?.orders.keys.first { $0.description == worker }
  }

  private func buryParent(_ generation: Int, _ how: Measurement, of name: PoolName) async {
    if let parent = pools[name]?.parents?.processes[generation] {
      let child = parent.child
      unlink(parent.door)
      child.killRemains()
      ChildProcess.reapStrays(marked: "\(LaunchOrder.parentVariable)=\(name)#\(generation)")
      log.append(.parent, "\(name): parent \(generation) ended: \(how.words.measured)", pool: name)
    }
    pools[name]?.parents?.processes[generation] = nil
    feedParents(.exited(generation, how), of: name)
    if let aside = try? slots.setAside(parent: generation, of: name) { _ = await slots.delete(aside) }
    finishIfDone()
  }

  // MARK: Its workers

  /// A place for the worker, and the order to fork it.
  private func fork(_ id: WorkerID, from generation: Int) {
    var output: [Int32] = [-1, -1]
    var lease: [Int32] = [-1, -1]
    do {
      guard let plan = pools[id.pool]?.plan else { throw SpawnFailure.executableMissing("") }
      let place = try preparePlace(for: id, plan)
      guard clinux_output_pipe(&output) == 0, clinux_pipe(&lease) == 0 else {
        throw SpawnFailure.failed(stage: "making its pipes", errno: errno)
      }
      let order = LaunchOrder(
        plan.launch, worker: id, directory: place.directory, endpoint: place.endpoint,
        runDirectory: self.plan.runDirectory)
      pools[id.pool]?.parents?.orders[id] = ForkOrder(
        endpoint: place.endpoint, directory: place.directory, output: output[0], lease: lease[1], asked: Clock.now())
      pools[id.pool]?.parents?.processes[generation]?.link.send(
        .fork(id, order, directory: place.directory, place.endpoint), handing: [output[1], lease[0]])
    } catch {
      for descriptor in output + lease where descriptor >= 0 { close(descriptor) }
      Task { feedParents(.notForked(id, by: generation, "\(error)"), of: id.pool) }
    }
  }

  /// Ours by now, since the process between it and the parent has ended; it waits for its lease.
  private func adopt(_ id: WorkerID) {
    guard let order = pools[id.pool]?.parents?.orders.removeValue(forKey: id), let plan = pools[id.pool]?.plan
    else { return }
    guard let pid = order.pid, let entry = ProcessTable.entry(of: pid), entry.group == pid,
      entry.parent == getpid() || isForkOfAdopted(pid, in: id.pool, plan.launch)
    else {
      order.giveUp()
      return startInstead(id, "no process of ours is what the parent forked")
    }
    defer { close(order.lease) }
    do throws(AdoptionFailure) {
      let child = try ChildProcess.adopt(pid: pid, startTime: entry.startTime, output: order.output)
      let group = controlGroups?.make(for: id, memoryLimit: plan.policy.recycle.memoryLimit)
      group?.add(pid)
      var go: UInt8 = 1
      _ = write(order.lease, &go, 1)
      var worker = ManagedWorker(
        id: id, endpoint: order.endpoint, directory: order.directory, wipe: plan.launch.cache.wipe, child: child,
        spawned: order.asked)
      worker.group = group
      welcome(worker, "forked")
    } catch {
      startInstead(id, "\(error)")
    }
  }

  /// Where a parent was taken on, its forks become another's children. It has only its parent's word, and so must be
  /// what that could start itself: its user's, and with its environment.
  private func isForkOfAdopted(_ pid: Int32, in name: PoolName, _ launch: LaunchPlan) -> Bool {
    guard let desk = pools[name]?.parents, let mark = ProcessTable.environment(of: pid)?[LaunchOrder.parentVariable],
      let parent = desk.processes.values.first(where: { "\(name)#\($0.generation)" == mark }),
      parent.child.pid != pid, ProcessTable.entry(of: parent.child.pid)?.parent != getpid()
    else { return false }
    let owner = try? launch.user.map { try UserIdentity.named($0).uid } ?? geteuid()
    return owner != nil && ProcessTable.user(of: pid) == owner
  }

  private func startInstead(_ id: WorkerID, _ why: String) {
    log.append(.parent, "\(id) starts cold: \(why)", worker: id)
    startCold(id)
  }

  /// Its lease ends, and with it the worker, if there is one.
  private func drop(_ id: WorkerID) {
    pools[id.pool]?.parents?.orders.removeValue(forKey: id)?.giveUp()
    // Told from a task of its own: the machine is in the middle of its effects.
    Task { await abandonStart(id, "it was not needed any more") }
  }

  /// Their memory, about once a second.
  func sampleParents(_ sampler: MemorySampler) async {
    let living = pools.flatMap { name, pool in
      (pool.parents?.processes.values).map { $0.map { (name, $0.generation, $0.child.pid) } } ?? []
    }
    guard !living.isEmpty else { return }
    let samples = await sampler.sample(groups: living.map(\.2))
    for (name, generation, pid) in living {
      guard let sample = samples[pid], pools[name]?.parents?.processes[generation] != nil else { continue }
      pools[name]?.parents?.processes[generation]?.memory = sample.total
      feedParents(.sampled(generation, sample.total), of: name)
    }
    for (name, pool) in pools {
      guard let parents = pool.parents?.processes.values else { continue }
      feed(.sampledOthers(ByteCount(bytes: parents.reduce(0) { $0 + ($1.memory?.bytes ?? 0) })), to: name)
    }
  }

  /// With it from now on, or without it.
  func arrangeParents(of name: PoolName, by policy: ParentPolicy?) {
    guard let pool = pools[name] else { return }
    switch (policy, pool.parents) {
    case (nil, nil): break
    case (nil, .some): feedParents(.shutdown, of: name)
    case (.some(let policy), nil):
      pools[name]?.parents = ParentDesk(policy: policy)
      feedParents(.start, of: name)
    case (.some(let policy), .some): feedParents(.reconfigure(policy), of: name)
    }
  }

  func describe(_ desk: ParentDesk) -> [StatusDocument.Parent] {
    desk.machine.parents.map { parent in
      let process = desk.processes[parent.generation]
      return StatusDocument.Parent(
        generation: parent.generation, pid: process?.child.pid, state: parent.state.name,
        ageSeconds: process.map { (Clock.now() - $0.spawned).inSeconds }, memoryBytes: process?.memory?.bytes)
    }
  }

  private func parentSocket(of name: PoolName) -> String { "\(plan.runDirectory)/\(name)/parent.sock" }
}

extension LaunchOrder {
  /// Names the parent to itself, and its descendants to us.
  static let parentVariable = "MASTERPOOL_PARENT"
  /// The numbers of the descriptors that are its link, and the listening socket where a new one comes in.
  static let parentLinkVariable = "MASTERPOOL_PARENT_FD"
  static let parentDoorVariable = "MASTERPOOL_PARENT_DOOR_FD"
  /// An environment that is to prove itself before it says that it is ready.
  static let deployVariable = "MASTERPOOL_DEPLOY_ENVIRONMENT"

  /// A worker's command as a parent is given it: what only a worker has is filled in with what leads nowhere.
  init(
    _ plan: LaunchPlan, parent generation: Int, of pool: PoolName, directory: String, socket: String, link: Int32,
    door: Int32?, deployed: String?, runDirectory: String
  ) {
    self.init(
      plan, in: directory, of: pool, index: "parent", generation: generation,
      places: [("{socket}", socket), ("{port}", "0")], marks: [Remnants.variable: runDirectory])
    environment[Self.parentVariable] = "\(pool)#\(generation)"
    environment[Self.parentLinkVariable] = "3"
    environment[Self.parentDoorVariable] = door.map { _ in "4" }
    environment[Self.deployVariable] = deployed
    inherited = [InheritedDescriptor(descriptor: link, as: 3)]
    if let door { inherited.append(InheritedDescriptor(descriptor: door, as: 4)) }
  }
}
