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
    for slot in slots.indices {
      for worker in slots[slot].workers.indices {
        guard case .ready(let since, let due) = slots[slot].workers[worker].state else { continue }
        slots[slot].workers[worker].state = .ready(
          since: since, due: newDue(slots[slot], since, due, old, using: &random))
      }
    }
  }

  private func newDue(
    _ slot: Slot, _ since: Instant, _ due: Instant?, _ old: RecyclePolicy,
    using random: inout some RandomNumberGenerator
  ) -> Instant? {
    guard let every = policy.recycle.every else { return nil }
    guard let due, let former = old.every, former > .zero, policy.recycle.jitter == old.jitter else {
      // None was wound, or by another rule.
      return self.due(for: slot, at: since, using: &random)
    }
    return since + every.scaled(by: (due - since).inSeconds / former.inSeconds)
  }
}
