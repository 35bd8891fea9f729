import Glibc
import Pool

/// The proxy as the supervisor holds it.
struct ManagedProxy {
  let generation: Int
  let child: ChildProcess
  let link: ProxyLink
  let spawned: Instant
  var isServing = false
  var counters = ProxyCounters()
  /// When it last said anything.
  var lastHeard: Instant
}

/// The proxy's life: started on the listeners, told of the workers, replaced at once when it dies.
extension Supervisor {
  /// A proxy that lived longer than this died of something else than its start.
  static let proxyIsSettledAfter = Duration.seconds(10)
  static let longestSilence = Duration.seconds(30)
  /// Beyond its drain, for idle connections that are left to the agents.
  static let proxyLinger = Duration.seconds(10)

  func startProxy() {
    proxyGeneration += 1
    let generation = proxyGeneration
    do {
      let (link, descriptor) = try ProxyLink.make()
      defer { close(descriptor) }
      let child = try ChildProcess.spawn(.proxy(plan.executable, link: descriptor, listeners: listeners))
      roster.add(.init(name: "proxy", pid: child.pid, startTime: child.startTime))
      proxy = ManagedProxy(
        generation: generation, child: child, link: link, spawned: Clock.now(), lastHeard: Clock.now())
      log.append(.proxy, "proxy \(generation) started, pid \(child.pid)")
      follow(child, link, generation)
    } catch {
      log.append(.proxy, "proxy \(generation) was not started: \(error)")
      retryProxy()
    }
  }

  private func follow(_ child: ChildProcess, _ link: ProxyLink, _ generation: Int) {
    var output = logger
    output[metadataKey: "proxy"] = "\(generation)"
    output[metadataKey: "pid"] = "\(child.pid)"
    Task { [output] in
      for await line in child.output { output.info("\(line.text)") }
    }
    let reports = Task {
      for await report in link.reports { take(report, from: generation) }
    }
    Task {
      let status = await child.exit()
      // Its last words come before its end.
      await reports.value
      noteProxyExit(generation, status)
    }
  }

  private func take(_ report: ProxyReport, from generation: Int) {
    guard proxy?.generation == generation else { return }
    proxy?.lastHeard = Clock.now()
    switch report {
    case .hello(let version, let pid): greet(version: version, pid: pid)
    case .serving: proxyServes()
    case .refused(let why): proxyRefuses(why)
    case .drained(let id): feed(.drained(id), to: id.pool)
    case .retired(let counters):
      note(counters)
      pools[counters.worker.pool]?.workers[counters.worker]?.isRetired = true
      endRetirement(of: counters.worker)
    case .reserved(let id): Task { await probeReserved(id) }
    case .busy(let id): pools[id.pool]?.workers[id]?.isProbed = false
    case .overdue(let id, let age): feed(.overdue(id, age: age), to: id.pool)
    case .unreachable(let id, let why):
      logger.warning("the proxy could not use \(id): \(why)", metadata: ["pool": "\(id.pool)"])
    case .counters(let counters): note(counters)
    case .finished: break
    }
  }

  private func greet(version: Int, pid: Int32) {
    guard version == Link.version else {
      logger.critical("proxy \(pid) speaks version \(version) of the link, not \(Link.version)")
      proxy?.child.signal(SIGKILL)
      return
    }
    proxy?.link.send(.configure(plan.proxy))
  }

  /// The new proxy learns of every worker that serves; what drained under the old one has nothing left to finish.
  private func proxyServes() {
    proxy?.isServing = true
    log.append(.proxy, "proxy \(proxyGeneration) serves, pid \(proxy?.child.pid ?? 0)")
    for (name, pool) in pools {
      for slot in pool.machine.slots {
        guard let incumbent = slot.incumbent else { continue }
        let id = WorkerID(slot: slot.id, generation: incumbent.generation)
        guard let worker = pool.workers[id], worker.exit == nil else { continue }
        pools[name]?.workers[id]?.isAdmitted = true
        proxy?.link.send(.admit(id, worker.endpoint))
        if slot.isHeld { proxy?.link.send(.drain(id)) }
      }
    }
    noteReadiness()
    tellFiles()
  }

  private func proxyRefuses(_ why: String) {
    log.append(.proxy, "proxy \(proxyGeneration) cannot use the settings: \(why)")
    if case .starting = phase { fail(.proxyRefused(why)) }
  }

  private func note(_ counters: ProxyCounters) {
    proxy?.counters = counters
    for pool in counters.pools { pools[pool.pool]?.counters = pool }
    for worker in counters.workers { note(worker) }
  }

  private func note(_ counters: WorkerCounters) {
    let id = counters.worker
    guard pools[id.pool]?.workers[id] != nil else { return }
    pools[id.pool]?.workers[id]?.current = counters
    guard let total = pools[id.pool]?.workers[id]?.requestsTotal else { return }
    feed(.served(id, requests: total), to: id.pool)
  }

  private func noteProxyExit(_ generation: Int, _ status: ExitStatus) {
    guard let ended = proxy, ended.generation == generation else { return }
    proxy = nil
    roster.remove(pid: ended.child.pid)
    log.append(.proxy, "proxy \(generation) ended: \(status)")
    forgetProxy()
    switch phase {
    case .starting, .running:
      proxyFailures = Clock.now() - ended.spawned > Self.proxyIsSettledAfter ? 0 : proxyFailures + 1
      proxyFailures <= 1 ? startProxy() : retryProxy()
    case .drainingProxy: stopPools()
    case .stoppingPools, .stopped: break
    }
  }

  private func forgetProxy() {
    for (name, pool) in pools {
      pools[name]?.earlierSheds += pool.counters.shedTotal
      pools[name]?.earlierShedsByCause = zip(pool.earlierShedsByCause, pool.counters.sheds).map { $0 + $1 }
      pools[name]?.counters = PoolCounters(pool: name)
      for id in pool.workers.keys {
        pools[name]?.workers[id]?.keepCounters()
        endRetirement(of: id)
        feed(.drained(id), to: name)
      }
    }
  }

  private func retryProxy() {
    let delay = min(Duration.seconds(5), .milliseconds(50) * (1 << min(proxyFailures, 10)))
    Task {
      try? await Task.sleep(for: delay)
      switch phase {
      case .starting, .running: startProxy()
      case .drainingProxy: stopPools()
      case .stoppingPools, .stopped: break
      }
    }
  }

  /// A proxy reports once a second: one that has been silent for long is stuck, and another takes its place.
  func replaceSilentProxy() {
    guard let proxy, proxy.isServing, Clock.now() - proxy.lastHeard > Self.longestSilence else { return }
    log.append(.proxy, "proxy \(proxy.generation) has been silent for \(Self.longestSilence.short): killed")
    proxy.child.signal(SIGKILL)
  }

  /// The access log's file was renamed; whoever writes to it goes on under its name.
  public func reopenLogs() {
    logger.info("opening the access log anew")
    proxy?.link.send(.reopenLogs)
  }

  func stopProxy(within drain: Duration) {
    guard let proxy else { return stopPools() }
    proxy.link.send(.stop(within: drain))
    Task {
      try? await Task.sleep(for: drain + Self.proxyLinger)
      // Whoever is still there then is not going to be.
      proxy.child.signal(SIGKILL)
    }
  }
}
