import Pool

/// Once a second: what the supervisor measures is held against the limits. The machine hears what may matter to it, and
/// is spared what it heard before.
extension Rehearsal {
  mutating func passSecond() {
    seconds += 1
    agenda.add(.second, atNanosecond: now + Self.second)
    if scenario.pool.memoryBudget != nil { watchBudget() } else { watchLimits() }
    watchRequests()
    if hungCount > 0 { suspect() }
    tellLoad()
    take(ledger.resume(at: agenda.now))
  }

  private mutating func watchLimits() {
    let recycle = scenario.pool.recycle
    guard let lowest = [recycle.memory, recycle.memoryLimit].compactMap(\.self).min() else { return }
    for place in crew.indices where crew[place].isAlive {
      let memory = memory(of: place, at: now)
      guard memory > Double(lowest.bytes), let id = crew[place].id else { continue }
      let isOver = recycle.memoryLimit.map { memory > Double($0.bytes) } ?? false
      guard isOver || !isAsked(id, .memory) else { continue }
      feed(.sampled(id, memory: ByteCount(bytes: Int(memory))))
    }
  }

  /// All shares count together; while there is room enough it will do to look every now and then.
  private mutating func watchBudget() {
    let budget = scenario.pool.memoryBudget ?? ByteCount(bytes: 0)
    let near = Double(budget.percent(scenario.pool.recycle.nearBudget).bytes)
    let isNear = memoryInUse(at: now) + Double(scenario.worker.growth.birth.bytes) > near
    for place in crew.indices where crew[place].isAlive && (isNear || seconds % 15 == 0 || !crew[place].isSampled) {
      guard let id = crew[place].id else { continue }
      crew[place].isSampled = crew[place].isUp
      feed(.sampled(id, memory: ByteCount(bytes: Int(memory(of: place, at: now)))))
    }
  }

  private mutating func watchRequests() {
    guard let limit = scenario.pool.recycle.requests else { return }
    for place in crew.indices where crew[place].isAlive && crew[place].requests >= limit {
      guard let id = crew[place].id, !isAsked(id, .requests) else { continue }
      feed(.served(id, requests: crew[place].requests))
    }
  }

  /// It goes for this already, or is going.
  private func isAsked(_ id: WorkerID, _ reason: RecycleReason) -> Bool {
    guard let slot = machine.slots.first(where: { $0.id == id.slot }),
      let worker = slot.workers.first(where: { $0.generation == id.generation })
    else { return true }
    switch worker.state {
    case .starting, .ready: return worker.pending?.reason == reason
    case .draining, .stopping, .wiping: return true
    }
  }

  /// As busy as it is, for who waits for a quiet moment.
  private mutating func tellLoad() {
    guard scenario.pool.recycle.loadBelow != nil else { return }
    let places = machine.readyCount * scenario.pool.concurrency
    let busy = timeline.working + timeline.queued
    feed(.load(percent: places == 0 ? (busy == 0 ? 0 : 100) : busy * 100 / places))
  }

  // MARK: Stuck

  mutating func hang(_ place: Int) {
    guard !crew[place].isHung else { return }
    crew[place].isHung = true
    hungCount += 1
  }

  private mutating func suspect() {
    for suspicion in ledger.suspicions(at: agenda.now) {
      let agent = Int(suspicion.claim.ticket.index)
      guard agent < agents.count, let claim = agents[agent].claim, suspicion.claim.isOf(claim) else { continue }
      let place = Int(agents[agent].crew)
      guard crew[place].isHung, !crew[place].isSuspect else { continue }
      crew[place].isSuspect = true
      crew[place].suspicion = suspicion.limit
      agenda.add(
        .foundStuck(Int32(place), serial: crew[place].serial),
        atNanosecond: now + scenario.pool.stuck.look.wholeNanoseconds)
    }
  }

  mutating func foundStuck(_ place: Int, _ serial: UInt32) {
    guard crew[place].serial == serial, crew[place].isAlive, let id = crew[place].id,
      let limit = crew[place].suspicion
    else { return }
    feed(.stuck(id, age: limit + scenario.pool.stuck.look, limit: limit))
  }
}
