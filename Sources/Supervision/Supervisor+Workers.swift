import FoundationEssentials
import Glibc
import Logging
import Pool

/// A worker's life, in its order: start, ready, exit, burial.
extension Supervisor {
  /// How long a proxy that is alive may take to give a worker's final counters.
  static let retirementTimeout = Duration.seconds(2)

  /// Forked from the pool's parent where it is to have one, else by itself.
  func start(_ id: WorkerID) {
    guard pools[id.pool]?.machine.policy.preload != nil, pools[id.pool]?.parents != nil else { return startCold(id) }
    feedParents(.wanted(id), of: id.pool)
  }

  func startCold(_ id: WorkerID) {
    do {
      welcome(try spawn(id), "started")
    } catch {
      if error is WipeFailure { log.append(.wipeFailed, "\(id) was not started: \(error)", worker: id) }
      // Told from a task of its own: the machine is in the middle of its effects.
      Task { await abandonStart(id, "\(error)") }
    }
  }

  /// No process came of it.
  func abandonStart(_ id: WorkerID, _ why: String) async {
    if let asides = try? slots.setAside(worker: id, wipe: []) { _ = await slots.delete(asides) }
    feed(.startFailed(id, why), to: id.pool)
  }

  /// A process that runs; nothing has been asked of it yet.
  func welcome(_ worker: ManagedWorker, _ how: String) {
    let id = worker.id
    pools[id.pool]?.workers[id] = worker
    log.append(.spawn, "\(id) \(how), pid \(worker.child.pid)", worker: id)
    follow(worker, id, isReady: false)
  }

  private func spawn(_ id: WorkerID) throws -> ManagedWorker {
    guard let plan = pools[id.pool]?.plan else { throw SpawnFailure.executableMissing("") }
    let asked = Clock.now()
    let place = try preparePlace(for: id, plan)
    var order = LaunchOrder(
      plan.launch, worker: id, directory: place.directory, endpoint: place.endpoint,
      runDirectory: self.plan.runDirectory)
    let group = controlGroups?.make(for: id, memoryLimit: plan.policy.recycle.memoryLimit)
    order.groupEntrance = group?.entrance
    let child = try ChildProcess.spawn(order)
    var worker = ManagedWorker(
      id: id, endpoint: place.endpoint, directory: place.directory, wipe: plan.launch.cache.wipe, child: child,
      spawned: asked)
    worker.group = group
    return worker
  }

  /// Shared caches aside, a fresh folder, and where it is to listen.
  func preparePlace(for id: WorkerID, _ plan: PoolPlan) throws -> (directory: String, endpoint: Endpoint) {
    for path in plan.launch.cache.shared {
      guard let aside = try SharedCache.renameAside(path: path) else { continue }
      Task { noteSharedWipe(path, await slots.delete(aside), before: id) }
    }
    let owner = try plan.launch.user.map { try UserIdentity.named($0) }
    let directory = try slots.prepare(worker: id, owner: owner)
    let endpoint = try plan.launch.usesPort ? Endpoint.tcp(port: freePort()) : .unix(path: socketPath(id))
    return (directory, endpoint)
  }

  private func noteSharedWipe(_ path: String, _ report: WipeReport, before id: WorkerID) {
    count(report, in: id.pool)
    let done = "\(path): wiped \(report.entries) entries (\(ByteCount(bytes: report.bytes))) before \(id) started"
    log.append(.wipe, done, worker: id)
    for failure in report.failures { log.append(.wipeFailed, "\(path): \(failure)", worker: id) }
  }

  func follow(_ worker: ManagedWorker, _ id: WorkerID, isReady: Bool) {
    var output = Logger(label: "worker")
    output[metadataKey: "pool"] = "\(id.pool)"
    output[metadataKey: "slot"] = "\(id.slot.index)"
    output[metadataKey: "generation"] = "\(id.generation)"
    output[metadataKey: "pid"] = "\(worker.child.pid)"
    let child = worker.child
    output.follow(child)
    let readiness = isReady ? nil : Task { await waitUntilReady(worker, id) }
    Task {
      let status = await child.exit()
      readiness?.cancel()
      noteExit(id, status)
    }
  }

