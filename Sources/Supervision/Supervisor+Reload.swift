import Glibc
import Pool

/// New settings for what runs, all of them or none: they are read, what they need is bound and started, a proxy of
/// theirs serves, and only then is anything old let go.
extension Supervisor {
  /// A candidate that does not serve by then is not going to.
  static let candidatePatience = Duration.seconds(30)
  /// For the old proxies to let the listeners go.
  static let closingPatience = Duration.seconds(5)
  /// Beyond a new pool's own limit for getting ready.
  static let poolPatience = Duration.seconds(5)

  /// How often one that waits for its turn looks whether it was forgotten.
  static let longestReload = Duration.seconds(600)

  public enum ReloadCause: Sendable {
    /// The settings are read again.
    case asked(by: String)
    /// The same files as before, under these values.
    case set([String: String], isPersistent: Bool)
    /// The same settings, other files.
    case files([String])
    /// What was taken over runs under the settings of its time.
    case takenOver
  }

  /// One after the other: each starts from what the one before has left.
  @discardableResult
  public func reload(_ cause: ReloadCause) async -> ControlReply {
    while isReloading { _ = await wait(within: Self.longestReload) { !$0.isReloading } }
    isReloading = true
    if case .running = phase { notifier.reloading(at: Clock.now()) }
    let reply = await carryOut(cause)
    isReloading = false
    if case .running = phase { notifier.ready() }
    report(reply, cause)
    wakeWaiters()
    if cause.isTakeOver { wanted = nil }
    if case .asked = cause, case .accepted = reply {
      // Puppet's own settings may be others too.
      describeFiles()
    }
    return reply
  }

  private func carryOut(_ cause: ReloadCause) async -> ControlReply {
    guard mayReload else { return .refused(message: "masterpool is stopping") }
    let new: SupervisorPlan
    switch cause {
    case .asked:
      switch await readPlan() {
      case .plan(let plan): new = plan
      case .problems(let problems): return .refused(message: problems.joined(separator: "\n"))
      }
    case .set(let values, let isPersistent): return await set(values, isPersistent: isPersistent)
    case .files: new = plan
    case .takenOver: new = wanted ?? plan
    }
    let mustReplace = cause.isTakeOver && adoption?.replacesProxy == true
    let change = PlanChange(from: plan, to: new)
    guard change.refused.isEmpty else {
      let names = change.refused.joined(separator: ", ")
      return .refused(
        message: "\(names) cannot change while masterpool runs, so nothing was changed; restart masterpool, or put "
          + "\(names) back")
    }
    let files = watch.differences()
    do throws(ReloadFailure) {
      let workers = try await putInForce(
        new, change, needsProxy: change.needsProxy || !files.isEmpty || mustReplace)
      if cause.isAsked { dropOverrides() }
      return .accepted(message: words(change, files), workers: workers)
    } catch {
      return .refused(message: "\(error.why); nothing was changed")
    }
  }

  private func report(_ reply: ControlReply, _ cause: ReloadCause) {
    let what =
      switch cause {
      case .asked(let who): "reload by \(who)"
      case .files(let paths): "changed on disk: \(paths.joined(separator: ", "))"
      case .takenOver: "settings after taking over"
      case .set: "set"
      }
    let kind: Event.Kind = cause.isSet ? .command : .reload
    switch reply {
    case .accepted(let message, _): log.append(kind, "\(what): \(message.replacing("\n", with: "; "))")
    case .refused(let message):
      for line in message.split(separator: "\n") { log.append(kind, "\(what) refused: \(line)") }
      guard !cause.isSet else { return }
      let first = message.prefix { $0 != "\n" }
      log.occur(Notice(.reloadRefused, subject: "settings", summary: "\(what) refused: \(first)"))
    }
  }

  private func words(_ change: PlanChange, _ files: [String]) -> String {
    let changed = change.changed + files.map { "the content of \($0)" }
    let first = changed.isEmpty ? "nothing has changed" : "changed: \(changed.joined(separator: ", "))"
    return ([first] + consequences(of: change, needsProxy: change.needsProxy || !files.isEmpty)).joined(
      separator: "\n")
  }

