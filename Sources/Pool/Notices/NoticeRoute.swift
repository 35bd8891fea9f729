/// What one receiver is told of, group by group, and how often it was told within the last hour.
struct NoticeRoute: Hashable, Sendable, Codable {
  static let window = Duration.seconds(3600)

  private var groups: [NoticeGroup] = []
  /// At most `max_messages_per_hour`.
  private(set) var sent: [Instant]

  init(sent: [Instant] = []) { self.sent = sent }

  mutating func begin(_ notice: Notice, since: Instant, _ policy: NoticePolicy, at now: Instant) {
    let index = group(of: notice, policy)
    groups[index].begin(notice, since: since, policy, at: now)
  }

  mutating func update(_ notice: Notice, _ policy: NoticePolicy) {
    let index = group(of: notice, policy)
    groups[index].update(notice)
  }

  mutating func end(_ notice: Notice, isTold: Bool, _ policy: NoticePolicy, at now: Instant) {
    let index = group(of: notice, policy)
    groups[index].end(notice.id, isTold: isTold, policy, at: now)
  }

  mutating func occur(_ notice: Notice, _ policy: NoticePolicy, at now: Instant) {
    let index = group(of: notice, policy)
    groups[index].occur(notice, policy, at: now)
  }

  private mutating func group(of notice: Notice, _ policy: NoticePolicy) -> Int {
    let key = NoticeGroup.Key(of: notice, policy.groupBy)
    if let index = groups.firstIndex(where: { $0.key == key }) { return index }
    groups.append(NoticeGroup(key: key))
    return groups.count - 1
  }

  /// What is due, as far as the hour has room for it; the rest stays due.
  mutating func flush(isLast: Bool, _ policy: NoticePolicy, at now: Instant) -> [(alerts: [Alert], more: Int)] {
    sent.removeAll { now - $0 >= Self.window }
    var parts: [(alerts: [Alert], more: Int)] = []
    let due = groups.indices.filter { index in
      (isLast && groups[index].hasNews) || groups[index].dueTime(policy).map { $0 <= now } ?? false
    }
    // The last room of an hour is for what is worst.
    for index in due.filter({ groups[$0].isCritical }) + due.filter({ !groups[$0].isCritical }) {
      guard sent.count < policy.maxMessagesPerHour else { break }
      guard let part = groups[index].take(policy, at: now) else { continue }
      sent.append(now)
      parts.append(part)
    }
    groups.removeAll { $0.isIdle(policy, at: now) }
    return parts
  }
}
