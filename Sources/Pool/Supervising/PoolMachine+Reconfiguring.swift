/// New numbers for a pool that runs.
extension PoolMachine {
  /// Processes stay as they are; what they are measured against changes at once. A pool that was shutting down and is
  /// wanted again goes on with the generations that it has counted.
  mutating func reconfigure(
    _ new: PoolPolicy, at now: Instant, using random: inout some RandomNumberGenerator
  ) {
    guard !isHurrying else { return }
    isShuttingDown = false
    hasFinished = false
    let old = policy
    policy = new
    resize(to: new.size)
    forgetOldLimits()
    if new.recycle.every != old.recycle.every || new.recycle.jitter != old.recycle.jitter {
      windTimers(formerly: old.recycle, at: now, using: &random)
    }
  }

  /// A recycle that waits because of a limit is asked for again if the new limit is passed too. Where the successor
  /// is on its way already it goes on.
  private mutating func forgetOldLimits() {
    for slot in slots.indices where !slots[slot].isBeingReplaced {
      for worker in slots[slot].workers.indices {
        switch slots[slot].workers[worker].pending?.reason {
        case .timer, .memory, .requests: slots[slot].workers[worker].pending = nil
        case .memoryLimit, .stuck, .unhealthy, .crash, .manual, .deploy, .scale, .reload, .shutdown, nil: break
        }
      }
    }
  }

  /// Each worker keeps its share of the interval, so that ages that were spread stay spread.
  private mutating func windTimers(
    formerly old: RecyclePolicy, at now: Instant, using random: inout some RandomNumberGenerator
  ) {
    var timers: [(place: Place, since: Instant, due: Instant?)] = []
    for slot in slots.indices {
      for worker in slots[slot].workers.indices {
        guard case .ready(let since, let due) = slots[slot].workers[worker].state else { continue }
        timers.append((Place(slot: slot, worker: worker), since, due))
        slots[slot].workers[worker].state = .ready(since: since, due: nil)
      }
    }
    // One after the other, each away from those that were wound before it.
    timers.sort { ($0.due ?? $0.since, $0.place.slot) < ($1.due ?? $1.since, $1.place.slot) }
    for timer in timers {
      let due = newDue(slots[timer.place.slot], timer.since, timer.due, old, at: now, using: &random)
      slots[timer.place.slot].workers[timer.place.worker].state = .ready(since: timer.since, due: due)
    }
  }

  private func newDue(
    _ slot: Slot, _ since: Instant, _ due: Instant?, _ old: RecyclePolicy, at now: Instant,
    using random: inout some RandomNumberGenerator
  ) -> Instant? {
    guard let every = policy.recycle.every else { return nil }
    guard let due, let former = old.every, former > .zero, policy.recycle.jitter == old.jitter else {
      // None was wound, or by another rule.
      return self.due(for: slot, at: since, using: &random)
    }
    let wish = since + every.scaled(by: (due - since).inSeconds / former.inSeconds)
    // Past it already: it goes as soon as the others let it.
    return wish <= now ? wish : staggered(wish, of: slot.id, born: since, every, at: now)
  }
}