  func consequences(of change: PlanChange, needsProxy: Bool) -> [String] {
    var lines: [String] = []
    if needsProxy, let current = proxies.current {
      lines.append("proxy \(current.generation) serves")
    }
    if !change.relaunchedPools.isEmpty {
      lines.append("recycling \(change.relaunchedPools.map(\.rawValue).joined(separator: ", ")), reload")
    }
    if !change.postponed.isEmpty {
      lines.append("needs a restart of masterpool: \(change.postponed.joined(separator: ", "))")
    }
    return lines
  }

  // MARK: In its order

  /// Returns the workers that are to be replaced.
  func putInForce(
    _ read: SupervisorPlan, _ change: PlanChange, needsProxy: Bool
  ) async throws(ReloadFailure) -> [WorkerID] {
    let new = read.keepingPlaces(of: plan)
    guard !change.isEmpty || needsProxy else {
      plan.texts = new.texts
      plan.account = new.account
      return []
    }
    for pool in new.pools { try attempt { () throws(SupervisorFailure) in try makeFolders(for: pool) } }
    let bound = try bindListeners(new.proxy.listeners)
    do throws(ReloadFailure) {
      comingPools = Set(change.addedPools)
      defer { comingPools = [] }
      try await startPools(new.pools.filter { change.addedPools.contains($0.name) })
      guard needsProxy else { return commit(new, change) }
      let watched = FileWatch(new.proxy)
      let successor = try await startCandidate(new.proxy, watched, bound.all)
      watch = watched
      handOver(to: successor, new.proxy, bound.all)
      let workers = commit(new, change)
      // Then nobody new meets the old settings, and the operator can be told.
      _ = await wait(within: Self.closingPatience) { $0.proxies.leaving.allSatisfy(\.isClosed) }
      return workers
    } catch {
      bound.new.forEach { $0.end() }
      for name in change.addedPools { shutDown(name) }
      throw error
    }
  }

  private func attempt(_ act: () throws(SupervisorFailure) -> Void) throws(ReloadFailure) {
    do throws(SupervisorFailure) { try act() } catch { throw ReloadFailure("\(error)") }
  }

  /// Those that stay keep their sockets, and with them the connections that wait there.
  private func bindListeners(
    _ wanted: [ListenerConfiguration]
  ) throws(ReloadFailure) -> (all: [Listener], new: [Listener]) {
    var free = listeners + forsaken.map(\.listener)
    var all: [Listener] = []
    var new: [Listener] = []
    for configuration in wanted {
      if let index = free.firstIndex(where: { $0.wanted == configuration.address }) {
        all.append(free.remove(at: index))
        continue
      }
      do throws(SupervisorFailure) {
        let listener = try Listener.bind(configuration.address)
        all.append(listener)
        new.append(listener)
      } catch {
        new.forEach { $0.end() }
        throw ReloadFailure("\(error)")
      }
    }
    return (all, new)
  }

  /// A route must not lead to a pool that cannot serve.
  private func startPools(_ plans: [PoolPlan]) async throws(ReloadFailure) {
    for plan in plans {
      if pools[plan.name] == nil { pools[plan.name] = ManagedPool(plan: plan) }
      pools[plan.name]?.plan = plan
      arrangeParents(of: plan.name, by: plan.policy.preload)
      feed(.reconfigure(plan.policy), to: plan.name)
    }
    for plan in plans {
      let name = plan.name
      let parent = plan.policy.preload?.wait ?? .zero
      _ = await wait(within: parent + plan.policy.ready.timeout + Self.poolPatience) { supervisor in
        supervisor.isUp(name) || supervisor.hasFailed(name) || !supervisor.mayReload
      }
      guard isUp(name) else {
        throw ReloadFailure("pool \(name) has no worker that gets ready; see: masterpool events")
      }
    }
  }

  private func hasFailed(_ name: PoolName) -> Bool {
    pools[name]?.machine.slots.contains { $0.isWanted && $0.backOff.failures > 0 } ?? true
  }

  var mayReload: Bool {
    switch phase {
    case .starting, .running: true
    case .drainingProxy, .stoppingPools, .stopped: false
    }
  }

  private func startCandidate(
    _ configuration: ProxyConfiguration, _ files: FileWatch, _ listeners: [Listener]
  ) async throws(ReloadFailure) -> Int {
    let candidate: Int
    do { candidate = try spawnProxy(configuration, with: files, on: listeners, as: .candidate) } catch {
      throw ReloadFailure("no proxy was started: \(error)")
    }
    _ = await wait(within: Self.candidatePatience) { supervisor in
      guard let proxy = supervisor.proxies[candidate] else { return true }
      return proxy.knowsWorkers || proxy.refusal != nil || !supervisor.mayReload
    }
    if let proxy = proxies[candidate], proxy.knowsWorkers, mayReload { return candidate }
    proxies[candidate]?.child.signal(SIGKILL)
    throw ReloadFailure(whyNot(candidate))
  }

