import Pool

/// Brings what the loops know of nodes to the supervisor: a page at a time, and only as fast as it is read. Meanwhile
/// it stays with the loops, where it takes no more room than there are nodes.
struct NodeTeller {
  /// The first one last.
  private var pages: [NodeNews] = []

  /// The loops that have something are asked for it.
  func ask(_ peer: LinkPeer, _ shared: Shared) {
    guard peer.isOpen, pages.isEmpty else { return }
    for door in shared.doors where door.hasTally.load(ordering: .relaxed) { door.post(.tally) }
  }

  mutating func tell(_ peer: LinkPeer, _ shared: Shared) {
    if pages.isEmpty, peer.isOpen { collect(shared) }
    while peer.isOpen, !peer.wantsOutput, let page = pages.popLast() { peer.send(.nodes(page)) }
  }

  /// The last words, once the loops have ended.
  mutating func finish(_ peer: LinkPeer, _ shared: Shared) {
    collect(shared)
    for page in pages.reversed().prefix(Self.lastPages) { peer.send(.nodes(page)) }
  }

  /// They wait for no reader: the link's own limit on what may be on its way holds.
  private static let lastPages = 32

  private mutating func collect(_ shared: Shared) {
    let tallies = shared.doors.flatMap { $0.collectTallies() }
    pages = tallies.flatMap(\.news.pages).reversed() + pages
  }
}
