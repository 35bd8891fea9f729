/// What one receiver is told together: what holds, what is new, and when the next message is due.
///
/// The words are Alertmanager's. Something new is told after `group_wait`, and then no sooner than `group_interval` after
/// the message before it, unless it is worse than all that was told; what lasts is told again after `repeat_interval`.
struct NoticeGroup: Hashable, Sendable, Codable {
  struct Key: Hashable, Sendable, Codable {
    var pool: PoolName?
    var kind: NoticeKind?

    init(of notice: Notice, _ grouping: Set<NoticePolicy.Grouping>) {
      pool = grouping.contains(.pool) ? notice.pool : nil
      kind = grouping.contains(.kind) ? notice.kind : nil
    }
  }

  private struct Open: Hashable, Sendable, Codable {
    var alert: Alert
    var isTold = false
  }

  let key: Key
  private var open: [Open] = []
  /// What is over, and what has occurred, since the last message.
  private var closed: [Alert] = []
  private var more = 0
  private var due: Instant?
  private var lastSent: Instant?
  private var toldSeverity: Severity?

  init(key: Key) { self.key = key }

  var hasNews: Bool { due != nil }

  var isCritical: Bool {
    open.contains { $0.alert.notice.severity == .critical } || closed.contains { $0.notice.severity == .critical }
  }

  /// Nothing to tell, nothing that lasts, and no message so recent that the next would have to wait for it.
  func isIdle(_ policy: NoticePolicy, at now: Instant) -> Bool {
    open.isEmpty && closed.isEmpty && more == 0
      && (lastSent.map { now - $0 >= policy.groupInterval } ?? true)
  }

  mutating func begin(_ notice: Notice, since: Instant, _ policy: NoticePolicy, at now: Instant) {
    open.append(Open(alert: Alert(.firing, notice, since: since)))
    schedule(notice.severity, policy, at: now)
  }

  /// Its words may change while it lasts.
  mutating func update(_ notice: Notice) {
    guard let index = open.firstIndex(where: { $0.alert.notice.id == notice.id }) else { return }
    open[index].alert.notice = notice
  }

  /// - Parameter isTold: that it is over is news; false: another notice says more of the same.
  mutating func end(_ id: Notice.ID, isTold: Bool, _ policy: NoticePolicy, at now: Instant) {
    guard let index = open.firstIndex(where: { $0.alert.notice.id == id }) else { return }
    let gone = open.remove(at: index)
    guard isTold else { return }
    guard gone.isTold else {
      more += 1
      return
    }
    guard policy.resolved else { return }
    keep(Alert(.resolved, gone.alert.notice, since: gone.alert.since, ended: now), policy)
    schedule(nil, policy, at: now)
  }

  mutating func occur(_ notice: Notice, _ policy: NoticePolicy, at now: Instant) {
    keep(Alert(.occurred, notice, since: now), policy)
    schedule(notice.severity, policy, at: now)
  }

  private mutating func keep(_ alert: Alert, _ policy: NoticePolicy) {
    if closed.count < policy.maxListed { closed.append(alert) } else { more += 1 }
  }

  private mutating func schedule(_ severity: Severity?, _ policy: NoticePolicy, at now: Instant) {
    let soon = now + policy.groupWait
    let isWorse = severity.map { severity in toldSeverity.map { severity > $0 } ?? false } ?? false
    let after = isWorse ? nil : lastSent.map { $0 + policy.groupInterval }
    let wanted = max(soon, after ?? soon)
    due = due.map { min($0, wanted) } ?? wanted
  }

  /// The next message's time, if nothing comes between.
  func dueTime(_ policy: NoticePolicy) -> Instant? {
    let again = open.contains(where: \.isTold) ? lastSent.map { $0 + policy.repeatInterval } : nil
    switch (due, again) {
    case (let due?, let again?): return min(due, again)
    case (let due, let again): return due ?? again
    }
  }

  /// Nil: what there was to tell is over, and was not told of.
  mutating func take(_ policy: NoticePolicy, at now: Instant) -> (alerts: [Alert], more: Int)? {
    due = nil
    guard !open.isEmpty || !closed.isEmpty else { return nil }
    let alerts = (open.map(\.alert) + closed).sorted(by: Self.isBefore)
    let listed = Array(alerts.prefix(policy.maxListed))
    defer {
      for index in open.indices { open[index].isTold = true }
      (closed, more, lastSent) = ([], 0, now)
      toldSeverity = open.map(\.alert.notice.severity).max()
    }
    return (listed, more + alerts.count - listed.count)
  }

  private static func isBefore(_ a: Alert, _ b: Alert) -> Bool {
    let (aIsOver, bIsOver) = (a.status == .resolved, b.status == .resolved)
    if aIsOver != bIsOver { return bIsOver }
    if a.notice.severity != b.notice.severity { return a.notice.severity > b.notice.severity }
    return (a.since, a.notice.subject) < (b.since, b.notice.subject)
  }
}
