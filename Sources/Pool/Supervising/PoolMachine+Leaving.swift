/// The way out of a slot: drain, stop, wipe.
extension PoolMachine {
  static let hurriedTerminate = Duration.seconds(1)

  mutating func drain(
    slot: Int, worker: Int, _ departure: Departure, at now: Instant, _ effects: inout [PoolEffect]
  ) {
    slots[slot].workers[worker].state = .draining(
      departure, since: now, deadline: isHurrying ? now : now + policy.stop.drain)
    slots[slot].workers[worker].pending = nil
    effects.append(.drain(slots[slot].id(of: slots[slot].workers[worker])))
  }

  mutating func drained(_ id: WorkerID, at now: Instant, _ effects: inout [PoolEffect]) {
    guard let place = find(id),
      case .draining(var departure, let since, _) = slots[place.slot].workers[place.worker].state
    else { return }
    departure.drained = now - since
    stop(slot: place.slot, worker: place.worker, departure, at: now, &effects)
  }

  /// SIGTERM now, SIGKILL when that is not enough. What requests it still holds are taken from it first.
  mutating func stop(
    slot: Int, worker: Int, _ departure: Departure, at now: Instant, _ effects: inout [PoolEffect]
  ) {
    let id = slots[slot].id(of: slots[slot].workers[worker])
    slots[slot].workers[worker].state = .stopping(
      departure, killAt: now + (isHurrying ? Self.hurriedTerminate : policy.stop.terminate), killed: false)
    slots[slot].workers[worker].pending = nil
    effects += [.retire(id), .terminate(id)]
  }

  /// For a worker that must not go on for a moment longer; whatever it was about to leave for, this is the reason now.
  mutating func cutOff(
    slot: Int, worker: Int, _ departure: Departure, now: Instant, killing: Bool, _ effects: inout [PoolEffect]
  ) {
    let id = slots[slot].id(of: slots[slot].workers[worker])
    switch slots[slot].workers[worker].state {
    case .starting, .ready, .draining:
      stop(slot: slot, worker: worker, departure, at: now, &effects)
      if killing {
        slots[slot].workers[worker].state = .stopping(departure, killAt: now, killed: true)
        effects.append(.kill(id))
      }
    case .stopping(let earlier, _, false) where killing:
      slots[slot].workers[worker].state = .stopping(earlier, killAt: now, killed: true)
      effects.append(.kill(id))
    case .stopping, .wiping: break
    }
  }

  mutating func exited(
    _ id: WorkerID, _ how: Measurement, at now: Instant, using random: inout some RandomNumberGenerator,
    _ effects: inout [PoolEffect]
  ) {
    guard let place = find(id) else { return }
    let departure: Departure
    switch slots[place.slot].workers[place.worker].state {
    case .starting:
      departure = Departure(reason: .crash, measurement: how)
      backOff(slot: place.slot, served: nil, why: "it ended before it was ready", at: now, using: &random, &effects)
    case .ready(let since, _):
      departure = Departure(reason: .crash, measurement: how)
      effects.append(.retire(id))
      backOff(slot: place.slot, served: now - since, why: "it crashed", at: now, using: &random, &effects)
    case .draining(var asked, let since, _):
      asked.drained = now - since
      departure = asked
      effects.append(.retire(id))
    case .stopping(let asked, _, _):
      departure = asked
      if case .notReady(let why) = asked.measurement {
        backOff(slot: place.slot, served: nil, why: why, at: now, using: &random, &effects)
      }
    case .wiping: return
    }
    slots[place.slot].workers[place.worker].state = .wiping(departure)
    effects.append(.wipe(id, departure))
  }

  mutating func wiped(_ id: WorkerID) {
    guard let place = find(id), case .wiping = slots[place.slot].workers[place.worker].state else { return }
    slots[place.slot].workers.remove(at: place.worker)
  }

  mutating func backOff(
    slot: Int, served: Duration?, why: String, at now: Instant, using random: inout some RandomNumberGenerator,
    _ effects: inout [PoolEffect]
  ) {
    slots[slot].backOff.fail(served: served, at: now, using: &random)
    guard slots[slot].isWanted, let until = slots[slot].backOff.until else { return }
    effects.append(
      .backOff(slots[slot].id, failures: slots[slot].backOff.failures, delay: until - now, why: why))
  }

  /// What the clock alone brings: timers that are due, drains and terminations that took too long, ends of back-off.
  mutating func meetDeadlines(at now: Instant, _ effects: inout [PoolEffect]) {
    for slot in slots.indices {
      slots[slot].backOff.elapse(at: now)
      for worker in slots[slot].workers.indices {
        switch slots[slot].workers[worker].state {
        case .ready(let since, let due):
          guard let due, due <= now, let every = policy.recycle.every else { continue }
          ask(
            for: Place(slot: slot, worker: worker), .timer,
            .age(now - since, limit: min(every, due - since)), at: now)
        case .draining(var departure, let since, let deadline) where deadline <= now:
          departure.drained = now - since
          stop(slot: slot, worker: worker, departure, at: now, &effects)
        case .stopping(let departure, let killAt, false) where killAt <= now:
          slots[slot].workers[worker].state = .stopping(departure, killAt: killAt, killed: true)
          effects.append(.kill(slots[slot].id(of: slots[slot].workers[worker])))
        case .starting, .draining, .stopping, .wiping: continue
        }
      }
    }
  }
}
