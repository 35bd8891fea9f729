import Glibc
import Pool

/// Telling somebody: what is wrong is looked for once a second, and messages go their way beside everything else.
extension Supervisor {
  func watchNotices() {
    let now = Clock.now()
    for notice in log.takeOccurrences() { notices.note(notice, at: now) }
    guard !plan.notify.receivers.isEmpty, mayReload, !isLeaving else { return }
    notices.observe(look().conditions(plan.notify), at: now)
    tell(notices.flush(at: now))
  }

  private func tell(_ messages: [NoticeMessage]) {
    guard !messages.isEmpty else { return }
    courier.send(messages)
    noteChange()
  }

  /// Before we end: what is new is not lost for want of a message's time.
  func tellTheLast() async {
    guard !plan.notify.receivers.isEmpty else { return }
    for notice in log.takeOccurrences() { notices.note(notice, at: Clock.now()) }
    courier.send(notices.flush(isLast: true, at: Clock.now()))
    await courier.finish(within: plan.notify.lastWait)
  }

  func followCourier() async {
    for await sentence in courier.news { log.append(.notify, sentence) }
  }

  func changeNoticePolicy(to policy: NoticePolicy) {
    notices.change(to: policy, at: Clock.now())
    courier.change(to: policy)
  }

  // MARK: What is looked at

  private func look() -> HostLook {
    var look = HostLook()
    if case .starting = phase { look.isStarting = true }
    look.hasProxy = proxies.current != nil
    look.pools = plan.pools.compactMap { pools[$0.name].map(look(at:)) }
    look.nodes = .init(overdue: nodes.overdue, total: nodes.count, after: nodes.policy.overdue)
    look.expiries = proxies.current?.counters.expiries ?? []
    look.historyTrouble = ledger?.trouble
    look.epoch = time(nil)
    return look
  }

  private func look(at pool: ManagedPool) -> HostLook.Pool {
    let machine = pool.machine
    var look = HostLook.Pool(
      name: pool.plan.name, size: machine.policy.size, ready: machine.readyCount,
      minReady: machine.policy.recycle.minReady.of(machine.policy.size))
    look.memory = machine.memoryInUse
    look.budget = machine.policy.memoryBudget
    look.queueLength = proxies.counters(of: pool.plan.name, after: pool.earlier).queueLength
    look.queueLimit = machine.policy.queue.limit
    look.quarantined = pool.quarantine.quarantined
    look.failing = machine.slots.compactMap { failing($0) }
    return look
  }

  /// One that has had a worker for long enough owes nothing to earlier failures.
  private func failing(_ slot: Slot) -> HostLook.FailingSlot? {
    guard slot.isWanted, slot.backOff.failures > 0, !isStable(slot) else {
      slotFailures[slot.id] = nil
      return nil
    }
    return HostLook.FailingSlot(slot: slot.id, failures: slot.backOff.failures, why: slotFailures[slot.id])
  }

  private func isStable(_ slot: Slot) -> Bool {
    switch slot.incumbent?.state {
    case .ready(let since, _): Clock.now() - since >= BackOff.stableAfter
    case .starting, .draining, .stopping, .wiping, nil: false
    }
  }

  var notifyStatus: StatusDocument.Notify? {
    guard !plan.notify.receivers.isEmpty else { return nil }
    return StatusDocument.Notify(firing: notices.firing.count, receivers: courier.standing)
  }

  // MARK: Over our life

  var noticesRecord: RuntimeState.NoticesRecord {
    let (messages, tallies) = courier.memory
    return RuntimeState.NoticesRecord(
      book: notices.memory, messages: messages, tallies: tallies,
      failures: Dictionary(uniqueKeysWithValues: slotFailures.map { ($0.key.description, $0.value) }))
  }

  func recallNotices(_ record: RuntimeState.NoticesRecord) {
    notices.recall(record.book)
    courier.recall(record.messages, record.tallies)
    for (text, why) in record.failures { if let slot = SlotID(text) { slotFailures[slot] = why } }
  }

  // MARK: Tests

  func testNotifications(_ receiver: String?) async -> ControlReply {
    let names = plan.notify.receivers.map(\.name)
    guard !names.isEmpty else {
      return .refused(message: "nobody is told: the settings have no notify.receivers")
    }
    if let receiver, !names.contains(receiver) {
      return .refused(message: "no receiver \(receiver); there is \(names.joined(separator: ", "))")
    }
    let outcomes = await courier.test(receiver.map { [$0] } ?? names)
    log.append(.notify, "a test: \(outcomes.map { "\($0.name): \($0.words)" }.joined(separator: "; "))")
    let lines = outcomes.map { "\($0.name): \($0.isTaken ? "taken" : "not taken"), \($0.words)" }
    let message = lines.joined(separator: "\n")
    return outcomes.allSatisfy(\.isTaken)
      ? .accepted(message: message, workers: []) : .refused(message: message)
  }
}
