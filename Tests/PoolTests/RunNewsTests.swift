import Foundation
@testable import Pool
import Seeded
import Testing

private let masters = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

/// What one proxy knows of runs and places is known to the next.
@Suite struct RunNewsTests {
  private func proxied(_ queue: QueuePolicy) -> ProxiedPool {
    ProxiedPool(name: masters, concurrency: 1, queue: queue, requestTimeout: .seconds(600))
  }

  /// With one worker, which the first claim takes.
  private func ledger(_ queue: QueuePolicy) -> ClaimLedger {
    var ledger = ClaimLedger(pools: [proxied(queue)])
    let id = WorkerID(slot: SlotID(pool: masters, index: 0), generation: Generation(rawValue: 1))
    _ = ledger.admit(id, at: .tcp(port: 1), at: at(0))
    return ledger
  }

  private func ask(_ ledger: inout ClaimLedger, _ node: UInt64, at now: Instant) -> Admission {
    let ticket = Ticket(loop: 0, index: UInt32(truncatingIfNeeded: node), serial: 1)
    return ledger.admit(Asker(ticket, node: node, priority: .catalog, patience: .retries), to: 0, at: now)
  }

  private func cause(_ ledger: inout ClaimLedger, _ node: UInt64, at now: Instant) -> ShedCause? {
    guard case .shed(let refusal) = ask(&ledger, node, at: now) else { return nil }
    return refusal.cause
  }

  private func wait(_ ledger: inout ClaimLedger, _ node: UInt64, at now: Instant) -> Duration? {
    guard case .shed(let refusal) = ask(&ledger, node, at: now) else { return nil }
    return refusal.retryAfter
  }

  private func pass(_ news: [RunNews], to ledger: inout ClaimLedger, at now: Instant) throws {
    // As it comes over the link.
    for page in news.flatMap(\.pages) {
      let line = try JSONEncoder().encode(page)
      #expect(line.count < Link.maxLineBytes / 16)
      ledger.learn(try JSONDecoder().decode(RunNews.self, from: line), at: now)
    }
  }

  @Test func aRunIsKnownToTheNextProxyAndPlacesGoOnThere() throws {
    let queue = QueuePolicy(limit: 1, retryAfter: RetryAfterPolicy(min: .seconds(1), max: .seconds(900)))
    var old = ledger(queue)
    old.tellRuns(anew: false, atOnce: false)
    // Node 1's run takes 40 s a request; node 2 waits, 3 and 4 are given places.
    guard case .claimed(let first) = ask(&old, 1, at: at(0)) else { throw Nothing() }
    #expect(!first.beginsRun)
    _ = old.release(first, .answered, keeping: nil, at: at(40))
    guard case .claimed = ask(&old, 1, at: at(40)) else { throw Nothing() }
    guard case .queued = ask(&old, 2, at: at(41)) else { throw Nothing() }
    let told = [wait(&old, 3, at: at(41)), wait(&old, 4, at: at(41))].compactMap(\.self)
    #expect(told.count == 2 && told[0] < told[1])

    var new = ledger(queue)
    try pass(old.takeRunNews(), to: &new, at: at(42))
    #expect(new.poolCounters[0].runsUnderWay == 1)
    guard case .claimed = ask(&new, 9, at: at(42)), case .queued = ask(&new, 8, at: at(42)) else { throw Nothing() }
    #expect(cause(&new, 1, at: at(42)) == nil, "its run is under way")
    #expect(cause(&new, 3, at: at(42)) == .early, "it holds a place")
    // As they were told, a second later.
    #expect(wait(&new, 4, at: at(42)) == told[1] - .seconds(1))
    let next = try #require(wait(&new, 5, at: at(42)))
    #expect(next > told[1], "the next place is behind those that were handed out")
    #expect(cause(&new, 6, at: at(42)) == .limit)

    var stranger = ledger(queue)
    guard case .claimed = ask(&stranger, 9, at: at(42)), case .queued = ask(&stranger, 8, at: at(42)) else {
      throw Nothing()
    }
    #expect(cause(&stranger, 1, at: at(42)) == .limit, "without the news it is a new run")
  }

  @Test func aReportElsewhereEndsTheRun() throws {
    let queue = QueuePolicy(limit: 1)
    var old = ledger(queue)
    var new = ledger(queue)
    for index in 0..<2 {
      if index == 0 { old.tellRuns(anew: false, atOnce: true) } else { new.tellRuns(anew: false, atOnce: true) }
    }
    guard case .claimed(let claim) = ask(&old, 1, at: at(0)) else { throw Nothing() }
    #expect(claim.beginsRun)
    try pass(old.takeRunNews(), to: &new, at: at(1))
    #expect(new.takeRunNews().isEmpty, "what one was told is not said again")
    _ = old.release(claim, .answered, keeping: nil, at: at(2))
    let ticket = Ticket(loop: 0, index: 7, serial: 1)
    let report = old.admit(Asker(ticket, node: 1, priority: .report, patience: .retries), to: 0, at: at(2))
    guard case .claimed(let last) = report else { throw Nothing() }
    #expect(!last.beginsRun, "its run began before")
    _ = old.release(last, .answered, keeping: nil, at: at(3))
    #expect(old.poolCounters[0].runsUnderWay == 0)
    #expect(new.poolCounters[0].runsUnderWay == 1)
    try pass(old.takeRunNews(), to: &new, at: at(3))
    #expect(new.poolCounters[0].runsUnderWay == 0)
  }

