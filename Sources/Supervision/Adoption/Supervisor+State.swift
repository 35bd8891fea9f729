import Pool

/// Writing down what the next supervisor must know: soon after it has changed, and never in anybody's way.
extension Supervisor {
  /// Between a change of who lives and in what state, and the file.
  static let stateDelay = Duration.milliseconds(20)
  /// The same for counters and the like.
  static let countersDelay = Duration.seconds(2)

  /// What changed in between goes along.
  func noteChange(isUrgent: Bool = true) {
    guard isKeepingState else { return }
    let due = Clock.now() + (isUrgent ? Self.stateDelay : Self.countersDelay)
    guard stateDue.map({ due < $0 }) ?? true else { return }
    stateDue = due
    Task {
      guard (try? await Clock.sleep(until: due)) != nil, stateDue == due else { return }
      writeState()
    }
  }

  /// Now, before what comes next; what was to be written soon goes along.
  func writeState() {
    stateDue = nil
    guard isKeepingState else { return }
    guard !state().write(in: plan.runDirectory), !hasFailedToWrite else { return }
    hasFailedToWrite = true
    log.append(
      .supervisor,
      "\(RuntimeState.path(in: plan.runDirectory)) cannot be written (\(reason())): should masterpool die, the next one "
        + "starts anew")
  }

  private func state() -> RuntimeState {
    RuntimeState(
      format: RuntimeState.format, bootID: bootID, version: plan.version, stateDirectory: plan.stateDirectory,
      isStopping: !mayReload, pools: pools.values.map(record), proxies: proxies.all.map(record),
      lastProxyGeneration: proxies.lastGeneration, endedProxies: Lenient(proxies.ended),
      proxyConfiguration: Lenient(plan.proxy), files: watch.digests, overrides: Lenient(overrides),
      notices: plan.notify.receivers.isEmpty ? nil : Lenient(noticesRecord))
  }

  private func record(_ pool: ManagedPool) -> RuntimeState.PoolRecord {
    RuntimeState.PoolRecord(
      name: pool.plan.name, plan: Lenient(pool.plan), machine: pool.machine.memory,
      workers: pool.workers.values.map(record), earlier: Lenient(pool.earlier),
      lastRecycles: pool.lastRecycles.map { .init(slot: $0.key.index, last: Lenient($0.value)) },
      parents: Lenient(pool.parents.map(record)), quarantine: Lenient(pool.quarantine),
      tally: Lenient(pool.tally),
      deploy: (deploys[pool.plan.name] ?? adoption?.deploys[pool.plan.name]).map { Lenient($0) })
  }

  private func record(_ desk: ParentDesk) -> RuntimeState.ParentsRecord {
    RuntimeState.ParentsRecord(
      machine: desk.machine.memory,
      processes: desk.processes.values.map { parent in
        .init(
          generation: parent.generation, process: record(parent.child), door: parent.door, spawned: parent.spawned)
      })
  }

  private func record(_ worker: ManagedWorker) -> RuntimeState.WorkerRecord {
    RuntimeState.WorkerRecord(
      slot: worker.id.slot.index, generation: worker.id.generation.rawValue, process: record(worker.child),
      endpoint: worker.endpoint, directory: worker.directory, wipe: worker.wipe, spawned: worker.spawned,
      memoryAtBirth: worker.memoryAtBirth, memory: worker.memory, earlier: .init(worker.earlier),
      counted: worker.counted.map { .init($0.value, generation: $0.key) }, admittedTo: worker.admittedTo.sorted(),
      end: worker.exit.map(RuntimeState.EndRecord.init))
  }

  private func record(_ proxy: ManagedProxy) -> RuntimeState.ProxyRecord {
    RuntimeState.ProxyRecord(
      generation: proxy.generation, process: record(proxy.child), role: proxy.roleName, door: proxy.door,
      program: proxy.program, spawned: proxy.spawned, listeners: proxy.configuration.listeners.map(\.address),
      configuration: Lenient(proxy.configuration), counters: Lenient(proxy.counters), end: proxy.end)
  }

  private func record(_ child: ChildProcess) -> RuntimeState.ProcessRecord {
    RuntimeState.ProcessRecord(pid: child.pid, startTime: child.startTime, output: child.outputPipe)
  }
}

extension PoolEvent {
  /// A measure of what goes on as before, unless something follows from it.
  var isRoutine: Bool {
    switch self {
    case .sampled, .sampledOthers, .load, .clock, .served, .probed, .tick, .caughtUp: true
    case .start, .becameReady, .notReady, .startFailed, .exited, .wiped, .drained, .overdue, .stuck, .restart,
      .forget,
      .hold, .release, .scale, .reconfigure, .shutdown, .hurry:
      false
    }
  }
}
