import Glibc
import Pool

/// Slow or stuck: a worker whose request is too old is looked at, and stopped if it does nothing at all. What it was
/// doing is written down first.
extension Supervisor {
  func take(_ suspect: Suspect) {
    let id = suspect.worker
    let now = Clock.now()
    guard let worker = pools[id.pool]?.workers[id], worker.exit == nil, worker.capture == nil else { return }
    // Of several requests the oldest counts.
    if let known = worker.suspicion, known.stands(at: now), known.suspect.age > suspect.age { return }
    pools[id.pool]?.workers[id]?.suspicion = HeardSuspect(suspect: suspect, heard: now)
    if worker.suspicion == nil { Task { await pursue(id) } }
    wakeWaiters()
  }

  private func pursue(_ id: WorkerID) async {
    pools[id.pool]?.suspectsTotal += 1
    guard let source = source(of: id) else { return }
    let seen = await capturer.capture(source, asking: false)
    guard let suspect = standingSuspect(id) else { return }
    log.append(.stuck, suspect.sentence, worker: id, capture: seen)
    var earlier = (look: await capturer.look(at: source.child.pid), at: Clock.now())
    while standingSuspect(id) != nil {
      let interval = pools[id.pool]?.machine.policy.stuck.look ?? StuckPolicy().look
      guard (try? await Task.sleep(for: interval)) != nil else { return }
      let now = (look: await capturer.look(at: source.child.pid), at: Clock.now())
      if let before = earlier.look, let after = now.look, after.isStill(since: before, over: now.at - earlier.at) {
        if await stopStuck(id, still: now.at - earlier.at, seen: now.at) { return }
      }
      earlier = now
    }
  }

  /// Nil: its request has ended, or it has; the next one is another story.
  private func standingSuspect(_ id: WorkerID) -> Suspect? {
    guard let worker = pools[id.pool]?.workers[id] else { return nil }
    if worker.exit == nil, let heard = worker.suspicion, heard.stands(at: Clock.now()) { return heard.suspect }
    pools[id.pool]?.workers[id]?.suspicion = nil
    return nil
  }

  /// The proxy has told of it again since it was seen to do nothing: it was not idle because it had answered.
  private func isConfirmed(_ id: WorkerID, since seen: Instant) async -> Bool {
    _ = await wait(within: HeardSuspect.lasts) { supervisor in
      supervisor.pools[id.pool]?.workers[id]?.suspicion.map { $0.heard >= seen } ?? true
    }
    guard standingSuspect(id) != nil else { return false }
    return pools[id.pool]?.workers[id]?.suspicion.map { $0.heard >= seen } ?? false
  }

  /// False: it went on after all.
  private func stopStuck(_ id: WorkerID, still: Duration, seen: Instant) async -> Bool {
    guard await isConfirmed(id, since: seen) else { return false }
    await capture(id, first: "It did nothing for \(still.short).\n")
    guard let suspect = standingSuspect(id) else {
      pools[id.pool]?.workers[id]?.capture = nil
      return false
    }
    noteStuck(id, with: suspect.node)
    feed(.stuck(id, age: suspect.age, limit: suspect.limit), to: id.pool)
    return true
  }

  /// A request used up all its time.
  func takeOverdue(_ id: WorkerID, age: Duration, node: String?) async {
    await capture(id)
    guard pools[id.pool]?.workers[id] != nil else { return }
    noteStuck(id, with: node)
    feed(.overdue(id, age: age), to: id.pool)
  }

  /// One worker is one, whether it was still, overdue, or both.
  private func noteStuck(_ id: WorkerID, with node: String?) {
    guard pools[id.pool]?.workers[id]?.isStuck == false else { return }
    pools[id.pool]?.workers[id]?.isStuck = true
    pools[id.pool]?.stuckTotal += 1
    strike(node, of: id)
  }

  /// Before it is stopped; the first time counts. Takes no longer than the capturer's patience.
  func capture(_ id: WorkerID, first: String = "") async {
    guard pools[id.pool]?.workers[id]?.capture == nil, let source = source(of: id) else { return }
    // Whoever comes meanwhile does not ask it again.
    pools[id.pool]?.workers[id]?.capture = ""
    let text = await capturer.capture(source, asking: true)
    pools[id.pool]?.workers[id]?.capture = first + text
  }

  private func source(of id: WorkerID) -> Capturer.Source? {
    guard let pool = pools[id.pool], let worker = pool.workers[id], worker.exit == nil else { return nil }
    return Capturer.Source(child: worker.child, directory: worker.directory, backtrace: pool.plan.launch.backtrace)
  }

  // MARK: Quarantine

  var quarantinedNodes: [QuarantinedNode] {
    pools.values.sorted { $0.plan.name.rawValue < $1.plan.name.rawValue }.flatMap { pool in
      pool.quarantine.quarantined.map { QuarantinedNode(pool: pool.plan.name, node: $0) }
    }
  }

  private func tellQuarantine() {
    noteChange()
    for proxy in proxies.serving { proxy.link.send(.quarantine(quarantinedNodes)) }
  }

  private func strike(_ node: String?, of id: WorkerID) {
    guard let node, let policy = pools[id.pool]?.machine.policy.quarantine,
      let verdict = pools[id.pool]?.quarantine.strike(node, policy, at: Clock.now())
    else { return }
    noteChange()
    switch verdict {
    case .counted: break
    case .begins:
      log.append(
        .quarantine,
        "\(node) is quarantined in \(id.pool) for \(policy.for.short): its requests wedged "
          + "\(policy.strikes ?? 0) workers within \(policy.within.short), \(id) the last; they get one worker at most",
        worker: id)
      tellQuarantine()
    case .goesOn:
      log.append(.quarantine, "\(node) wedged \(id) too: its quarantine goes on for \(policy.for.short)", worker: id)
    }
  }

  /// About once a second.
  func endQuarantines() {
    var isChanged = false
    for (name, pool) in pools {
      let policy = pool.machine.policy.quarantine
      for node in pools[name]?.quarantine.expire(policy, at: Clock.now()) ?? [] {
        log.append(.quarantine, "\(node) is quarantined in \(name) no more")
        isChanged = true
      }
    }
    if isChanged { tellQuarantine() }
  }

  /// By the operator's word, in every pool.
  func liftQuarantine(of node: String) {
    for name in pools.keys where pools[name]?.quarantine.release(node) == true {
      log.append(.quarantine, "\(node) is quarantined in \(name) no more, by the operator")
    }
    tellQuarantine()
  }
}
