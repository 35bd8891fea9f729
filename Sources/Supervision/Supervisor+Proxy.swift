import Glibc
import Logging
import Pool

/// A proxy's life: started on the listeners, followed, replaced at once when it dies, told to leave.
extension Supervisor {
  /// A proxy that lived longer than this died of something else than its start.
  static let proxyIsSettledAfter = Duration.seconds(10)
  /// Beyond its drain, for idle connections that are left to the agents.
  static let proxyLinger = Duration.seconds(10)

  /// The one that new connections go to, under the settings in force.
  func startProxy() {
    do { try spawnProxy(plan.proxy, with: watch, on: listeners, as: .current) } catch {
      log.append(.proxy, "no proxy was started: \(error)")
      retryProxy()
    }
  }

  @discardableResult
  func spawnProxy(
    _ configuration: ProxyConfiguration, with files: FileWatch, on listeners: [Listener], as role: ManagedProxy.Role
  ) throws -> Int {
    let generation = proxies.nextGeneration()
    let (link, descriptor) = try ProxyLink.make()
    defer { close(descriptor) }
    let door = try makeDoor(generation)
    defer { door.close() }
    let copies = files.copies
    let order = LaunchOrder.proxy(
      plan.executable, link: descriptor, door: door.descriptor, listeners: listeners,
      copies: copies.map(\.copy.descriptor), runDirectory: plan.runDirectory)
    let child = try ChildProcess.spawn(order)
    var proxy = ManagedProxy(
      generation: generation, child: child, link: link, spawned: Clock.now(), configuration: configuration,
      role: role, lastHeard: Clock.now())
    // They come last in the order.
    let numbers = order.inherited.suffix(copies.count).map(\.number)
    proxy.copies = Dictionary(uniqueKeysWithValues: zip(copies.map(\.path), numbers))
    proxy.door = doorPath(generation)
    proxy.program = ProgramIdentity(version: plan.version, path: plan.executable)
    proxies.add(proxy)
    noteChange()
    log.append(.proxy, "proxy \(generation) started, pid \(child.pid)")
    follow(child, link, generation)
    return generation
  }

  private func doorPath(_ generation: Int) -> String { "\(plan.runDirectory)/proxy.\(generation).sock" }

  /// The socket where the proxy lets another supervisor in, should we die.
  private func makeDoor(_ generation: Int) throws(SupervisorFailure) -> Listener {
    let path = doorPath(generation)
    let door = try Listener.bind(.unix(path: path))
    chmod(path, 0o600)
    return door
  }

  func follow(_ child: ChildProcess, _ link: ProxyLink, _ generation: Int) {
    var output = Logger(label: "proxy")
    output[metadataKey: "proxy"] = "\(generation)"
    output[metadataKey: "pid"] = "\(child.pid)"
    output.follow(child)
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

  private func noteProxyExit(_ generation: Int, _ status: ExitStatus) {
    guard let ended = proxies.remove(generation) else { return }
    unlink(ended.door)
    noteChange()
    log.append(.proxy, "proxy \(generation) ended: \(status)")
    forget(ended)
    switch phase {
    case .starting, .running: if case .current = ended.role { replace(ended, status) }
    case .drainingProxy: if proxies.isEmpty { stopPools() }
    case .stoppingPools, .stopped: break
    }
    if proxies.serving.count == 1 { proxies.serving.forEach(stopSharing) } else { tellHoldings() }
    closeForsakenListeners(by: generation)
    endRemovedPools()
    forgetRunsOfRemovedPools()
    wakeWaiters()
  }

  func stopSharing(_ proxy: ManagedProxy) {
    proxies[proxy.generation]?.holding = nil
    proxies[proxy.generation]?.elsewhere = []
    proxy.link.send(.share(false))
    proxy.link.send(.tellRuns(anew: false, atOnce: false))
  }

  private func replace(_ ended: ManagedProxy, _ status: ExitStatus) {
    proxyRestarts += 1
    log.occur(
      Notice(
        .proxyCrash, subject: "proxy", summary: "proxy \(ended.generation) ended though it was to go on: \(status)"))
    proxyFailures = Clock.now() - ended.spawned > Self.proxyIsSettledAfter ? 0 : proxyFailures + 1
    proxyFailures <= 1 ? startProxy() : retryProxy()
  }

  /// What it counted is kept, and what was awaited of it is over.
  private func forget(_ ended: ManagedProxy) {
    for part in ended.counters.pools {
      guard let earlier = pools[part.pool]?.earlier else { continue }
      pools[part.pool]?.earlier = earlier + part.ended
    }
    for (name, pool) in pools {
      for id in pool.workers.keys {
        pools[name]?.workers[id]?.keepCounters(of: ended.generation)
        noteRetired(id, at: ended.generation)
        noteDrained(id, at: ended.generation)
      }
    }
  }

  private func retryProxy() {
    let delay = min(Duration.seconds(5), .milliseconds(50) * (1 << min(proxyFailures, 10)))
    Task {
      try? await Task.sleep(for: delay)
      switch phase {
      // A reload may have brought one meanwhile.
      case .starting, .running: if proxies.current == nil { startProxy() }
      case .drainingProxy: if proxies.isEmpty { stopPools() }
      case .stoppingPools, .stopped: break
      }
    }
  }

  /// A proxy reports once a second: one that has been silent for long is stuck, and another takes its place.
  func replaceSilentProxies() {
    let limit = plan.proxy.limits.maxSilence
    for proxy in proxies.serving where judgedNow - proxy.lastHeard > limit {
      log.append(.proxy, "proxy \(proxy.generation) has been silent for \(limit.short): killed")
      proxy.child.signal(SIGKILL)
    }
  }

  /// The access log's file was renamed; whoever writes to it goes on under its name.
  public func reopenLogs() {
    logger.info("opening the access log anew")
    for proxy in proxies.all { proxy.link.send(.reopenLogs) }
  }

  func stopProxies(within drain: Duration) {
    guard !proxies.isEmpty else { return stopPools() }
    for proxy in proxies.all { stop(proxy, within: drain) }
  }

  /// It accepts no more, and ends when its requests are finished or its time is over.
  func stop(_ proxy: ManagedProxy, within drain: Duration) {
    proxies[proxy.generation]?.end = Clock.now() + drain
    noteChange()
    proxy.link.send(.stop(within: drain))
    Task {
      try? await Task.sleep(for: drain + Self.proxyLinger)
      // Whoever is still there then is not going to be.
      proxy.child.signal(SIGKILL)
    }
  }
}
