/// Makes messages of what holds and what has occurred: few, in time, and none twice.
///
/// It is shown all conditions again and again, and told of occurrences; it has no clock.
public struct NoticeBook: Sendable {
  public private(set) var policy: NoticePolicy
  private var live: [Notice.ID: Live] = [:]
  private var routes: [String: NoticeRoute] = [:]
  private var lastNumber = 0
  /// Conditions beyond `max_alerts`.
  public private(set) var overflow = 0

  struct Live: Hashable, Sendable, Codable {
    var notice: Notice
    var since: Instant
    var isFiring = false
  }

  public init(policy: NoticePolicy) {
    self.policy = policy
    for receiver in policy.receivers { routes[receiver.name] = NoticeRoute() }
  }

  public var firing: [Notice] { live.values.filter(\.isFiring).map(\.notice) }

  // MARK: What is

  /// - Parameter conditions: all that hold now.
  public mutating func observe(_ conditions: [Notice], at now: Instant) {
    let found = worst(of: conditions)
    let former = live
    for (id, notice) in found where former[id] == nil {
      let lesser = notice.kind.includes.flatMap { former[Notice.ID(kind: $0, subject: id.subject)] }
      live[id] = Live(notice: notice, since: lesser?.since ?? now)
    }
    for (id, gone) in former where found[id] == nil {
      live[id] = nil
      end(gone, isTold: !found.values.contains { $0.kind.includes == id.kind && $0.subject == id.subject }, at: now)
    }
    for notice in found.values.sorted(by: Self.isBefore) { take(notice, at: now) }
  }

  private static func isBefore(_ a: Notice, _ b: Notice) -> Bool {
    if a.severity != b.severity { return a.severity > b.severity }
    return (a.subject, a.kind.rawValue) < (b.subject, b.kind.rawValue)
  }

  /// Without those that others include, and no more than are kept in mind: the worst, then those that were there before.
  private mutating func worst(of conditions: [Notice]) -> [Notice.ID: Notice] {
    var all = Dictionary(conditions.map { ($0.id, $0) }) { $1 }
    for notice in conditions {
      guard let kind = notice.kind.includes else { continue }
      all[Notice.ID(kind: kind, subject: notice.subject)] = nil
    }
    overflow = max(0, all.count - policy.maxAlerts)
    guard overflow > 0 else { return all }
    let known = live
    let ordered = all.values.sorted { a, b in
      let (aIsKnown, bIsKnown) = (known[a.id] != nil, known[b.id] != nil)
      if a.severity != b.severity { return a.severity > b.severity }
      return aIsKnown == bIsKnown ? a.subject < b.subject : aIsKnown
    }
    return Dictionary(ordered.prefix(policy.maxAlerts).map { ($0.id, $0) }) { $1 }
  }

  private mutating func take(_ notice: Notice, at now: Instant) {
    guard var known = live[notice.id] else { return }
    known.notice = notice
    if known.isFiring {
      forEachRoute(wanting: notice) { route, policy in route.update(notice, policy) }
    } else if now - known.since >= policy.lasting {
      known.isFiring = true
      forEachRoute(wanting: notice) { route, policy in route.begin(notice, since: known.since, policy, at: now) }
    }
    live[notice.id] = known
  }

  private mutating func end(_ gone: Live, isTold: Bool, at now: Instant) {
    guard gone.isFiring else { return }
    forEachRoute(wanting: gone.notice) { route, policy in route.end(gone.notice, isTold: isTold, policy, at: now) }
  }

  public mutating func note(_ occurrence: Notice, at now: Instant) {
    forEachRoute(wanting: occurrence) { route, policy in route.occur(occurrence, policy, at: now) }
  }

  private mutating func forEachRoute(
    wanting notice: Notice, _ act: (inout NoticeRoute, NoticePolicy) -> Void
  ) {
    for receiver in policy.receivers where receiver.wants(notice) {
      act(&routes[receiver.name, default: NoticeRoute()], policy)
    }
  }

  // MARK: What is told

  /// The messages that are due.
  ///
  /// - Parameter isLast: there will be no other chance, so that no news waits for more of it.
  public mutating func flush(isLast: Bool = false, at now: Instant) -> [NoticeMessage] {
    policy.receivers.flatMap { receiver in
      let parts = routes[receiver.name, default: NoticeRoute()].flush(isLast: isLast, policy, at: now)
      return parts.map { part in
        lastNumber += 1
        return NoticeMessage(
          number: lastNumber, receiver: receiver.name, at: now, alerts: part.alerts, more: part.more + overflow)
      }
    }
  }

  /// Other rules from now on. A new receiver is told of what holds; one that wants other things than before, too.
  public mutating func change(to new: NoticePolicy, at now: Instant) {
    let former = policy
    policy = new
    routes = routes.filter { name, _ in new.receivers.contains { $0.name == name } }
    for receiver in new.receivers {
      let same = former.receivers.first { $0.name == receiver.name }
      guard
        same?.kinds != receiver.kinds || same?.pools != receiver.pools
          || same?.minSeverity != receiver.minSeverity || former.groupBy != new.groupBy
      else { continue }
      var route = NoticeRoute(sent: routes[receiver.name]?.sent ?? [])
      for known in live.values where known.isFiring && receiver.wants(known.notice) {
        route.begin(known.notice, since: known.since, new, at: now)
      }
      routes[receiver.name] = route
    }
  }

  // MARK: Over the life of a supervisor

  /// What its successor must know, so that nothing is told twice and no end is missed.
  public struct Memory: Hashable, Sendable, Codable {
    var live: [Live]
    var routes: [String: NoticeRoute]
    var lastNumber: Int
  }

  public var memory: Memory {
    Memory(live: Array(live.values), routes: routes, lastNumber: lastNumber)
  }

  public mutating func recall(_ memory: Memory) {
    live = Dictionary(memory.live.prefix(policy.maxAlerts).map { ($0.notice.id, $0) }) { $1 }
    for receiver in policy.receivers {
      if let route = memory.routes[receiver.name] { routes[receiver.name] = route }
    }
    lastNumber = max(lastNumber, memory.lastNumber)
  }
}
