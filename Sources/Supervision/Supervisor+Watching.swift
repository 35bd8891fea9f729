import Pool

/// About once a second: how much memory the workers hold, and whether the idle ones are alive.
extension Supervisor {
  static let watchInterval = Duration.seconds(1)
  /// Without a look around for longer, we ourselves were stopped: by a debugger, a paused machine, want of processor time.
  static let standstill = Duration.seconds(5)

  /// The time by which others are judged. It does not run on while we stand still: what they did and said meanwhile is
  /// heard before anybody is late.
  var judgedNow: Instant {
    let now = Clock.now()
    return lastBeat.map { min(now, $0 + Self.standstill) } ?? now
  }

  /// Until the time by which others are judged has come so far.
  func sleep(untilJudged deadline: Instant) async throws {
    try await Clock.sleep(until: deadline)
    while judgedNow < deadline { try await Clock.sleep(until: Clock.now() + .milliseconds(100)) }
  }

  private func lookAround() async {
    if let lastBeat, Clock.now() - lastBeat > Self.standstill {
      log.append(
        .supervisor,
        "masterpool itself stood still for \((Clock.now() - lastBeat).short): nobody is blamed for that time")
      try? await Task.sleep(for: Self.watchInterval)
    }
    lastBeat = Clock.now()
  }

  func watch() async {
    let sampler = MemorySampler()
    // Apart: a sampler knows those that it measured last.
    let parentSampler = MemorySampler()
    lastBeat = Clock.now()
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.watchInterval, tolerance: .milliseconds(100))
      await lookAround()
      await sampleMemory(sampler)
      await sampleParents(parentSampler)
      tellTime()
      outOfMemory.look(at: Clock.now())
      probeIdle()
      endQuarantines()
      watchNodes()
      watchNotices()
      replaceSilentProxies()
      lookAtFiles()
      lookForDeploys()
    }
  }

  /// Certificates, keys, authorities and revocation lists are renewed by others.
  private func lookAtFiles() {
    guard mayReload, !isReloading else { return }
    let changed = watch.changes(at: Clock.now())
    guard !changed.isEmpty else { return }
    Task {
      switch await reload(.files(changed)) {
      case .accepted: break
      case .refused: watch.giveUp(on: changed)
      }
    }
  }

  func sampleMemory(_ sampler: MemorySampler) async {
    let living = pools.values.flatMap { pool in
      pool.workers.compactMap { id, worker in worker.exit == nil ? (id, worker.child.pid) : nil }
    }
    let samples = await sampler.sample(groups: living.map(\.1))
    for (id, pid) in living {
      guard let sample = samples[pid], pools[id.pool]?.workers[id] != nil else { continue }
      pools[id.pool]?.workers[id]?.memory = sample.total
      if pools[id.pool]?.workers[id]?.memoryAtBirth == nil {
        pools[id.pool]?.workers[id]?.memoryAtBirth = sample.total
      }
      let measure = pools[id.pool]?.machine.policy.recycle.measure ?? .pss
      feed(.sampled(id, memory: sample.value(measure), share: sample.total), to: id.pool)
    }
    noteSamples(of: living.map(\.0))
  }

  /// A worker that answered within `alive.every` is alive; the others are probed, each under a claim, so that a
  /// master is never asked more than it can serve at once.
  private func probeIdle() {
    // Two proxies that probe and serve at once would ask a worker more than it can do; what is idle in one of them may
    // be busy in the other.
    guard let proxy = proxies.current, proxy.isServing, !proxies.overlaps else { return }
    let now = Clock.now()
    for (name, pool) in pools {
      for slot in pool.machine.slots where !slot.isHeld {
        guard let incumbent = slot.incumbent else { continue }
        let id = WorkerID(slot: slot.id, generation: incumbent.generation)
        guard let worker = pool.workers[id], worker.admittedTo.contains(proxy.generation), worker.probedAt == nil,
          !worker.showedLife(within: pool.machine.policy.alive.every, at: now)
        else { continue }
        pools[name]?.workers[id]?.probedAt = proxy.generation
        proxy.link.send(.reserve(id))
      }
    }
  }

  func probeReserved(_ id: WorkerID, at generation: Int) async {
    guard let pool = pools[id.pool], let worker = pool.workers[id] else { return }
    let policy = pool.machine.policy.alive
    let outcome = await probe(worker.endpoint, path: policy.path, timeout: policy.timeout)
    proxies[generation]?.link.send(.release(id))
    if isProbed(id, at: generation) { pools[id.pool]?.workers[id]?.probedAt = nil }
    pools[id.pool]?.workers[id]?.lastProbe = Clock.now()
    switch outcome {
    case .passed: feed(.probed(id, passed: true), to: id.pool)
    case .failed(let why):
      guard pools[id.pool]?.workers[id]?.exit == nil else { return }
      logger.warning("\(id) failed its liveness probe: \(why)", metadata: ["pool": "\(id.pool)"])
      if pool.machine.isLastFailure(of: id) { await capture(id) }
      feed(.probed(id, passed: false), to: id.pool)
    }
  }
}