  private func whyNot(_ candidate: Int) -> String {
    guard mayReload else { return "masterpool is stopping" }
    let ended = proxies.lastEnded.flatMap { $0.generation == candidate ? $0 : nil }
    if let why = (proxies[candidate] ?? ended)?.refusal { return "the proxy cannot use the settings: \(why)" }
    return proxies[candidate] == nil
      ? "the new proxy ended before it served"
      : "the new proxy did not serve within \(Self.candidatePatience.short)"
  }

  /// The candidate serves and knows the workers: from now on it is the one, and the others leave.
  private func handOver(to successor: Int, _ configuration: ProxyConfiguration, _ bound: [Listener]) {
    let former = proxies.promote(successor)
    proxyFailures = 0
    let holders = Set(former.map(\.generation))
    forsaken.removeAll { old in bound.contains { $0 === old.listener } }
    for listener in listeners where !bound.contains(where: { $0 === listener }) {
      forsaken.append((listener, holders))
    }
    listeners = bound
    for proxy in former { stop(proxy, within: configuration.limits.drain) }
    closeForsakenListeners(by: nil)
  }

  /// All that is new stands; nothing in here awaits.
  private func commit(_ new: SupervisorPlan, _ change: PlanChange) -> [WorkerID] {
    let old = plan
    plan = new
    new.adopted()
    if old.ledger != new.ledger { ledger?.change(to: new.ledger) }
    if old.nodes != new.nodes { changeNodePolicy(to: new.nodes) }
    if old.notify != new.notify { changeNoticePolicy(to: new.notify) }
    let replaced = changePools(from: old, change)
    endRemovedPools()
    arrangeDeployWatches()
    noteReadiness()
    return replaced
  }

  private func changePools(from old: SupervisorPlan, _ change: PlanChange) -> [WorkerID] {
    var replaced: [WorkerID] = []
    for new in plan.pools {
      guard let former = old.pools.first(where: { $0.name == new.name }), former != new,
        let machine = pools[new.name]?.machine
      else { continue }
      pools[new.name]?.plan = new
      var policy = new.policy
      // What `scale` made of it stays, unless the file says something new.
      if former.policy.size == new.policy.size { policy.size = machine.policy.size }
      feed(.reconfigure(policy), to: new.name)
      arrangeParents(of: new.name, by: policy.preload)
      guard change.relaunchedPools.contains(new.name) else { continue }
      feedParents(.renew(.reload), of: new.name)
      replaced += machine.slots.filter { $0.isWanted && $0.id.index < policy.size }.compactMap { occupant(of: $0.id) }
      feed(.restart(slot: nil, .reload), to: new.name)
    }
    return replaced
  }

  // MARK: What the old generations leave

  /// Once none of them accepts at it any more. `shutdown` ends it for all who hold it.
  func closeForsakenListeners(by generation: Int?) {
    for index in forsaken.indices {
      if let generation { forsaken[index].holders.remove(generation) }
      guard forsaken[index].holders.isEmpty else { continue }
      forsaken[index].listener.end()
    }
    forsaken.removeAll { $0.holders.isEmpty }
  }

  /// A pool that the settings have no more ends when no living proxy leads to it.
  func endRemovedPools() {
    guard mayReload else { return }
    let wanted = comingPools.union(plan.pools.map(\.name))
    for name in pools.keys where !wanted.contains(name) && !proxies.all.contains(where: { $0.knows(name) }) {
      shutDown(name)
    }
  }
}

/// Why new settings were not put in force.
struct ReloadFailure: Error {
  var why: String
  init(_ why: String) { self.why = why }
}

extension Supervisor.ReloadCause {
  fileprivate var isTakeOver: Bool {
    switch self {
    case .asked, .set, .files: false
    case .takenOver: true
    }
  }

  fileprivate var isAsked: Bool {
    switch self {
    case .asked: true
    case .set, .files, .takenOver: false
    }
  }

  fileprivate var isSet: Bool {
    switch self {
    case .set: true
    case .asked, .files, .takenOver: false
    }
  }
}