  private func waitUntilReady(_ worker: ManagedWorker, _ id: WorkerID) async {
    guard let policy = pools[id.pool]?.machine.policy.ready else { return }
    let outcome = await awaitReady(worker.endpoint, path: policy.path, timeout: policy.timeout) { !Task.isCancelled }
    // Its exit says more than a probe that was broken off by it; and a proxy may have known before.
    guard pools[id.pool]?.workers[id]?.exit == nil, !Task.isCancelled,
      pools[id.pool]?.machine.isStarting(id) == true
    else { return }
    switch outcome {
    case .passed:
      log.append(
        .ready, "\(id) is ready after \((Clock.now() - worker.spawned).short), pid \(worker.child.pid)", worker: id)
      feed(.becameReady(id), to: id.pool)
    case .failed(let why): feed(.notReady(id, "not ready after \(policy.timeout.short): \(why)"), to: id.pool)
    }
  }

  private func noteExit(_ id: WorkerID, _ status: ExitStatus) {
    pools[id.pool]?.workers[id]?.exit = status
    feed(.exited(id, cause(of: status, id)), to: id.pool)
  }

  /// After the process: its remaining children are killed, its counters read, its caches wiped, its row written.
  func bury(_ id: WorkerID, _ departure: Departure) async {
    guard let child = pools[id.pool]?.workers[id]?.child else { return }
    child.killRemains()
    // Those of its descendants that left its process group carry its name in their environment.
    ChildProcess.reapStrays(marked: "\(LaunchOrder.workerVariable)=\(id)")
    endGroup(of: id)
    if case .unix(let path) = pools[id.pool]?.workers[id]?.endpoint { unlink(path) }
    await awaitFinalCounters(id)
    let report = await wipe(id, pools[id.pool]?.workers[id]?.wipe ?? [])
    guard let worker = pools[id.pool]?.workers[id] else { return }
    let row = ExitRow(departure, worker: worker, wiped: report, at: Clock.now())
    log.append(
      .exit, row.sentence(of: id), worker: id, exit: row, capture: worker.capture.flatMap { $0.isEmpty ? nil : $0 })
    pools[id.pool]?.tally.count(departure.reason)
    pools[id.pool]?.lastRecycles[id.slot] = .init(reason: departure.reason, at: Clock.timestamp())
    pools[id.pool]?.workers[id] = nil
    feed(.wiped(id), to: id.pool)
    finishIfDone()
  }

  private func awaitFinalCounters(_ id: WorkerID) async {
    guard pools[id.pool]?.workers[id]?.retiringAt.isEmpty == false else { return }
    let timeout = Task {
      guard (try? await Task.sleep(for: Self.retirementTimeout)) != nil else { return }
      endRetirement(of: id)
    }
    await withCheckedContinuation { retirements[id] = $0 }
    timeout.cancel()
  }

  func endRetirement(of id: WorkerID) { retirements.removeValue(forKey: id)?.resume() }

  private func wipe(_ id: WorkerID, _ paths: [String]) async -> WipeReport {
    do {
      let asides = try slots.setAside(worker: id, wipe: paths)
      let report = await slots.delete(asides)
      count(report, in: id.pool)
      log.append(
        .wipe, "\(id): wiped \(report.entries) entries (\(ByteCount(bytes: report.bytes)))", worker: id)
      for failure in report.failures { log.append(.wipeFailed, "\(id): \(failure)", worker: id) }
      return report
    } catch {
      pools[id.pool]?.tally.wipeFailures += 1
      log.append(.wipeFailed, "\(id): \(error); its successors have other folders", worker: id)
      return WipeReport()
    }
  }
}
