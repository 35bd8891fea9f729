import FoundationEssentials
import Pool

/// The account of nodes: what the proxies say of them, who has fallen silent, and what the history keeps.
extension Supervisor {
  /// How often changes go to the history. Together with what a proxy gathers, a killed supervisor forgets less than 5 s.
  static let nodeKeepInterval = Duration.seconds(3)

  /// What an earlier supervisor knew.
  func loadNodes() async {
    guard let ledger else { return }
    let rows = await ledger.nodes(limit: plan.nodes.limit)
    let (now, offset) = (Clock.now(), Clock.wallOffset())
    nodes.load(rows.map { NodeRecord($0, offset, now: now) }, at: now)
  }

  func take(_ news: NodeNews) { nodes.learn(news, at: Clock.now()) }

  func changeNodePolicy(to policy: NodePolicy) { nodes.change(to: policy, at: Clock.now()) }

  /// Once a second. A site's outage is a sentence a minute, not one for each node.
  func watchNodes() {
    let now = Clock.now()
    let (silent, back) = nodes.look(at: now)
    silentNodes.add(silent)
    returnedNodes.add(back)
    if let (count, who) = silentNodes.take(at: now) {
      let words = count == 1 ? "\(who) has fallen silent" : "\(count) nodes have fallen silent: \(who)"
      log.append(.node, "\(words), nothing heard for \(nodes.policy.overdue.short); \(overdueInWords)")
    }
    if let (count, who) = returnedNodes.take(at: now) {
      log.append(.node, "\(count == 1 ? "\(who) is back" : "\(count) nodes are back: \(who)"); \(overdueInWords)")
    }
    if now - nodesKept >= Self.nodeKeepInterval { keepNodes(at: now) }
  }

  private var overdueInWords: String { "\(nodes.overdue) of \(nodes.count) overdue" }

  func keepNodes(at now: Instant = Clock.now()) {
    nodesKept = now
    guard let ledger else { return }
    let (gone, changed) = nodes.takeChanges()
    guard !gone.isEmpty || !changed.isEmpty else { return }
    let offset = Clock.wallOffset()
    ledger.keep(gone: gone, nodes: changed.map { NodeRow($0, offset) })
  }

  /// Sorted and written outside: there may be a hundred thousand.
  public nonisolated func nodes(_ query: NodeQuery) async -> NodesDocument {
    let (book, quarantined) = await nodesNow
    return NodesDocument(
      book, query, quarantined: quarantined, at: Clock.now(), Clock.wallOffset(),
      written: Clock.timestamp(milliseconds:))
  }

  private var nodesNow: (NodeBook, Set<String>) { (nodes, Set(quarantinedNodes.map(\.node))) }
}

extension Clock {
  static func wallOffset() -> WallOffset {
    let wall = Int((Date().timeIntervalSince1970 * 1000).rounded())
    return WallOffset(milliseconds: wall - Int(now().nanoseconds / 1_000_000))
  }

  /// Half of one more, since what is no binary fraction would be cut to the one before.
  static func timestamp(milliseconds: Int) -> String {
    timestamp(Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000))
  }
}
