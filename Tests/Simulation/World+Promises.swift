import Pool

/// What must hold after every step.
public enum Promise: String, Sendable, CaseIterable {
  case staysReady = "never below min_ready by its own hand"
  case staysWithinSurge = "never a start beyond surge"
  case staysWithinBudget = "no surge that does not fit the budget"
  case hasOneOccupant = "one that serves and one that starts in a slot, at most"
  case startsOnce = "a generation starts once"
  case wipesOnce = "a generation is wiped once, after its end"
  case signalsTheLiving = "only what runs is signalled or admitted"
  case hasAnExit = "no state without a deadline or an exit"
  case staggers = "no two timers due together"
  case waitsForItsTime = "planned recycles keep to min_age, windows and load"
  case takesTheUrgentFirst = "the most urgent goes first"
  case explains = "a recycle that waits says why"
  case losesNoClaim = "no claim is lost"
  case wastesNoWorker = "nobody waits while a worker is free"
  case recovers = "once all is well the pool is whole"
  case ends = "a shutdown ends, once"
  case isRemembered = "the next supervisor can read what this one wrote"
}

public struct Breach: Sendable {
  public var promise: Promise
  public var what: String
  public var at: Instant
}

/// How things were before an event.
struct Before {
  let serving: Set<WorkerID>

  init(_ world: World) { serving = world.serving }
}

extension World {
  func checkPromises(_ event: PoolEvent, _ effects: [PoolEffect], _ before: Before) {
    var live = liveBefore(effects)
    for effect in effects {
      switch effect {
      case .start(let id): checkStart(id, &live)
      case .decided(let decision): checkTime(decision)
      case .admit, .drain, .retire, .terminate, .kill, .wipe, .backOff, .finished: continue
      }
    }
    checkReady(event, effects, before)
    checkUrgency(effects)
    checkSlots()
    if case .becameReady = event { checkTimers() }
  }

  /// Processes before those that were just started.
  private func liveBefore(_ effects: [PoolEffect]) -> Set<WorkerID> {
    var live = Set(processes.keys)
    for case .start(let id) in effects { live.remove(id) }
    return live
  }

  private func checkStart(_ id: WorkerID, _ live: inout Set<WorkerID>) {
    let policy = machine.policy
    let rivals = live.filter { $0.slot.index < policy.size }.count
    live.insert(id)
    demand(
      rivals < policy.size + policy.recycle.surge, .staysWithinSurge,
      "\(id) beside \(rivals) others, size \(policy.size), surge \(policy.recycle.surge)")
    guard rivals >= policy.size, let budget = policy.memoryBudget, let birth = births.values.min() else { return }
    let used = live.reduce(ByteCount(bytes: 0)) { $0 + (samples[$1] ?? ByteCount(bytes: 0)) }
    demand(used + birth <= budget, .staysWithinBudget, "\(id) beside \(used) of \(budget)")
  }

  /// A drain that nobody else asked for leaves enough of those that serve.
  private func checkReady(_ event: PoolEvent, _ effects: [PoolEffect], _ before: Before) {
    switch event {
    case .hold, .shutdown, .hurry: return
    case .start, .becameReady, .notReady, .startFailed, .exited, .wiped, .drained, .sampled, .sampledOthers, .served,
      .overdue, .stuck, .probed, .restart, .forget, .release, .scale, .reconfigure, .load, .clock, .tick, .caughtUp:
      break
    }
    guard !machine.slots.allSatisfy({ !$0.isWanted }) else { return }
    let ready = Set(serving.map(\.slot.index))
    let least = machine.policy.recycle.minReady.of(machine.policy.size)
    for case .drain(let id) in effects where before.serving.contains(id) && !ready.contains(id.slot.index) {
      demand(ready.count >= least, .staysReady, "\(id) drains, \(ready.count) left, min_ready \(least)")
    }
  }

  private func checkTime(_ decision: Decision) {
    switch decision.verdict {
    case .successorFirst, .oldFirst: break
    case .waits: return
    }
    guard decision.reason.isPlanned, let process = processes[decision.worker] else { return }
    let recycle = machine.policy.recycle
    let age = now - process.started
    if decision.reason != .timer {
      demand(age >= recycle.minAge, .waitsForItsTime, "\(decision.worker) is \(age.short) old")
    }
    demand(windowsAllow(recycle.windows), .waitsForItsTime, "\(decision.worker) goes outside of its window")
    guard let limit = recycle.loadBelow, let every = recycle.every, let load = lastLoad else { return }
    demand(load < limit || age >= every * 2, .waitsForItsTime, "\(decision.worker) goes at a load of \(load)%")
  }

