import Glibc
import Pool

/// What the proxies say. Several may live, and each was told of every worker: a worker is drained or retired when all
/// that know it have said so, and what it served is the sum of what they counted.
extension Supervisor {
  /// How long a new proxy's start waits for the others to say what they hold.
  static let holdingsPatience = Duration.milliseconds(500)

  func take(_ report: ProxyReport, from generation: Int) {
    guard let proxy = proxies[generation] else { return }
    proxies[generation]?.lastHeard = Clock.now()
    switch report {
    case .hello(let version, let pid): greet(proxy, version: version, pid: pid)
    case .serving: proxyServes(proxy)
    case .closed:
      proxies[generation]?.isClosed = true
      closeForsakenListeners(by: generation)
      wakeWaiters()
    case .refused(let why): proxyRefuses(proxy, why)
    case .drained(let id): noteDrained(id, at: generation)
    case .retired(let counters):
      note(counters, from: generation)
      noteRetired(counters.worker, at: generation)
    case .reserved(let id): Task { await probeReserved(id, at: generation) }
    case .busy(let id): if isProbed(id, at: generation) { pools[id.pool]?.workers[id]?.probedAt = nil }
    case .holding(let held):
      proxies[generation]?.holding = held
      tellHoldings()
    case .runs(let news): pass(news, from: generation)
    case .nodes(let news): take(news)
    case .runsTold:
      proxies[generation]?.hasToldRuns = true
      wakeWaiters()
    case .overdue(let id, let age, let node): Task { await takeOverdue(id, age: age, node: node) }
    case .suspect(let suspect): take(suspect)
    case .unreachable(let id, let why):
      logger.warning("the proxy could not use \(id): \(why)", metadata: ["pool": "\(id.pool)"])
    case .counters(let counters): note(counters, from: generation)
    case .account(let account): reconcile(proxy, account)
    case .finished: break
    }
  }

  private func greet(_ proxy: ManagedProxy, version: Int, pid: Int32) {
    guard version == Link.version else {
      logger.critical("proxy \(pid) speaks version \(version) of the link, not \(Link.version)")
      proxy.child.signal(SIGKILL)
      return
    }
    configure(proxy.generation)
  }

  private func proxyServes(_ proxy: ManagedProxy) {
    proxies[proxy.generation]?.isServing = true
    log.append(.proxy, "proxy \(proxy.generation) serves, pid \(proxy.child.pid)")
    guard proxies.overlaps else { return introduce(proxy.generation) }
    // Nobody may keep a connection that the others wait behind; and which workers are busy is known before the new one
    // sends them anything.
    proxies.serving.forEach { $0.link.send(.share(true)) }
    Task {
      _ = await wait(within: Self.holdingsPatience) { supervisor in
        supervisor.proxies.serving.allSatisfy { $0.holding != nil }
      }
      introduce(proxy.generation)
    }
  }

  /// Each proxy hears what all the others hold.
  func tellHoldings() {
    for proxy in proxies.serving {
      let others = proxies.serving.filter { $0.generation != proxy.generation }.flatMap { $0.holding ?? [] }
      guard others != proxy.elsewhere else { continue }
      proxies[proxy.generation]?.elsewhere = others
      proxy.link.send(.elsewhere(others))
    }
    wakeWaiters()
  }

  /// It learns of every worker that serves; what drains under earlier ones is no business of its.
  private func introduce(_ generation: Int) {
    guard let proxy = proxies[generation] else { return }
    proxies[generation]?.knowsWorkers = true
    if !quarantinedNodes.isEmpty { proxy.link.send(.quarantine(quarantinedNodes)) }
    for (name, pool) in pools {
      for slot in pool.machine.slots {
        guard let incumbent = slot.incumbent else { continue }
        let id = WorkerID(slot: slot.id, generation: incumbent.generation)
        guard let worker = pool.workers[id], worker.exit == nil else { continue }
        pools[name]?.workers[id]?.admittedTo.insert(proxy.generation)
        proxy.link.send(.admit(id, worker.endpoint))
        if slot.isHeld { proxy.link.send(.drain(id)) }
      }
    }
    // What it heard of workers that it did not know yet is said again.
    if proxy.elsewhere != [] { proxy.link.send(.elsewhere(proxy.elsewhere)) }
    tellFiles(to: proxy)
    noteReadiness()
    wakeWaiters()
  }

  private func proxyRefuses(_ proxy: ManagedProxy, _ why: String) {
    proxies[proxy.generation]?.refusal = why
    log.append(.proxy, "proxy \(proxy.generation) cannot use the settings: \(why)")
    if case .starting = phase, !proxy.isCandidate { fail(.proxyRefused(why)) }
  }

  // MARK: Workers

  private func note(_ counters: ProxyCounters, from generation: Int) {
    proxies[generation]?.counters = counters
    for worker in counters.workers { note(worker, from: generation) }
    tellLoad()
  }

  private func note(_ counters: WorkerCounters, from generation: Int) {
    let id = counters.worker
    guard pools[id.pool]?.workers[id] != nil else { return }
    pools[id.pool]?.workers[id]?.note(counters, from: generation)
    guard let total = pools[id.pool]?.workers[id]?.requestsTotal else { return }
    feed(.served(id, requests: total), to: id.pool)
  }

  /// The last of them to say it ends the drain.
  func noteDrained(_ id: WorkerID, at generation: Int) {
    guard pools[id.pool]?.workers[id]?.drainingAt.remove(generation) != nil,
      pools[id.pool]?.workers[id]?.drainingAt.isEmpty == true
    else { return }
    feed(.drained(id), to: id.pool)
  }

  func noteRetired(_ id: WorkerID, at generation: Int) {
    guard pools[id.pool]?.workers[id]?.retiringAt.remove(generation) != nil else { return }
    pools[id.pool]?.workers[id]?.admittedTo.remove(generation)
    if pools[id.pool]?.workers[id]?.retiringAt.isEmpty == true { endRetirement(of: id) }
  }

  func isProbed(_ id: WorkerID, at generation: Int) -> Bool {
    pools[id.pool]?.workers[id]?.probedAt == generation
  }
}
