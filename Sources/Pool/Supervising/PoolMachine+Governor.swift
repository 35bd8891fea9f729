/// The one place that says who may go now.
///
/// It promises: no start that makes more than `surge` processes above the pool's size, not counting what scaled-away
/// slots still hold; none above the size that does not fit `memory_budget`; a successor is ready before the old worker
/// drains, or else the drain leaves `min_ready` workers ready; empty slots before planned recycles, the most urgent
/// recycle first, then the one that has waited longest. What it does not allow it explains.
extension PoolMachine {
  mutating func govern(at now: Instant, _ effects: inout [PoolEffect]) {
    dismiss(at: now, &effects)
    fill(at: now, &effects)
    recycle(at: now, &effects)
    // Where others back off there may be room beside those that drain now.
    fill(at: now, &effects)
  }

  /// Whoever sits in a slot that is not wanted any more goes without a successor, but not while the others are too few.
  private mutating func dismiss(at now: Instant, _ effects: inout [PoolEffect]) {
    let reason: RecycleReason = isShuttingDown ? .shutdown : .scale
    for slot in slots.indices where !slots[slot].isWanted {
      for worker in slots[slot].workers.indices {
        switch slots[slot].workers[worker].state {
        case .starting: stop(slot: slot, worker: worker, Departure(reason: reason), at: now, &effects)
        case .ready where isShuttingDown || leavesEnough(slot):
          drain(slot: slot, worker: worker, Departure(reason: reason), at: now, &effects)
        case .ready, .draining, .stopping, .wiping: continue
        }
      }
    }
    if isHurrying { meetDeadlines(at: now, &effects) }
  }

  private mutating func fill(at now: Instant, _ effects: inout [PoolEffect]) {
    for slot in slots.indices where slots[slot].needsWorker && mayStart {
      effects.append(.start(slots[slot].occupy(at: now)))
    }
  }

  private mutating func recycle(at now: Instant, _ effects: inout [PoolEffect]) {
    forgetHindrances()
    for place in candidates() {
      guard let pending = pending(place) else { continue }
      let verdict = verdict(on: place, pending, at: now)
      explain(place, pending, verdict, &effects)
      switch verdict {
      case .successorFirst: effects.append(.start(slots[place.slot].occupy(at: now)))
      case .oldFirst:
        drain(
          slot: place.slot, worker: place.worker,
          Departure(reason: pending.reason, measurement: pending.measurement), at: now, &effects)
      case .waits: continue
      }
    }
  }

  /// Ready workers with a recycle to wait for and no successor on its way.
  private func candidates() -> [Place] {
    slots.indices.filter { slots[$0].isWanted && !slots[$0].isBeingReplaced }
      .flatMap { slot in slots[slot].workers.indices.map { Place(slot: slot, worker: $0) } }
      .filter { slots[$0.slot].workers[$0.worker].isReady && pending($0) != nil }
      .sorted { a, b in
        guard let first = pending(a), let second = pending(b) else { return false }
        let (older, younger) = (slots[a.slot].workers[a.worker].started, slots[b.slot].workers[b.worker].started)
        return (-first.urgency, first.since, older) < (-second.urgency, second.since, younger)
      }
  }

  private func pending(_ place: Place) -> PendingRecycle? { slots[place.slot].workers[place.worker].pending }

  // MARK: Who may go

  private func verdict(on place: Place, _ pending: PendingRecycle, at now: Instant) -> Decision.Verdict {
    let slot = slots[place.slot]
    // What the operator took out, only the operator's word replaces.
    if slot.isHeld, pending.reason != .manual { return .waits(.held) }
    if pending.reason.isPlanned,
      let hindrance = betterTime(for: slot.workers[place.worker], pending.reason, at: now)
    {
      return .waits(hindrance)
    }
    if let until = slot.backOff.until { return .waits(.backOff(until: until)) }
    if policy.recycle.surge > 0 {
      guard occupied < policy.size + policy.recycle.surge else { return .waits(.turn(surge: policy.recycle.surge)) }
      guard let hindrance = budgetHindrance, occupied >= policy.size else { return .successorFirst }
      return leavesEnough(place.slot) ? .oldFirst : .waits(hindrance)
    }
    return leavesEnough(place.slot)
      ? .oldFirst
      : .waits(.minReady(policy.recycle.minReady.of(policy.size), ready: readyCount, size: policy.size))
  }

  /// What a planned recycle is put off for.
  private func betterTime(for worker: Worker, _ reason: RecycleReason, at now: Instant) -> Hindrance? {
    let recycle = policy.recycle
    // The timer has an age of its own.
    if reason != .timer, worker.started + recycle.minAge > now {
      return .minAge(recycle.minAge, until: worker.started + recycle.minAge)
    }
    if !recycle.windows.isEmpty, let hindrance = window(at: now) { return hindrance }
    guard let limit = recycle.loadBelow, let load, load >= limit, let longest = recycle.longestWait,
      worker.started + longest > now
    else { return nil }
    return .load(load, below: limit, until: worker.started + longest)
  }

  private func window(at now: Instant) -> Hindrance? {
    guard let clock else { return .window("the time is not known yet", until: nil) }
    let windows = policy.recycle.windows
    let second = clock.secondOfWeek(at: now)
    return windows.obstacle(at: second).map { obstacle in
      .window(obstacle, until: windows.opening(after: second).map { clock.instant($0, after: now) })
    }
  }

  /// Without the slot's worker the pool still has `min_ready`. One that the operator took out does not count anyway.
  private func leavesEnough(_ slot: Int) -> Bool {
    slots[slot].isHeld || readyCount > policy.recycle.minReady.of(policy.size)
  }

  /// One more process is within the pool's size, or within its surge and its budget.
  private var mayStart: Bool {
    let occupied = occupied
    if occupied < policy.size { return true }
    return occupied < policy.size + policy.recycle.surge && budgetHindrance == nil
  }

  /// Processes in the slots that the pool has. What was scaled away goes, or serves on until it may.
  private var occupied: Int { slots.reduce(0) { $0 + ($1.isWanted ? $1.workers.count(where: \.isLive) : 0) } }

  // MARK: Why

  private mutating func forgetHindrances() {
    for slot in slots.indices {
      for worker in slots[slot].workers.indices { slots[slot].workers[worker].pending?.hindrance = nil }
    }
  }

  /// Each hindrance of a recycle is told once, however often it comes back.
  private mutating func explain(
    _ place: Place, _ pending: PendingRecycle, _ verdict: Decision.Verdict, _ effects: inout [PoolEffect]
  ) {
    var isNews = true
    if case .waits(let hindrance) = verdict {
      slots[place.slot].workers[place.worker].pending?.hindrance = hindrance
      isNews = hindrance.isNews && !pending.told.contains(hindrance.kind)
      if isNews { slots[place.slot].workers[place.worker].pending?.told.insert(hindrance.kind) }
    }
    guard isNews else { return }
    let id = slots[place.slot].id(of: slots[place.slot].workers[place.worker])
    effects.append(
      .decided(
        Decision(worker: id, reason: pending.reason, measurement: pending.measurement, verdict: verdict)))
  }
}
