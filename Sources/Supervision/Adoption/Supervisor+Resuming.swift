import Glibc
import Pool

/// What those who were taken over are in the middle of goes on from there.
extension Supervisor {
  /// After `takeOver`: every worker is followed again, and what its state asks for is done, since nobody knows whether
  /// it was.
  func resume() async {
    for pool in pools.values {
      for slot in pool.machine.slots {
        for worker in slot.workers { resume(WorkerID(slot: slot.id, generation: worker.generation), worker.state) }
      }
    }
    await catchUp()
    // What they say comes after what is expected of them.
    for proxy in proxies.all { follow(proxy.child, proxy.link, proxy.generation) }
    if proxies.current == nil { startProxy() }
    Task {
      _ = await wait(within: Self.candidatePatience) { $0.proxies.current?.knowsWorkers == true || !$0.mayReload }
      await reload(.takenOver)
      resumeDeploys()
    }
  }

  /// Nobody is started or sent away before it is known who is gone and what the others hold by now.
  private func catchUp() async {
    _ = await wait(within: Self.candidatePatience) { supervisor in
      supervisor.pools.values.flatMap(\.workers.values).allSatisfy { $0.exit != nil || !$0.child.hasEnded }
    }
    await sampleMemory(MemorySampler())
    for name in pools.keys { feed(.caughtUp, to: name) }
  }

  private func resume(_ id: WorkerID, _ state: WorkerState) {
    guard let worker = pools[id.pool]?.workers[id] else { return forgetUnborn(id, state) }
    let proxies = worker.admittedTo
    switch state {
    case .starting: follow(worker, id, isReady: false)
    case .ready: follow(worker, id, isReady: true)
    case .draining:
      pools[id.pool]?.workers[id]?.drainingAt = proxies
      follow(worker, id, isReady: true)
      if proxies.isEmpty { Task { feed(.drained(id), to: id.pool) } }
    case .stopping(_, _, let killed):
      pools[id.pool]?.workers[id]?.retiringAt = proxies
      follow(worker, id, isReady: true)
      worker.child.signalGroup(killed ? SIGKILL : SIGTERM)
    case .wiping(let departure):
      pools[id.pool]?.workers[id]?.retiringAt = proxies
      Task { await bury(id, departure) }
    }
  }

  /// No process had come of it, or everything is gone already.
  private func forgetUnborn(_ id: WorkerID, _ state: WorkerState) {
    Task {
      switch state {
      case .wiping: feed(.wiped(id), to: id.pool)
      case .starting, .ready, .draining, .stopping:
        feed(.startFailed(id, "the supervisor ended before it was started"), to: id.pool)
      }
    }
  }

  /// A proxy that was taken over has said whom it knows: both sides' views become one.
  func reconcile(_ proxy: ManagedProxy, _ account: ProxyAccount) {
    let generation = proxy.generation
    proxies[generation]?.isServing = true
    proxies[generation]?.knowsWorkers = true
    proxies[generation]?.isClosed = account.isClosed
    for id in account.workers where pools[id.pool]?.workers[id]?.exit != nil || pools[id.pool]?.workers[id] == nil {
      proxy.link.send(.retire(id))
    }
    for pool in pools.values {
      for slot in pool.machine.slots {
        for worker in slot.workers {
          let id = WorkerID(slot: slot.id, generation: worker.generation)
          agree(on: id, worker.state, isHeld: slot.isHeld, isKnown: account.workers.contains(id), with: proxy)
        }
      }
    }
    if proxies.overlaps { proxies.serving.forEach { $0.link.send(.share(true)) } } else { stopSharing(proxy) }
    proxy.link.send(.quarantine(quarantinedNodes))
    runs.open(for: proxy.configuration.pools, at: Clock.now())
    proxies[generation]?.hearsRuns = true
    proxy.link.send(.tellRuns(anew: true, atOnce: proxies.overlaps))
    if account.isClosed { closeForsakenListeners(by: generation) }
    log.append(.proxy, "proxy \(generation) is taken over, pid \(proxy.child.pid)")
    noteReadiness()
    wakeWaiters()
  }

  private func agree(
    on id: WorkerID, _ state: WorkerState, isHeld: Bool, isKnown: Bool, with proxy: ManagedProxy
  ) {
    guard let worker = pools[id.pool]?.workers[id] else { return }
    switch state {
    case .starting:
      // It had passed its probe: the proxy was told, and the state was not written any more.
      guard isKnown, worker.exit == nil else { return }
      pools[id.pool]?.workers[id]?.admittedTo.insert(proxy.generation)
      feed(.becameReady(id), to: id.pool)
    case .ready:
      guard worker.exit == nil else { return }
      pools[id.pool]?.workers[id]?.admittedTo.insert(proxy.generation)
      // Also takes back a drain that came to nothing; a worker that is drained for good gets no request in between.
      if !isHeld || !isKnown { proxy.link.send(.admit(id, worker.endpoint)) }
      if isHeld { proxy.link.send(.drain(id)) }
    case .draining:
      guard isKnown || worker.drainingAt.contains(proxy.generation) else { return }
      pools[id.pool]?.workers[id]?.admittedTo.insert(proxy.generation)
      pools[id.pool]?.workers[id]?.drainingAt.insert(proxy.generation)
      proxy.link.send(.drain(id))
    case .stopping, .wiping:
      guard isKnown || worker.retiringAt.contains(proxy.generation) else { return }
      pools[id.pool]?.workers[id]?.retiringAt.insert(proxy.generation)
      proxy.link.send(.retire(id))
    }
  }
}
