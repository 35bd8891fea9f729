import Pool

/// Tells the supervisor what the ledger knows of runs and places: a page at a time, and only as fast as it is read.
///
/// What was not told yet when a proxy is killed is lost: runs that began, ended or found a place in its last second.
struct RunTeller {
  /// Nobody wants to know until `tellRuns`.
  private var isOn = false
  /// As soon as a run begins.
  private(set) var tellsAtOnce = false
  /// The ledger may have news.
  private var isDue = false
  private var owesEnd = false
  /// Of the last look at the ledger, the first one last.
  private var pages: [RunNews] = []

  mutating func begin(anew: Bool, atOnce: Bool, _ shared: Shared) {
    shared.ledger.withLock { $0.tellRuns(anew: anew, atOnce: atOnce) }
    isOn = true
    tellsAtOnce = atOnce
    isDue = true
    owesEnd = true
  }

  mutating func becomeDue() { isDue = isOn }

  mutating func tell(_ peer: LinkPeer, _ shared: Shared) {
    if tellsAtOnce { isDue = true }
    while peer.isOpen, !peer.wantsOutput {
      if let page = pages.popLast() {
        peer.send(.runs(page))
      } else if isDue {
        isDue = false
        pages = shared.ledger.withLock { $0.takeRunNews() }.flatMap(\.pages).reversed()
      } else {
        if owesEnd { peer.send(.runsTold) }
        owesEnd = false
        return
      }
    }
  }

  /// The last words wait for no reader: the link's own limit on what may be on its way holds.
  mutating func finish(_ peer: LinkPeer, _ shared: Shared) {
    guard isOn else { return }
    isDue = true
    tell(peer, shared)
    for page in pages.reversed().prefix(Self.lastPages) { peer.send(.runs(page)) }
  }

  private static let lastPages = 32
}
