import Glibc
import Pool

extension Supervisor {
  /// Tells a pool's machine what happened and does what it says, in its order; nothing in here awaits.
  func feed(_ event: PoolEvent, to name: PoolName) {
    guard let effects = pools[name]?.machine.handle(event, at: judgedNow, using: &random) else { return }
    for effect in effects { perform(effect, in: name) }
    noteChange(isUrgent: !effects.isEmpty || !event.isRoutine)
    setAlarm(for: name)
    noteReadiness()
    wakeWaiters()
  }

  private func perform(_ effect: PoolEffect, in name: PoolName) {
    switch effect {
    case .start(let id):
      start(id)
    case .admit(let id): admit(id)
    case .drain(let id): drain(id)
    case .retire(let id): retire(id)
    case .terminate(let id): signal(SIGTERM, id)
    case .kill(let id):
      signal(SIGKILL, id)
      killGroup(of: id)
    case .wipe(let id, let departure): Task { await bury(id, departure) }
    case .backOff(let slot, let failures, let delay, let why):
      slotFailures[slot] = why
      log.append(
        .backOff, "\(slot): \(why); failure \(failures) in a row, next start in \(delay.short)",
        worker: pools[name]?.machine.slots.first { $0.id == slot }.map {
          WorkerID(slot: slot, generation: $0.lastGeneration)
        })
    case .decided(let decision): log.append(.decision, decision.sentence, worker: decision.worker)
    case .finished: finishIfDone()
    }
  }

  private func signal(_ signal: Int32, _ id: WorkerID) {
    guard let worker = pools[id.pool]?.workers[id] else { return feedParents(.unwanted(id), of: id.pool) }
    worker.child.signalGroup(signal)
  }

  private func setAlarm(for name: PoolName) {
    let next = pools[name]?.machine.nextDeadline
    guard pools[name]?.alarm?.at != next else { return }
    pools[name]?.alarm?.task.cancel()
    pools[name]?.alarm = next.map { deadline in
      let task = Task {
        guard (try? await sleep(untilJudged: deadline)) != nil else { return }
        ring(deadline, in: name)
      }
      return (deadline, task)
    }
  }

  private func ring(_ deadline: Instant, in name: PoolName) {
    guard pools[name]?.alarm?.at == deadline else { return }
    pools[name]?.alarm = nil
    feed(.tick, to: name)
  }

  private func admit(_ id: WorkerID) {
    guard let worker = pools[id.pool]?.workers[id] else { return }
    // A proxy that leaves needs it too: what waits there may have no other worker left.
    for proxy in proxies.serving {
      pools[id.pool]?.workers[id]?.admittedTo.insert(proxy.generation)
      proxy.link.send(.admit(id, worker.endpoint))
    }
    pools[id.pool]?.workers[id]?.drainingAt = []
    describeFilesIfChanged(in: id.pool)
  }

  private func drain(_ id: WorkerID) {
    log.append(.drain, "\(id) finishes its requests\(why(id))", worker: id)
    let knowing = proxies.all.filter { pools[id.pool]?.workers[id]?.admittedTo.contains($0.generation) == true }
    pools[id.pool]?.workers[id]?.drainingAt = Set(knowing.map(\.generation))
    for proxy in knowing { proxy.link.send(.drain(id)) }
    // Where no proxy knows it, it has nothing to finish.
    if knowing.isEmpty { Task { feed(.drained(id), to: id.pool) } }
  }

  private func retire(_ id: WorkerID) {
    let knowing = proxies.all.filter { pools[id.pool]?.workers[id]?.admittedTo.contains($0.generation) == true }
    pools[id.pool]?.workers[id]?.retiringAt = Set(knowing.map(\.generation))
    for proxy in knowing { proxy.link.send(.retire(id)) }
  }

  private func why(_ id: WorkerID) -> String {
    guard let slot = pools[id.pool]?.machine.slots.first(where: { $0.id == id.slot }),
      let worker = slot.workers.first(where: { $0.generation == id.generation })
    else { return "" }
    switch worker.state {
    case .draining(let departure, _, _):
      return ": \(departure.reason.rawValue)\(departure.measurement.map { ", \($0.words.measured)" } ?? "")"
    case .ready where slot.isHeld: return ": taken out by the operator"
    case .starting, .ready, .stopping, .wiping: return ""
    }
  }
}
