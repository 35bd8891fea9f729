import FoundationEssentials
import Glibc
import Logging
import Pool

/// A worker's life, in its order: start, ready, exit, burial.
extension Supervisor {
  /// How long a proxy that is alive may take to give a worker's final counters.
  static let retirementTimeout = Duration.seconds(2)

  func start(_ id: WorkerID) {
    do {
      let worker = try spawn(id)
      pools[id.pool]?.workers[id] = worker
      roster.add(.init(name: "worker \(id)", pid: worker.child.pid, startTime: worker.child.startTime))
      log.append(.spawn, "\(id) started, pid \(worker.child.pid)", worker: id)
      follow(worker, id)
    } catch {
      if error is WipeFailure { log.append(.wipeFailed, "\(id) was not started: \(error)", worker: id) }
      // Told from a task of its own: the machine is in the middle of its effects.
      Task {
        if let asides = try? slots.setAside(worker: id, wipe: []) { _ = await slots.delete(asides) }
        feed(.startFailed(id, "\(error)"), to: id.pool)
      }
    }
  }

  private func spawn(_ id: WorkerID) throws -> ManagedWorker {
    guard let plan = pools[id.pool]?.plan else { throw SpawnFailure.executableMissing("") }
    for path in plan.launch.cache.shared {
      guard let aside = try SharedCache.renameAside(path: path) else { continue }
      Task { noteSharedWipe(path, await slots.delete(aside), before: id) }
    }
    let owner = try plan.launch.user.map { try UserIdentity.named($0) }
    let directory = try slots.prepare(worker: id, owner: owner)
    let endpoint = try plan.launch.usesPort ? Endpoint.tcp(port: freePort()) : .unix(path: socketPath(id))
    let group = controlGroups?.make(for: id, memoryLimit: plan.policy.recycle.memoryLimit)
    var order = LaunchOrder(plan.launch, worker: id, directory: directory, endpoint: endpoint)
    order.groupEntrance = group?.entrance
    let child = try ChildProcess.spawn(order)
    var worker = ManagedWorker(
      id: id, endpoint: endpoint, directory: directory, wipe: plan.launch.cache.wipe, child: child,
      spawned: Clock.now())
    worker.group = group
    return worker
  }

  private func noteSharedWipe(_ path: String, _ report: WipeReport, before id: WorkerID) {
    let done = "\(path): wiped \(report.entries) entries (\(ByteCount(bytes: report.bytes))) before \(id) started"
    log.append(.wipe, done, worker: id)
    for failure in report.failures { log.append(.wipeFailed, "\(path): \(failure)", worker: id) }
  }

  private func follow(_ worker: ManagedWorker, _ id: WorkerID) {
    var output = logger
    output[metadataKey: "pool"] = "\(id.pool)"
    output[metadataKey: "slot"] = "\(id.slot.index)"
    output[metadataKey: "generation"] = "\(id.generation)"
    output[metadataKey: "pid"] = "\(worker.child.pid)"
    let child = worker.child
    Task { [output] in
      for await line in child.output { output.info("\(line.text)") }
    }
    let readiness = Task { await waitUntilReady(worker, id) }
    Task {
      let status = await child.exit()
      readiness.cancel()
      noteExit(id, status)
    }
  }

  private func waitUntilReady(_ worker: ManagedWorker, _ id: WorkerID) async {
    guard let policy = pools[id.pool]?.machine.policy.ready else { return }
    let outcome = await awaitReady(worker.endpoint, path: policy.path, timeout: policy.timeout) { !Task.isCancelled }
    // Its exit says more than a probe that was broken off by it.
    guard pools[id.pool]?.workers[id]?.exit == nil, !Task.isCancelled else { return }
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
    roster.remove(pid: child.pid)
    await awaitFinalCounters(id)
    let report = await wipe(id, pools[id.pool]?.workers[id]?.wipe ?? [])
    guard let worker = pools[id.pool]?.workers[id] else { return }
    let row = ExitRow(departure, worker: worker, wiped: report, at: Clock.now())
    log.append(
      .exit, row.sentence(of: id), worker: id, exit: row, capture: worker.capture.flatMap { $0.isEmpty ? nil : $0 })
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
      log.append(
        .wipe, "\(id): wiped \(report.entries) entries (\(ByteCount(bytes: report.bytes)))", worker: id)
      for failure in report.failures { log.append(.wipeFailed, "\(id): \(failure)", worker: id) }
      return report
    } catch {
      log.append(.wipeFailed, "\(id): \(error); its successors have other folders", worker: id)
      return WipeReport()
    }
  }
}
