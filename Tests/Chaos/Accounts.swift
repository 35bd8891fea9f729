import Pool
import TestSupport

/// Whether the ledger's sums are what the clients saw: of each ended worker, the requests that it served and lost.
struct Accounts: Sendable {
  struct Account: Sendable {
    var worker: String
    var ledgerServed = 0
    var ledgerLost = 0
    /// By X-Worker, and by the log's line for answers that the proxy had to give in its place.
    var seenServed = 0
    var seenLost = 0
    /// A proxy was killed while it lived: what that one had counted since its last report went with it.
    var isBlurred = false
  }

  /// A killed proxy's last lines of the access log, that would have told of losses before, go with it.
  private static let unwritten = Duration.seconds(1)

  private(set) var accounts: [String: Account] = [:]

  /// Of those whose every request was counted by a proxy that lived to tell.
  var exact: [Account] { accounts.values.filter { !$0.isBlurred } }
  var blurred: [Account] { accounts.values.filter(\.isBlurred) }

  init(lives: [String: [Range<Duration>]], exits: [String: [ExitRow]], entries: [Entry], judge: Judge) {
    let kills = judge.blows.filter { $0.target == .proxy }
    for (worker, rows) in exits {
      var account = Account(worker: worker)
      account.ledgerServed = rows.map(\.requestsServed).reduce(0, +)
      account.ledgerLost = rows.map(\.requestsLost).reduce(0, +)
      let spans = lives[worker] ?? []
      account.isBlurred =
        spans.count != rows.count
        || kills.contains { kill in
          spans.contains { $0.lowerBound <= kill.ended && $0.upperBound + Self.unwritten >= kill.began }
        }
      accounts[worker] = account
    }
    for entry in entries { enter(entry, judge) }
  }

  private mutating func enter(_ entry: Entry, _ judge: Judge) {
    let line = judge.witnesses.lines[entry.id]?.last
    switch entry.outcome {
    case .underWay: return
    case .answered(200, let worker?, _, _): accounts[worker]?.seenServed += 1
    case .answered(502, _, _, _), .answered(504, _, _, _), .lost:
      guard let worker = line?.worker else { return }
      accounts[worker]?.seenServed += 1
      accounts[worker]?.seenLost += 1
    case .answered: return
    }
  }

  /// Each that does not agree, in words.
  var differences: [String] {
    exact.filter { $0.ledgerServed != $0.seenServed || $0.ledgerLost != $0.seenLost }.map { account in
      "\(account.worker): the ledger has \(account.ledgerServed) served, \(account.ledgerLost) lost; "
        + "clients saw \(account.seenServed) and \(account.seenLost)"
    }.sorted()
  }
}
