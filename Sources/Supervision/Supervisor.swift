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
  private let planReader: @Sendable (PlanRequest) -> PlanReading
  /// Nil: nothing is set for good.
  let keeper: SettingsKeeper?
  /// What is set above the files until they are read again.
  var overrides: [SettingOverride] = []
  let logger: Logger
  let notifier: ServiceNotifier
  let slots: SlotDirectories
  let started = Clock.now()
  /// When we last looked around; nil: not yet.
  var lastBeat: Instant?
  var phase = Phase.starting
  var pools: [PoolName: ManagedPool]
  var log: EventLog
  var random = SystemRandomNumberGenerator()
  var listeners: [Listener] = []
  var lock: InstanceLock?
  /// What the state file is written for; before that an earlier supervisor's is still in it.
  var isKeepingState = false
  var stateDue: Instant?
  var hasFailedToWrite = false
  /// Our own program as it was when we started, and how it is started anew; nil: nobody has said.
  let program: ProgramIdentity
  let successor: SuccessorPlan?
  let bootID = RuntimeState.currentBootID()
  /// The settings as they are now, while what was taken over is still under those it had.
  var wanted: SupervisorPlan?
  var adoption: Adoption?
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
  /// Proxies that ended though they were to go on.
  var proxyRestarts = 0
  /// What Puppet said of its files, by pool.
  var puppetFiles: [PoolName: PuppetFilePlan] = [:]
  /// The latest asking, of several in a row.
  var describing: Task<Void, Never>?
  /// Puppet's own settings files as they were when it was asked, by pool.
  var puppetSettings: [PoolName: PuppetSettings] = [:]
  /// Deploys under way, and what notices changed code, by pool.
  var deploys: [PoolName: DeployDesk] = [:]
  var deployWatches: [PoolName: DeployWatch] = [:]
  var watchedDeploys: [PoolName: DeployPolicy] = [:]
  /// Workers whose final counters are awaited.
  var retirements: [WorkerID: CheckedContinuation<Void, Never>] = [:]
  private(set) var isLeaving = false
  private var ending: CheckedContinuation<Result<Void, SupervisorFailure>, Never>?
  private var outcome: Result<Void, SupervisorFailure>?

  /// Keeps what happened beyond our life; nil: nobody does.
  let ledger: (any LedgerKeeping)?
  /// What the proxies say of nodes, and who is to be told of.
  var nodes: NodeBook
  var silentNodes = NodeHerald()
  var returnedNodes = NodeHerald()
  var nodesKept = Clock.now()
  /// What is wrong and who is to be told of it, and how the last worker of each slot that fails has ended.
  var notices: NoticeBook
  let courier: NoticeCourier
  var slotFailures: [SlotID: String] = [:]
  /// When the workers' samples were last noted there.
  var lastSampled: Instant?

  /// - Parameters:
  ///   - successor: what `upgrade` starts.
  ///   - planReader: what a reload or `set` puts in force.
  public init(
    plan: SupervisorPlan, logger: Logger, environment: [String: String], ledger: (any LedgerKeeping)? = nil,
    successor: SuccessorPlan? = nil, keeper: SettingsKeeper? = nil,
    planReader: @escaping @Sendable (PlanRequest) -> PlanReading
  ) {
    self.plan = plan
    self.keeper = keeper
    self.planReader = planReader
    watch = FileWatch(plan.proxy)
    self.logger = logger
    notifier = ServiceNotifier(environment: environment)
    program = ProgramIdentity(version: plan.version, path: plan.executable)
    self.successor = successor
    slots = SlotDirectories(stateDirectory: plan.stateDirectory)
    pools = Dictionary(uniqueKeysWithValues: plan.pools.map { ($0.name, ManagedPool(plan: $0)) })
    self.ledger = ledger
    log = EventLog(logger: logger, ledger: ledger)
    nodes = NodeBook(policy: plan.nodes)
    notices = NoticeBook(policy: plan.notify)
    courier = NoticeCourier(policy: plan.notify)
    nodeSeed = NodeSeed(using: &random)
    seedFile = NodeSeedFile(in: plan.runDirectory)
  }

  /// Takes the run directory, takes over or clears what a dead predecessor left, and binds the listeners. Apart from
  /// `run`, so that a refusal is known before anything else is started.
  public func prepare() async throws(SupervisorFailure) {
    try makeDirectory(plan.stateDirectory, mode: 0o755)
    try makeDirectory(plan.runDirectory, mode: 0o755)
    lock = try InstanceLock.take(in: plan.runDirectory)
    nodeSeed = seedFile.seed(using: &random)
    await beginLedger()
    await loadNodes()
    becomeSubreaper()
    findControlGroups()
    try await takeOver()
    try clearRemains()
    for pool in plan.pools { try makeFolders(for: pool) }
    guard adoption == nil else { return }
    for configuration in plan.proxy.listeners { listeners.append(try Listener.bind(configuration.address)) }
  }

  /// What earlier workers left is renamed aside before anything starts, and deleted while it runs.
  private func clearRemains() throws(SupervisorFailure) {
    do {
      let parents = pools.compactMapValues { pool in pool.parents.map { Set($0.processes.keys) } }
      let remains = try slots.setAsideRemains(
        keeping: Set(pools.values.flatMap(\.workers.keys)), parents: parents)
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
    isKeepingState = true
    for name in pools.keys { arrangeParents(of: name, by: pools[name]?.machine.policy.preload) }
    for name in pools.keys { resumeParents(of: name) }
    tellTime()
    if adoption != nil {
      await resume()
    } else {
      startProxy()
      for name in pools.keys { feed(.start, to: name) }
    }
    arrangeDeployWatches()
    writeState()
    let watching = Task { await watch() }
    let beating = Task { await beat() }
    let listening = Task { await followLedger() }
    let hearing = Task { await followCourier() }
    let result = await withCheckedContinuation { continuation in
      if let outcome = isLeaving ? .success(()) : outcome {
        continuation.resume(returning: outcome)
      } else {
        ending = continuation
      }
    }
    // The watchdog goes on as long as this may take.
    if !isLeaving { await tellTheLast() }
    watching.cancel()
    beating.cancel()
    listening.cancel()
    hearing.cancel()
    await stopDescribing()
    if !isLeaving { clearUp() }
    keepNodes()
    log.append(.supervisor, isLeaving ? "masterpool left" : "masterpool stopped")
    log.finish()
    try result.get()
  }

  /// Nobody comes after us who could want it.
  private func clearUp() {
    for stray in ChildProcess.reapStrays() { logger.warning("killed stray process \(stray)") }
    listeners.forEach { $0.remove() }
    seedFile.remove()
    isKeepingState = false
    RuntimeState.remove(in: plan.runDirectory)
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

  /// Ends alone, as if killed, but in good order: proxy and workers serve on, for the next supervisor to take over.
  /// Without effect once it is stopping.
  public func leave() {
    guard mayReload, !isLeaving else { return }
    isLeaving = true
    log.append(.supervisor, "leaving: proxy and workers serve on, and the next masterpool takes them over")
    notifier.stopping()
    writeState()
    // What happens in our last moments is still written down: the phase stays as it is.
    ending?.resume(returning: .success(()))
    ending = nil
  }

  /// No agent is served any more: the workers may go.
  func stopPools() {
    guard case .drainingProxy = phase else { return }
    phase = .stoppingPools
    for name in pools.keys { shutDown(name) }
    finishIfDone()
  }

  func shutDown(_ name: PoolName) {
    feedParents(.shutdown, of: name)
    feed(.shutdown, to: name)
  }

  func finishIfDone() {
    guard case .stoppingPools = phase,
      pools.values.allSatisfy({ $0.workers.isEmpty && $0.machine.isFinished && $0.parents?.isFinished ?? true })
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
  func readPlan(_ request: PlanRequest = PlanRequest()) async -> PlanReading {
    let reader = planReader
    return await Task.detached { reader(request) }.value
  }

  private func beat() async {
    guard let interval = notifier.watchdogInterval else { return }
    while !Task.isCancelled {
      notifier.watchdog()
      try? await Task.sleep(for: interval)
    }
  }
}
