import Foundation
import Pool

/// The supervisor dies; proxy, workers and agents go on; then another one takes over what was written down.
extension World {
  func loseSupervisor(for time: Duration) {
    guard !isAlone, !isEnding else { return }
    isAlone = true
    life += 1
    alarm = nil
    take(ledger.orphan(at: now).grants)
    agenda.add(.takesOver(life), after: time)
  }

  /// What the supervisor is told while there is none: the proxy keeps what only it knows.
  func hearLater(_ event: PoolEvent) {
    if case .overdue(let id, _) = event { unheard[id] = event }
  }

  func takeOver() {
    guard isAlone else { return }
    isAlone = false
    remember()
    isCatchingUp = true
    for (id, state, _) in occupants where state.name != "wiping" && processes[id] == nil { departed.insert(id) }
    feed(.clock(wall))
    for (id, state, _) in occupants { resume(id, state) }
    agenda.add(.catchesUp(life), after: .milliseconds(20))
  }

  func catchUp() {
    for id in processes.keys.sorted() { sample(id) }
    isCatchingUp = false
    feed(.caughtUp)
    for (id, state, isHeld) in occupants { reconcile(id, state, isHeld: isHeld) }
    let missed = unheard.sorted { $0.key < $1.key }.map(\.value)
    unheard = [:]
    for event in missed { feed(event) }
  }

  private var occupants: [(id: WorkerID, state: WorkerState, isHeld: Bool)] {
    machine.slots.flatMap { slot in
      slot.workers.map { (WorkerID(slot: slot.id, generation: $0.generation), $0.state, slot.isHeld) }
    }
  }

  /// By way of the file.
  private func remember() {
    do {
      let text = try JSONEncoder().encode(machine.memory)
      let memory = try JSONDecoder().decode(PoolMemory.self, from: text)
      machine = PoolMachine(name: Self.pool, policy: machine.policy, remembering: memory)
    } catch {
      demand(false, .isRemembered, "\(error)")
    }
  }

  private func resume(_ id: WorkerID, _ state: WorkerState) {
    if case .wiping = state {
      demand(unwiped.contains(id), .wipesOnce, "\(id) is remembered as being wiped, and was")
      return agenda.add(.wiped(id, life: life), after: .milliseconds(100))
    }
    guard let process = processes[id] else {
      return agenda.add(.goneUnseen(id, life: life), after: .milliseconds(1))
    }
    switch state {
    case .starting:
      if process.isUnborn {
        agenda.add(.startFailed(id, life: life), after: .zero)
      } else if process.isUp {
        agenda.add(.ready(id), after: .milliseconds(10))
      } else if process.isMute {
        agenda.add(.notReady(id, life: life), after: machine.policy.ready.timeout)
      }
    case .stopping(_, _, let killed): killed ? kill(id) : terminate(id)
    case .ready, .draining, .wiping: break
    }
  }

  /// The proxy is told again what it may have been told already.
  private func reconcile(_ id: WorkerID, _ state: WorkerState, isHeld: Bool) {
    switch state {
    case .starting: break
    case .ready:
      guard processes[id] != nil else { return }
      guard !isHeld || !ledger.workers.contains(id) else { return report(ledger.drain(id).reports) }
      if !isHeld { serving.insert(id) }
      take(ledger.admit(id, at: .tcp(port: 1), at: now).grants)
      if isHeld { report(ledger.drain(id).reports) }
    case .draining:
      guard processes[id] != nil else { return }
      serving.remove(id)
      report(ledger.drain(id).reports)
    case .stopping, .wiping: retire(id)
    }
  }
}
