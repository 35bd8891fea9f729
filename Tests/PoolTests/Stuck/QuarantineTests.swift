import Testing

@testable import Pool

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }
private let policy = QuarantinePolicy(strikes: 3, within: .seconds(3600), for: .seconds(4 * 3600), nodes: 10)

@Suite struct QuarantineBookTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Minutes.
    var strikes: [Double]
    var policy = QuarantinePolicy(strikes: 3, within: .seconds(3600), for: .seconds(4 * 3600))
    var verdict: QuarantineBook.Verdict
  }

  static let cases = [
    Case(testDescription: "once", strikes: [0], verdict: .counted(1)),
    Case(testDescription: "twice", strikes: [0, 5], verdict: .counted(2)),
    Case(testDescription: "thrice", strikes: [0, 5, 60], verdict: .begins(until: at(300 * 60))),
    Case(testDescription: "too seldom", strikes: [0, 40, 80, 120], verdict: .counted(2)),
    Case(testDescription: "again while it lasts", strikes: [0, 1, 2, 100], verdict: .goesOn(until: at(340 * 60))),
    Case(
      testDescription: "off", strikes: [0, 1, 2, 3], policy: QuarantinePolicy(strikes: nil), verdict: .counted(0)),
    Case(
      testDescription: "at once", strikes: [0], policy: QuarantinePolicy(strikes: 1, for: .seconds(60)),
      verdict: .begins(until: at(60))),
  ]

  @Test(arguments: cases) func strikesAreCountedInTheirTime(_ example: Case) {
    var book = QuarantineBook()
    let verdicts = example.strikes.map { book.strike("web7", example.policy, at: at($0 * 60)) }
    #expect(verdicts.last == example.verdict)
  }

  @Test func itEndsByItselfOrByTheOperator() {
    var book = QuarantineBook()
    for node in ["a", "b"] { for second in 0..<3 { _ = book.strike(node, policy, at: at(Double(second))) } }
    #expect(book.quarantined == ["a", "b"])
    let released = ["a", "a", "c"].map { book.release($0) }
    #expect(released == [true, false, false])
    let anew = book.strike("a", policy, at: at(3))
    #expect(anew == .counted(1))
    let ended = [4 * 3600.0, 4 * 3600 + 3].map { book.expire(policy, at: at($0)) }
    #expect(ended == [[], ["b"]])
    #expect(book.quarantined == [])
  }

  @Test func withoutAPolicyNobodyStays() {
    var book = QuarantineBook()
    for second in 0..<3 { _ = book.strike("a", policy, at: at(Double(second))) }
    let ended = book.expire(QuarantinePolicy(strikes: nil), at: at(5))
    #expect(ended == ["a"])
  }

  /// However many nodes there are; and who is quarantined is forgotten last.
  @Test func itIsBounded() {
    var book = QuarantineBook()
    for second in 0..<3 { _ = book.strike("wedge", policy, at: at(Double(second))) }
    for index in 0..<1000 { _ = book.strike("node\(index)", policy, at: at(10 + Double(index))) }
    #expect(book.quarantined == ["wedge"])
    let again = ["node999", "node1"].map { book.strike($0, policy, at: at(1011)) }
    #expect(again == [.counted(2), .counted(1)], "the one is remembered, the other is not")
  }
}

/// Requests of quarantined and other nodes come and go as a seed says; at each step the rules hold.
@Suite struct ConfinementSimulationTests {
  @Test(arguments: 0..<40 as Range<UInt64>) func theConfinedGetOneWorkerAndBlockNobody(_ seed: UInt64) {
    var run = Run(seed: seed)
    for _ in 0..<600 { run.step() }
    run.finish()
  }

