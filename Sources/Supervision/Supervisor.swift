import FoundationEssentials
import Glibc
import Logging
import Pool

/// Owns the listening sockets, the workers, the proxy and the history; decides nothing by itself: events go to the
/// pools' machines, and what comes out of them is carried out here.
public actor Supervisor {
  enum Phase {
    case starting
    case running
    /// The proxy finishes its requests.
    case drainingProxy
    /// The proxy is gone, the workers go.
    case stoppingPools
    case stopped
  }

  var plan: SupervisorPlan
  /// Reads the settings again.
  private let planReader: @Sendable () -> PlanReading
  let logger: Logger
  let notifier: ServiceNotifier
  let slots: SlotDirectories
  let started = Clock.now()
  var phase = Phase.starting
  var pools: [PoolName: ManagedPool]
  var log: EventLog
  var random = SystemRandomNumberGenerator()
  var listeners: [Listener] = []
  var lock: InstanceLock?
  var roster: Roster
  /// Listeners that the settings have no more, and the proxies that may still accept there.
  var forsaken: [(listener: Listener, holders: Set<Int>)] = []
  var watch: FileWatch
  let capturer = Capturer()
  var controlGroups: ControlGroups?
  var outOfMemory = OutOfMemoryWatch()
  var proxies = ProxyFleet()
  /// What the proxies know of runs and places, by numbers that depend on the seed.
  var runs = RunRegister()
  var nodeSeed: NodeSeed
  private let seedFile: NodeSeedFile
  var isReloading = false
  /// Pools that a reload is starting.
  var comingPools: Set<PoolName> = []
  var waiters: [Waiter] = []
  /// The current proxy's short lives in a row.
  var proxyFailures = 0
  /// What Puppet said of its files, by pool.
  var puppetFiles: [PoolName: PuppetFilePlan] = [:]
  /// The latest asking, of several in a row.
  var describing: Task<Void, Never>?
  /// Puppet's own settings files as they were when it was asked, by pool.
  var puppetSettings: [PoolName: PuppetSettings] = [:]
  /// Workers whose final counters are awaited.
  var retirements: [WorkerID: CheckedContinuation<Void, Never>] = [:]
  private var ending: CheckedContinuation<Result<Void, SupervisorFailure>, Never>?
  private var outcome: Result<Void, SupervisorFailure>?

  /// Keeps what happened beyond our life; nil: nobody does.
  let ledger: (any LedgerKeeping)?
  /// When the workers' samples were last noted there.
  var lastSampled: Instant?

  /// - Parameter planReader: what a reload puts in force.
  public init(
    plan: SupervisorPlan, logger: Logger, environment: [String: String], ledger: (any LedgerKeeping)? = nil,
    planReader: @escaping @Sendable () -> PlanReading
  ) {
    self.plan = plan
    self.planReader = planReader
    watch = FileWatch(plan.proxy)
    self.logger = logger
    notifier = ServiceNotifier(environment: environment)
    slots = SlotDirectories(stateDirectory: plan.stateDirectory)
    pools = Dictionary(uniqueKeysWithValues: plan.pools.map { ($0.name, ManagedPool(plan: $0)) })
    self.ledger = ledger
    log = EventLog(logger: logger, ledger: ledger)
    nodeSeed = NodeSeed(using: &random)
    seedFile = NodeSeedFile(in: plan.runDirectory)
    roster = Roster(path: plan.runDirectory + "/processes.json")
  }

  /// Takes the run directory, clears what a dead predecessor left, and binds the listeners. Apart from `run`, so
  /// that a refusal is known before anything else is started.
  public func prepare() async throws(SupervisorFailure) {
    try makeDirectory(plan.stateDirectory, mode: 0o755)
    try makeDirectory(plan.runDirectory, mode: 0o755)
    lock = try InstanceLock.take(in: plan.runDirectory)
    nodeSeed = seedFile.seed(using: &random)
    await beginLedger()
    becomeSubreaper()
    findControlGroups()
    for remnant in await roster.endRemnants() {
      log.append(.supervisor, "ended \(remnant), left by an earlier supervisor")
    }
    try clearRemains()
    for pool in plan.pools { try makeFolders(for: pool) }
    for configuration in plan.proxy.listeners { listeners.append(try Listener.bind(configuration.address)) }
  }

  /// What earlier workers left is renamed aside before anything starts, and deleted while it runs.
  private func clearRemains() throws(SupervisorFailure) {
    do {
      let remains = try slots.setAsideRemains()
      Task {
        let left = await slots.delete(remains)
        for failure in left.failures { log.append(.wipeFailed, "left by earlier workers: \(failure)") }
        guard left.entries > 0 else { return }
        log.append(.wipe, "wiped \(left.entries) entries (\(ByteCount(bytes: left.bytes))) of earlier workers")
      }
    } catch {
      throw .cannotPrepare(path: plan.stateDirectory, why: "\(error)")
    }
  }

  /// Supervises until `stop`, or until the settings turn out to be unusable.
  public func run() async throws(SupervisorFailure) {
    let addresses = listeners.map(\.address.description).joined(separator: ", ")
    log.append(.supervisor, "masterpool \(plan.version) started, pid \(getpid()), listening on \(addresses)")
    startProxy()
    tellTime()
    for name in pools.keys { feed(.start, to: name) }
    let watching = Task { await watch() }
    let beating = Task { await beat() }
    let listening = Task { await followLedger() }
    let result = await withCheckedContinuation { continuation in
      if let outcome { continuation.resume(returning: outcome) } else { ending = continuation }
    }
    watching.cancel()
    beating.cancel()
    listening.cancel()
    await stopDescribing()
    for stray in ChildProcess.reapStrays() { logger.warning("killed stray process \(stray)") }
    listeners.forEach { $0.remove() }
    roster.remove()
    seedFile.remove()
    log.append(.supervisor, "masterpool stopped")
    log.finish()
    try result.get()
  }

  /// The first call drains and ends everything within the configured times, the second hurries.
  public func stop() {
    switch phase {
    case .starting, .running:
      phase = .drainingProxy
      log.append(.supervisor, "stopping: requests in flight may take \(plan.longestDrain.short)")
      notifier.stopping()
      listeners.forEach { $0.close() }
      forsaken.forEach { $0.listener.end() }
      forsaken = []
      stopProxies(within: plan.longestDrain)
      wakeWaiters()
    case .drainingProxy, .stoppingPools:
      log.append(.supervisor, "stopping at once")
      for proxy in proxies.all { proxy.child.signal(SIGKILL) }
      for name in pools.keys { feed(.hurry, to: name) }
    case .stopped: break
    }
  }

  /// No agent is served any more: the workers may go.
  func stopPools() {
    guard case .drainingProxy = phase else { return }
    phase = .stoppingPools
    for name in pools.keys { feed(.shutdown, to: name) }
    finishIfDone()
  }

  func finishIfDone() {
    guard case .stoppingPools = phase, pools.values.allSatisfy({ $0.workers.isEmpty && $0.machine.isFinished })
    else { return }
    end(.success(()))
  }

  /// A start that cannot succeed ends the workers too, and then the run with this failure.
  func fail(_ failure: SupervisorFailure) {
    logger.critical("\(failure)")
    outcome = .failure(failure)
    if case .starting = phase {} else if case .running = phase {} else { return }
    phase = .drainingProxy
    stopPools()
    for name in pools.keys { feed(.hurry, to: name) }
  }

  private func end(_ result: Result<Void, SupervisorFailure>) {
    phase = .stopped
    outcome = outcome ?? result
    ending?.resume(returning: outcome ?? result)
    ending = nil
  }

  /// Tells the service manager once, when agents can be served.
  func noteReadiness() {
    guard case .starting = phase, isServing else { return }
    phase = .running
    notifier.ready()
    log.append(.supervisor, "ready")
    describeFiles()
  }

  /// The proxy accepts, and every pool has a worker that takes requests.
  var isServing: Bool {
    proxies.current?.isServing == true && plan.pools.allSatisfy { isUp($0.name) }
  }

  /// It has a worker that takes requests, or is to have none.
  func isUp(_ name: PoolName) -> Bool {
    pools[name].map { $0.machine.readyCount > 0 || $0.machine.policy.size == 0 } ?? false
  }

  /// Off the actor: it looks at many files.
  func readPlan() async -> PlanReading {
    let reader = planReader
    return await Task.detached { reader() }.value
  }

  private func beat() async {
    guard let interval = notifier.watchdogInterval else { return }
    while !Task.isCancelled {
      notifier.watchdog()
      try? await Task.sleep(for: interval)
    }
  }
}
