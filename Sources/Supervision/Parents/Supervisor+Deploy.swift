import Pool

/// New code for a pool: a new parent where it has one, one worker as the proof, then all the others, rolling. Whatever
/// of it fails, the old generation goes on serving.
extension Supervisor {
  /// Beyond the parent's own limit for getting ready.
  static let deployPatience = Duration.seconds(15)

  /// Deploys of one pool come one after the other; what is asked for meanwhile comes next, once. Kept in the state, so
  /// that the next supervisor finishes them.
  struct DeployDesk: Codable {
    var current: Asked
    /// Who serves the code before it; nil: its new parent is not ready yet.
    var old: [WorkerID]?
    var next: Asked?

    struct Asked: Codable {
      var environment: String?
      var cause: String
    }
  }

  func deploy(_ names: [PoolName], _ environment: String?) -> ControlReply {
    let wanted = names.isEmpty ? plan.pools.map(\.name) : names
    if let missing = wanted.first(where: { name in !plan.pools.contains { $0.name == name } }) {
      return unknown(missing)
    }
    let workers = wanted.flatMap { name in
      pools[name]?.machine.slots.filter(\.isWanted).compactMap { occupant(of: $0.id) } ?? []
    }
    let what = wanted.map(\.rawValue).joined(separator: ", ")
    let reply = ControlReply.accepted(
      message: "deploying \(environment.map { "\($0) to " } ?? "")\(what): a new generation proves itself first",
      workers: workers)
    log.append(.command, "deploying to \(what)")
    for name in wanted { beginDeploy(to: name, .init(environment: environment, cause: "command")) }
    writeState()
    return reply
  }

  /// Changed files have settled.
  func lookForDeploys() {
    guard mayReload else { return }
    let now = Clock.now()
    for (name, watch) in deployWatches {
      if let problem = watch.takeProblem() {
        log.append(.deploy, "\(name): \(problem); use: masterpool restart --reason deploy", pool: name)
      }
      guard watch.takeChange(at: now) else { continue }
      beginDeploy(to: name, .init(environment: nil, cause: "changed files"))
    }
  }

  private func beginDeploy(to name: PoolName, _ asked: DeployDesk.Asked) {
    if let desk = deploys[name] {
      deploys[name]?.next = .init(environment: asked.environment ?? desk.next?.environment, cause: asked.cause)
    } else {
      pools[name]?.tally.deploys += 1
      let what = asked.environment.map { " of \($0)" } ?? ""
      log.append(.deploy, "\(name): a deploy\(what) by \(asked.cause)", pool: name)
      pursue(DeployDesk(current: asked), to: name)
    }
    noteChange()
  }

  /// Those that an earlier supervisor did not finish.
  func resumeDeploys() {
    let unfinished = adoption?.deploys ?? [:]
    adoption?.deploys = [:]
    for (name, desk) in unfinished where mayReload && pools[name] != nil {
      log.append(.deploy, "\(name): the deploy by \(desk.current.cause) that was under way goes on", pool: name)
      if deploys[name] == nil { pursue(desk, to: name) } else { deploys[name]?.next = desk.current }
    }
  }

  private func pursue(_ desk: DeployDesk, to name: PoolName) {
    deploys[name] = desk
    Task {
      do throws(DeployFailure) {
        try await carryOut(desk, to: name)
      } catch {
        pools[name]?.tally.deploysFailed += 1
        log.append(.deployFailed, "\(name): the deploy failed, the old generation goes on: \(error.why)", pool: name)
      }
      let next = deploys[name]?.next
      deploys[name] = nil
      noteChange()
      if let next, mayReload { beginDeploy(to: name, next) }
    }
  }

  private func carryOut(_ desk: DeployDesk, to name: PoolName) async throws(DeployFailure) {
    if desk.old == nil, pools[name]?.machine.policy.preload != nil {
      try await renewParent(of: name, desk.current.environment)
    }
    // Successors that are on their way already have the old code too.
    let old =
      desk.old
      ?? (pools[name]?.machine.slots.filter(\.isWanted) ?? []).map {
        WorkerID(slot: $0.id, generation: $0.lastGeneration)
      }
    deploys[name]?.old = old
    noteChange()
    let candidate = old.first { incumbent(of: $0.slot) != nil && !isHeld($0.slot) }
    if let candidate, !old.contains(where: isProven) { try await prove(candidate) }
    log.append(.deploy, "\(name): the new generation is ready; the other workers follow", pool: name)
    for id in old where !isProven(id) {
      feed(.restart(slot: id.slot.index, .deploy), to: name)
    }
  }

  /// It compiles its canary in new code, or the old one stays.
  private func renewParent(of name: PoolName, _ environment: String?) async throws(DeployFailure) {
    pools[name]?.parents?.renewal = nil
    feedParents(.renew(.deploy(environment: environment)), of: name)
    let limit = (pools[name]?.machine.policy.preload?.readyTimeout ?? .zero) + Self.deployPatience
    _ = await wait(within: limit) { supervisor in
      supervisor.pools[name]?.parents?.renewal != nil || supervisor.pools[name]?.parents == nil
    }
    guard let renewal = pools[name]?.parents?.renewal else {
      throw DeployFailure(why: "the new parent was not heard of within \(limit.short)")
    }
    do { try renewal.get() } catch { throw error }
  }

  /// One worker is replaced; only if its successor gets ready is there a reason to touch the others.
  private func prove(_ old: WorkerID) async throws(DeployFailure) {
    feed(.restart(slot: old.slot.index, .deploy), to: old.pool)
    // The governor has the say when; what it allowed comes to an end by itself.
    while !(await wait(within: Self.longestReload) { $0.isProven(old) || $0.hasNoProof(old) }) {}
    guard !isProven(old) else { return }
    feed(.forget(slot: old.slot.index, .deploy), to: old.pool)
    throw DeployFailure(
      why: mayReload ? "the first new worker, \(old.slot), did not get ready; see: masterpool events" : "stopping")
  }

  private func isProven(_ old: WorkerID) -> Bool { incumbent(of: old.slot).map { $0 > old.generation } ?? false }

  private func hasNoProof(_ old: WorkerID) -> Bool {
    guard mayReload, let slot = slot(old.slot), slot.isWanted else { return true }
    return slot.backOff.failures > 0
  }

  private func incumbent(of id: SlotID) -> Generation? { slot(id)?.incumbent?.generation }
  private func isHeld(_ id: SlotID) -> Bool { slot(id)?.isHeld ?? true }
  private func slot(_ id: SlotID) -> Slot? { pools[id.pool]?.machine.slots.first { $0.id == id } }

  // MARK: Watching

  /// The folders of the settings in force, and no others. Looked through off the actor.
  func arrangeDeployWatches() {
    let wanted = Dictionary(uniqueKeysWithValues: plan.pools.map { ($0.name, $0.deploy) })
    for (name, policy) in watchedDeploys where wanted[name] != policy {
      deployWatches.removeValue(forKey: name)?.end()
      watchedDeploys[name] = nil
    }
    for (name, policy) in wanted where watchedDeploys[name] == nil && !policy.watch.isEmpty {
      watchedDeploys[name] = policy
      Task {
        let watch = await Task.detached { DeployWatch(policy) }.value
        guard watchedDeploys[name] == policy, deployWatches[name] == nil else { return watch.end() }
        deployWatches[name] = watch
        log.append(
          .deploy, "\(name): watching \(watch.watchCount) folders of \(policy.watch.joined(separator: ", "))",
          pool: name)
      }
    }
  }
}