  private struct Run {
    var chance: Chance
    var ledger: ClaimLedger
    let workers: Int
    var now = Instant(nanoseconds: 1)
    var quarantined: Set<UInt64> = []
    var waiting: [UInt32: (asker: Asker, spot: UInt32)] = [:]
    /// `confined`: it was claimed, or its node quarantined, while it counts.
    var holding: [(asker: Asker, claim: Claim)] = []
    var lastTicket: UInt32 = 0

    init(seed: UInt64) {
      chance = Chance(seed: seed)
      workers = Int.random(in: 1...4, using: &chance)
      ledger = ClaimLedger(pools: [
        ProxiedPool(
          name: PoolScript.masters, concurrency: 1, queue: QueuePolicy(limit: 1000, lift: .seconds(1)),
          requestTimeout: .seconds(60))
      ])
      for slot in 0..<workers { _ = ledger.admit(PoolScript.worker(slot, 1), at: .tcp(port: 1), at: now) }
    }

    mutating func step() {
      now = now + .milliseconds(Int.random(in: 1...300, using: &chance))
      switch Int.random(in: 0..<20, using: &chance) {
      case 0: changeQuarantine()
      case 1: withdraw()
      case 2...10: ask()
      default: release()
      }
      check()
    }

    mutating func changeQuarantine() {
      quarantined = Set((1...9 as ClosedRange<UInt64>).filter { _ in Int.random(in: 0..<3, using: &chance) == 0 })
      grant(ledger.quarantine([quarantined], at: now).grants)
    }

    mutating func ask() {
      lastTicket += 1
      let asker = Asker(
        Ticket(loop: 0, index: lastTicket, serial: 1), node: .random(in: 1...9, using: &chance),
        priority: RoutePriority.allCases.randomElement(using: &chance) ?? .normal, patience: .retries)
      let held = confinedHeld
      let admission =
        Int.random(in: 0..<4, using: &chance) == 0
        ? ledger.readmit(asker, to: 0, until: now + .seconds(60), at: now) : ledger.admit(asker, to: 0, at: now)
      switch admission {
      case .claimed(let claim):
        #expect(!quarantined.contains(asker.node) || held == 0)
        holding.append((asker, claim))
      case .queued(_, let spot): waiting[lastTicket] = (asker, spot)
      case .shed, .unsure: Issue.record("there is room for all")
      }
    }

    mutating func release() {
      guard !holding.isEmpty else { return }
      let (_, claim) = holding.remove(at: Int.random(in: 0..<holding.count, using: &chance))
      let release = ledger.release(claim, .answered, keeping: nil, at: now)
      grant(release.grant.map { [$0] } ?? [])
    }

    mutating func withdraw() {
      guard let (index, place) = waiting.randomElement(using: &chance) else { return }
      waiting[index] = nil
      let wasInLine = ledger.withdraw(place.asker.ticket, at: place.spot, from: 0)
      #expect(wasInLine)
    }

    mutating func grant(_ grants: [Grant]) {
      for grant in grants {
        guard let place = waiting.removeValue(forKey: grant.ticket.index) else {
          Issue.record("a grant for nobody")
          continue
        }
        #expect(!quarantined.contains(place.asker.node) || confinedHeld == 0)
        holding.append((place.asker, grant.claim))
      }
    }

    var confinedHeld: Int { holding.count { quarantined.contains($0.asker.node) } }

    func check() {
      let counters = ledger.poolCounters[0]
      #expect(counters.queueLength == waiting.count)
      let confined = waiting.values.count { quarantined.contains($0.asker.node) }
      #expect(counters.quarantinedWaiting == confined)
      guard holding.count < workers else { return }
      // A worker is free: nobody else waits, and of the confined only because another one is served.
      #expect(counters.queueLength == counters.quarantinedWaiting)
      #expect(counters.quarantinedWaiting == 0 || confinedHeld > 0)
    }

    /// Everybody is served in the end.
    mutating func finish() {
      while !holding.isEmpty {
        now = now + .milliseconds(10)
        release()
        check()
      }
      #expect(waiting.isEmpty)
    }
  }
}
