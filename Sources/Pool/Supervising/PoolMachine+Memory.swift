/// One budget of memory for all of a pool's processes.
extension PoolMachine {
  mutating func note(_ share: ByteCount, of place: Place) {
    slots[place.slot].workers[place.worker].memory = share
    let worker = slots[place.slot].workers[place.worker]
    // One that had to go at once was ready too.
    if worker.state != .starting, worker.memoryAtBirth == nil {
      slots[place.slot].workers[place.worker].memoryAtBirth = share
    }
  }

  /// What the pool holds now. A process that was not measured yet is taken for one like the others.
  public var memoryInUse: ByteCount {
    let expected = expectedMemory ?? ByteCount(bytes: 0)
    return slots.flatMap(\.workers).filter(\.isLive).reduce(otherMemory) { $0 + ($1.memory ?? expected) }
  }

  /// Of a fresh worker: the median of what those there are had when they got ready, or while none is, of what they have
  /// now; nil: nothing is known.
  var expectedMemory: ByteCount? {
    let workers = slots.flatMap(\.workers)
    let births = workers.compactMap(\.memoryAtBirth)
    let known = (births.isEmpty ? workers.compactMap(\.memory) : births).sorted()
    return known.isEmpty ? nil : known[known.count / 2]
  }

  /// Nil: one more worker fits beside those there are.
  var budgetHindrance: Hindrance? {
    guard let budget = policy.memoryBudget else { return nil }
    let expected = expectedMemory ?? ByteCount(bytes: 0)
    let used = memoryInUse
    return used + expected <= budget ? nil : .budget(expected: expected, left: budget - used)
  }

  /// Near the budget the largest goes; then is the time to measure again, before the next one does.
  mutating func relieve(at now: Instant) {
    guard let budget = policy.memoryBudget, !isShuttingDown else { return }
    let used = memoryInUse
    guard used > budget.percent(policy.recycle.nearBudget) else { return forgetRelief() }
    guard !isGettingRelief, let largest = largest(at: now) else { return }
    ask(for: largest, .memory, .memoryBudget(used, limit: budget), at: now)
  }

  private var isGettingRelief: Bool {
    slots.contains { slot in
      slot.isBeingReplaced || slot.workers.contains { !$0.isOnDuty }
        || slot.isWanted && !slot.isHeld && slot.workers.contains(where: \.isGoingForItsMemory)
    }
  }

  /// What was asked for is needed no more.
  private mutating func forgetRelief() {
    for slot in slots.indices where !slots[slot].isBeingReplaced {
      for worker in slots[slot].workers.indices {
        guard case .memoryBudget = slots[slot].workers[worker].pending?.measurement else { continue }
        slots[slot].workers[worker].pending = nil
      }
    }
  }

  /// Of those that are old enough, if there is one.
  private func largest(at now: Instant) -> Place? {
    var best: (place: Place, isOld: Bool, memory: ByteCount)?
    for slot in slots.indices where slots[slot].isWanted && !slots[slot].isHeld {
      for (index, worker) in slots[slot].workers.enumerated() where worker.isReady {
        guard let memory = worker.memory else { continue }
        let isOld = worker.started + policy.recycle.minAge <= now
        if let best, best.isOld && !isOld || best.isOld == isOld && best.memory >= memory { continue }
        best = (Place(slot: slot, worker: index), isOld, memory)
      }
    }
    return best?.place
  }
}

extension Worker {
  /// Unless another that is older could go sooner.
  fileprivate var isGoingForItsMemory: Bool {
    guard let pending, pending.reason == .memory else { return false }
    return pending.hindrance?.kind != .minAge
  }
}