  /// By minutes of the day: the plans' windows hold every day.
  private func windowsAllow(_ windows: RecycleWindows) -> Bool {
    let second = wall.seconds + wall.offset + (now - wall.at).wholeNanoseconds / 1_000_000_000
    let minute = Int((second % 86400 + 86400) % 86400) / 60
    func holds(_ span: WeekSpan) -> Bool {
      span.start < span.end ? (span.start..<span.end).contains(minute) : minute >= span.start || minute < span.end
    }
    return (windows.only.isEmpty || windows.only.contains(where: holds)) && !windows.never.contains(where: holds)
  }

  private func checkUrgency(_ effects: [PoolEffect]) {
    for case .decided(let decision) in effects {
      switch decision.verdict {
      case .successorFirst, .oldFirst: break
      case .waits: continue
      }
      for slot in machine.slots {
        for worker in slot.workers {
          guard let pending = worker.pending, let hindrance = pending.hindrance else { continue }
          let isOutranked = rank(decision.reason) < rank(pending.reason) && decision.reason.isPlanned
          let waitsForRoom = hindrance.kind == .turn || hindrance.kind == .minReady
          demand(
            !isOutranked || !waitsForRoom || held.contains(decision.worker.slot.index), .takesTheUrgentFirst,
            "\(decision.worker) goes before \(slot.id), \(pending.reason)")
        }
      }
    }
  }

  private func rank(_ reason: RecycleReason) -> Int {
    switch reason {
    case .timer: 0
    case .requests: 1
    case .manual, .deploy, .reload, .scale: 2
    case .memory: 3
    case .memoryLimit, .stuck, .unhealthy, .crash, .shutdown: 4
    }
  }

  // MARK: Slots

  private func checkSlots() {
    let next = machine.nextDeadline
    // One that is now is met by the next tick, and not by tick after tick.
    if let next { demand(next >= now && ticksInARow < 20, .hasAnExit, "a deadline that is over") }
    let shuttingDown = machine.slots.allSatisfy { !$0.isWanted }
    for slot in machine.slots {
      var (ready, starting) = (0, 0)
      for worker in slot.workers {
        let id = WorkerID(slot: slot.id, generation: worker.generation)
        switch worker.state {
        case .starting:
          starting += 1
          demand(isKnown(id), .hasAnExit, "\(id) starts without a process")
        case .ready:
          ready += 1
          demand(isKnown(id), .hasAnExit, "\(id) is ready without a process")
          if slot.isWanted, let pending = worker.pending { checkWaiting(id, pending, slot) }
        case .draining(_, _, let deadline):
          demand((next ?? deadline + .seconds(1)) <= deadline, .hasAnExit, "\(id) drains without an end")
        case .stopping(_, let killAt, let killed):
          demand(killed || (next ?? killAt + .seconds(1)) <= killAt, .hasAnExit, "\(id) stops without an end")
        case .wiping: demand(unwiped.contains(id), .hasAnExit, "\(id) is being wiped by nobody")
        }
      }
      demand(ready <= 1 && starting <= 1, .hasOneOccupant, "\(slot.id) has \(ready) ready, \(starting) starting")
      guard slot.isWanted, ready + starting == 0, !shuttingDown else { continue }
      checkEmpty(slot, next)
    }
  }

  /// It runs, as far as the supervisor knows.
  private func isKnown(_ id: WorkerID) -> Bool { processes[id] != nil || departed.contains(id) }

  private func checkWaiting(_ id: WorkerID, _ pending: PendingRecycle, _ slot: Slot) {
    let isBeingReplaced = slot.workers.contains { $0.state.name == "starting" }
    demand(pending.hindrance != nil || isBeingReplaced, .explains, "\(id) waits for nothing: \(pending.reason)")
  }

  /// It waits for its back-off, or for others to go.
  private func checkEmpty(_ slot: Slot, _ next: Instant?) {
    if let until = slot.backOff.until {
      return demand((next ?? until + .seconds(1)) <= until, .hasAnExit, "\(slot.id) backs off without an end")
    }
    let rivals = departed.union(processes.keys).count { $0.slot.index < machine.policy.size }
    demand(rivals >= machine.policy.size, .hasAnExit, "\(slot.id) is empty though there is room: \(rivals) processes")
  }

  // MARK: Timers

  private func checkTimers() {
    let dues = machine.slots.flatMap(\.workers).compactMap { worker -> Instant? in
      guard case .ready(_, let due) = worker.state, let due, due > now else { return nil }
      return due
    }.sorted()
    mostTimers = max(mostTimers, dues.count, machine.policy.size)
    guard let every = machine.policy.recycle.every else { return }
    // Where they were wound anew in the middle of their lives there may be less room.
    let least = isRewound ? .nanoseconds(1) : every / (4 * mostTimers) - .microseconds(1)
    for (earlier, later) in zip(dues, dues.dropFirst()) {
      demand(later - earlier >= least, .staggers, "\((later - earlier).short) between two, of \(every.short)")
    }
  }
}