  @Test func whoComesLaterLearnsAllFromTheRegister() throws {
    let queue = QueuePolicy(limit: 1, nodes: 5000)
    var register = RunRegister()
    register.open(for: [proxied(queue)], at: at(0))
    var old = ClaimLedger(pools: [proxied(queue)])
    old.tellRuns(anew: false, atOnce: false)
    let notes = (1...3000).map { RunNote(node: $0, heard: at(1), standing: .underWay(work: .seconds(1))) }
    old.learn(RunNews(pool: masters, notes: notes), at: at(1))
    #expect(old.takeRunNews().isEmpty)
    old.tellRuns(anew: true, atOnce: false)
    for page in old.takeRunNews().flatMap(\.pages) { register.learn(page, at: at(1)) }
    register.learn(RunNews(pool: masters, notes: [RunNote(node: 7, heard: at(2), standing: .over)]), at: at(2))
    // The settings leave less room now.
    for (room, expected) in [(5000, 2999), (100, 100)] {
      let smaller = QueuePolicy(limit: 1, nodes: room)
      register.open(for: [proxied(smaller)], at: at(3))
      var new = ClaimLedger(pools: [proxied(smaller)])
      try pass(register.everything, to: &new, at: at(3))
      #expect(new.poolCounters[0].runsUnderWay == expected)
    }
    register.close { $0 == masters }
    #expect(register.everything.isEmpty)
  }

  @Test func whatIsSaidOfTimesIsBounded() {
    var table = RunTable(limit: 10, quiet: .seconds(10))
    let end = Instant(nanoseconds: .max)
    table.learn(RunNote(node: 1, heard: end, standing: .underWay(work: .nanoseconds(Int64.max))), at: at(100))
    table.learn(RunNote(node: 2, heard: end, standing: .promised(end)), at: at(100))
    table.learn(RunNote(node: 3, heard: Instant(nanoseconds: .min), standing: .underWay(work: .zero)), at: at(100))
    table.learn(RunNote(node: 4, heard: at(89), standing: .underWay(work: .zero)), at: at(100))
    table.learn(RunNote(node: 0, heard: at(99), standing: .underWay(work: .zero)), at: at(100))
    #expect(table.count == 2)
    #expect(table.standing(of: 1, at: at(111)) == .unknown)
    table.hear(1, work: .max, at: at(100.5))
    #expect(table.standing(of: 2, at: at(31 * 86400 + 200)) == .unknown)
    var schedule = ReturnSchedule(RetryAfterPolicy())
    schedule.learn(end, at: at(100))
    let place = schedule.next(backlog: .max, spacing: .max / 2, outstanding: 1, at: at(100))
    #expect(schedule.retryAfter(place, at: at(100)) > .zero)
  }

  /// Two proxies that tell each other before a node comes to the other one agree with a plain dictionary of all that
  /// both heard.
  @Test(arguments: 0..<6) func twoTablesAgree(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var tables = [RunTable(limit: 500, quiet: .seconds(1000)), RunTable(limit: 500, quiet: .seconds(1000))]
    tables[0].tells = true
    tables[1].tells = true
    var plain: [UInt64: RunTable.Standing] = [:]
    var one = 0
    for step in 0..<2000 {
      let now = at(Double(step) / 100)
      let node = UInt64.random(in: 1...60, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        let place = now + .seconds(Int.random(in: 1...20, using: &random))
        tables[one].promise(node, place, at: now)
        plain[node] = .promised(place)
      case 1:
        tables[one].end(node, at: now)
        plain[node] = nil
      default:
        tables[one].hear(node, work: 1, at: now)
        plain[node] = .underWay
      }
      // Sometimes only after a few words.
      if Int.random(in: 0..<3, using: &random) == 0 { continue }
      for (from, to) in [(0, 1), (1, 0)] {
        for note in tables[from].takeNews() { tables[to].learn(note, at: now) }
      }
      one = Int.random(in: 0...1, using: &random)
      let all = tables[0].untold == 0 && tables[1].untold == 0
      #expect(all)
      for node in UInt64(1)...60 {
        let standings = tables.map { $0.standing(of: node, at: now) }
        let expected = plain[node] ?? .unknown
        #expect(standings == [expected, expected], "node \(node) at step \(step)")
      }
    }
  }

  /// From the appendix of the paper on SipHash, and from its reference implementation.
  @Test func namesBecomeNumbersBySipHash() {
    let seed = NodeSeed(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)
    #expect(seed.hash([]) == 0x726f_db47_dd0e_0e31)
    #expect(seed.hash(Array(0..<15)) == 0xa129_ca61_49be_45e5)
    #expect(seed.hash(Array(0..<8)) == 0x93f5_f579_9a93_2462)
    let (verified, address) = (seed.node(named: "a", isVerified: true), seed.node(named: "a", isVerified: false))
    #expect(verified != address)
    #expect(NodeSeed(low: 0, high: 1).node(named: "a", isVerified: true) != verified)
  }

  private struct Nothing: Error {}
}
