import Pool
import Synchronization

/// Takes messages to their receivers, each on its own, and keeps account of what became of them.
final class NoticeCourier: Sendable {
  /// Sentences that nobody has read yet; more are lost.
  static let newsBacklog = 100
  /// Between two sentences about one receiver's lost messages.
  static let pause = Duration.seconds(60)

  /// New settings are noticed by then.
  private static let longestSleep = Duration.seconds(5)

  /// What there is to say of receivers, for the log.
  let news: AsyncStream<String>
  private let mouth: AsyncStream<String>.Continuation
  private let state: Mutex<State>

  fileprivate struct State {
    var policy: NoticePolicy
    var desks: [String: Desk] = [:]
    var random = SystemRandomNumberGenerator()
    var isOver = false
  }

  fileprivate struct Desk {
    var outbox = NoticeOutbox()
    var isRunning = false
    var isTroubled = false
    /// Messages given up, of which nothing was said yet.
    var lost = 0
    var lastSaid: Instant?
  }

  init(policy: NoticePolicy) {
    state = Mutex(State(policy: policy))
    (news, mouth) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.newsBacklog))
  }

  func change(to policy: NoticePolicy) {
    state.withLock { state in
      let former = state.policy
      state.policy = policy
      state.desks = state.desks.filter { name, _ in state.receiver(name) != nil }
      // What is new may be what it takes.
      for receiver in policy.receivers where !former.receivers.contains(receiver) {
        state.desks[receiver.name]?.outbox.hurry(at: Clock.now())
      }
    }
  }

  func send(_ messages: [NoticeMessage]) {
    for message in messages { add(message) }
  }

  private func add(_ message: NoticeMessage) {
    let mustRun = state.withLock { state in
      guard let receiver = state.receiver(message.receiver) else { return false }
      var desk = state.desks[message.receiver] ?? Desk()
      defer { state.desks[message.receiver] = desk }
      desk.lost += desk.outbox.add(message, receiver, at: Clock.now())
      guard !desk.isRunning else { return false }
      desk.isRunning = true
      return true
    }
    if mustRun { Task { await run(message.receiver) } }
  }

  // MARK: On their way

  private enum Step {
    case wait(until: Instant)
    case send(NoticeMessage, NoticeDelivery)
    case done
  }

  private func run(_ name: String) async {
    while true {
      switch step(name) {
      case .wait(let due): try? await Clock.sleep(until: min(due, Clock.now() + Self.longestSleep))
      case .send(let message, let delivery): settle(name, await delivery.send(message).result)
      case .done: return
      }
    }
  }

  private func step(_ name: String) -> Step {
    state.withLock { state in
      guard let receiver = state.receiver(name), !state.isOver, let due = state.desks[name]?.outbox.due else {
        state.desks[name]?.isRunning = false
        return .done
      }
      guard let message = state.desks[name]?.outbox.next(at: Clock.now()) else { return .wait(until: due) }
      return .send(message, NoticeDelivery(receiver: receiver, sender: NoticeSender(state.policy)))
    }
  }

  private func settle(_ name: String, _ result: NoticeOutbox.Result) {
    let now = Clock.now()
    let sentence: String? = state.withLock { state in
      guard let receiver = state.receiver(name), var desk = state.desks[name] else { return nil }
      defer { state.desks[name] = desk }
      if desk.outbox.ended(result, receiver, at: now, using: &state.random) != nil { desk.lost += 1 }
      return desk.sentence(name, at: now)
    }
    if let sentence { mouth.yield(sentence) }
  }

  // MARK: Tests

  /// One attempt for each of these; their names, whether it was taken, and what came back.
  func test(_ names: [String]) async -> [(name: String, isTaken: Bool, words: String)] {
    let (receivers, sender) = state.withLock { state in
      (names.compactMap { state.receiver($0) }, NoticeSender(state.policy))
    }
    return await withTaskGroup(of: (Int, String, Bool, String).self) { group in
      for (index, receiver) in receivers.enumerated() {
        group.addTask {
          let started = Clock.now()
          let outcome = await NoticeDelivery(receiver: receiver, sender: sender).send(
            .test(receiver.name, at: started))
          let isTaken = outcome.result == .taken
          return (index, receiver.name, isTaken, "\(outcome.words), after \((Clock.now() - started).short)")
        }
      }
      var all: [(Int, String, Bool, String)] = []
      for await one in group { all.append(one) }
      return all.sorted { $0.0 < $1.0 }.map { ($0.1, $0.2, $0.3) }
    }
  }

  // MARK: What there is

  var standing: [StatusDocument.Notify.Receiver] {
    state.withLock { state in
      state.policy.receivers.map { receiver in
        let outbox = state.desks[receiver.name]?.outbox ?? NoticeOutbox()
        return StatusDocument.Notify.Receiver(
          name: receiver.name, waiting: outbox.waiting, deliveredTotal: outbox.tally.delivered,
          failedTotal: outbox.tally.failed, droppedTotal: outbox.tally.dropped, trouble: outbox.trouble)
      }
    }
  }

  /// What a successor goes on with; what is just on its way may arrive twice.
  var memory: (messages: [NoticeMessage], tallies: [String: NoticeOutbox.Tally]) {
    state.withLock { state in
      (state.desks.values.flatMap(\.outbox.messages), state.desks.mapValues(\.outbox.tally))
    }
  }

  func recall(_ messages: [NoticeMessage], _ tallies: [String: NoticeOutbox.Tally]) {
    state.withLock { state in
      for (name, tally) in tallies where state.receiver(name) != nil {
        state.desks[name] = Desk(outbox: NoticeOutbox(tally: tally))
      }
    }
    send(messages)
  }

  /// Gives those on their way so long, and then no more attempts are made.
  func finish(within limit: Duration) async {
    let deadline = Clock.now() + limit
    while standing.contains(where: { $0.waiting > 0 }), Clock.now() < deadline {
      try? await Clock.sleep(until: min(deadline, Clock.now() + .milliseconds(50)))
    }
    state.withLock { $0.isOver = true }
    mouth.finish()
  }
}

extension NoticeCourier.State {
  fileprivate func receiver(_ name: String) -> NoticeReceiver? { policy.receivers.first { $0.name == name } }
}

extension NoticeCourier.Desk {
  /// Once when trouble begins and once when it is over; of lost messages at most once a minute.
  fileprivate mutating func sentence(_ name: String, at now: Instant) -> String? {
    guard let trouble = outbox.trouble else {
      defer { isTroubled = false }
      return isTroubled ? "\(name) takes notifications again" : nil
    }
    let isNew = !isTroubled
    isTroubled = true
    let maySay = lastSaid.map { now - $0 >= NoticeCourier.pause } ?? true
    guard isNew || lost > 0 && maySay else { return nil }
    lastSaid = now
    defer { lost = 0 }
    let gone = lost == 0 ? "" : ", \(lost) given up"
    return "\(name) does not take notifications: \(trouble)\(gone)"
  }
}

extension NoticeMessage {
  static func test(_ receiver: String, at now: Instant) -> NoticeMessage {
    let notice = Notice(
      .test, subject: "test", summary: "nothing is wrong: somebody asked masterpool for a test of its notifications")
    return NoticeMessage(number: 0, receiver: receiver, at: now, alerts: [Alert(.occurred, notice, since: now)])
  }
}
