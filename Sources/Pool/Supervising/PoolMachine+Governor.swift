/// The one place that says who may go now.
///
/// It promises: never more than `surge` processes above the pool's size; a successor is ready before the old worker
/// drains; without surge, never fewer ready workers than `min_ready` by its own hand; empty slots before planned
/// recycles, the most urgent recycle first, then the one that has waited longest.
extension PoolMachine {
  mutating func govern(at now: Instant, _ effects: inout [PoolEffect]) {
    dismiss(at: now, &effects)
    fill(at: now, &effects)
    recycle(at: now, &effects)
  }

  /// Whoever sits in a slot that is not wanted any more goes without a successor.
  private mutating func dismiss(at now: Instant, _ effects: inout [PoolEffect]) {
    let reason: RecycleReason = isShuttingDown ? .shutdown : .scale
    for slot in slots.indices where !slots[slot].isWanted {
      for worker in slots[slot].workers.indices {
        switch slots[slot].workers[worker].state {
        case .starting: stop(slot: slot, worker: worker, Departure(reason: reason), at: now, &effects)
        case .ready: drain(slot: slot, worker: worker, Departure(reason: reason), at: now, &effects)
        case .draining, .stopping, .wiping: continue
        }
      }
    }
    if isHurrying { meetDeadlines(at: now, &effects) }
  }

  private mutating func fill(at now: Instant, _ effects: inout [PoolEffect]) {
    for slot in slots.indices where slots[slot].needsWorker && hasRoom {
      effects.append(.start(slots[slot].occupy(at: now)))
    }
  }

  private mutating func recycle(at now: Instant, _ effects: inout [PoolEffect]) {
    for place in candidates() {
      if policy.recycle.surge > 0 {
        guard hasRoom, slots[place.slot].backOff.until == nil else { continue }
        effects.append(.start(slots[place.slot].occupy(at: now)))
      } else {
        guard readyCount > policy.recycle.minReady.of(policy.size), let pending = pending(place) else { continue }
        drain(
          slot: place.slot, worker: place.worker,
          Departure(reason: pending.reason, measurement: pending.measurement), at: now, &effects)
      }
    }
  }

  /// Ready workers with a recycle to wait for and no successor on its way.
  private func candidates() -> [Place] {
    slots.indices.filter { slots[$0].isWanted && !slots[$0].isBeingReplaced }
      .flatMap { slot in slots[slot].workers.indices.map { Place(slot: slot, worker: $0) } }
      .filter { place in
        guard slots[place.slot].workers[place.worker].isReady, let pending = pending(place) else { return false }
        // What the operator took out, only the operator's word replaces.
        return !slots[place.slot].isHeld || pending.reason == .manual
      }
      .sorted { a, b in
        guard let first = pending(a), let second = pending(b) else { return false }
        return (-first.reason.urgency, first.since) < (-second.reason.urgency, second.since)
      }
  }

  private func pending(_ place: Place) -> PendingRecycle? { slots[place.slot].workers[place.worker].pending }

  /// One more process is within the pool's size and surge.
  private var hasRoom: Bool {
    let live = slots.reduce(0) { $0 + $1.workers.count(where: \.isLive) }
    return live < policy.size + policy.recycle.surge
  }
}
