@testable import Pool
import Testing

private let masters = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

@Suite struct FairnessTests {
  // MARK: Order

  @Test func reportsGoFirstThenFilesThenCatalogsThenNewRuns() {
    let desk = Desk(QueuePolicy(limit: 100, lift: .seconds(60)))
    desk.serve(node: 1)
    desk.serve(node: 2)
    desk.occupy()
    // In line in the worst order: of nodes 1 and 2 the run is under way, those of 3 and 4 would be new.
    for (index, (node, priority)) in [
      (3, RoutePriority.catalog), (4, .file), (5, .normal), (1, .catalog), (2, .file), (9, .report),
    ].enumerated() { desk.wait(UInt32(index), UInt64(node), priority, at: at(1 + Double(index))) }
    #expect(desk.counters.waiting == [1, 1, 1, 3])
    #expect(desk.turns(6, from: at(10)) == [5, 4, 3, 0, 1, 2])
  }

  /// However many reports come, a new run has its turn after three lifts.
  @Test(arguments: [1, 5, 20]) func nobodyStarves(_ lift: Int) {
    let desk = Desk(QueuePolicy(limit: 100, lift: .seconds(lift)))
    desk.occupy()
    desk.wait(0, 7, .catalog, at: at(0))
    for second in 1... {
      desk.wait(UInt32(second), 8, .report, at: at(Double(second)))
      if desk.turns(1, from: at(Double(second))) == [0] {
        #expect(second == 3 * lift || second == 3 * lift + 1)
        return
      }
      if second > 4 * lift {
        Issue.record("no turn after \(second) s")
        return
      }
    }
  }

  // MARK: Who is refused

  @Test func aRunThatWasLetInIsNeverRefused() {
    let desk = Desk(QueuePolicy(limit: 1, ceiling: 2))
    desk.serve(node: 1)
    desk.serve(node: 5)
    desk.occupy()
    for index in 0..<2 { desk.wait(UInt32(index), 10 + UInt64(index), .catalog, .fails, at: at(1)) }
    #expect(desk.ask(50, node: 2, .file, at: at(1)) == .ceiling)
    for index in 60..<160 { #expect(desk.ask(UInt32(index), node: 1, .file, at: at(2)) == nil) }
    // A report ends its run.
    #expect(desk.ask(200, node: 5, .report, at: at(3)) == nil)
    #expect(desk.turns(1, from: at(3)) == [200])
    desk.endTurn(at: at(4))
    #expect(desk.ask(201, node: 5, .catalog, at: at(5)) == .ceiling)
  }

  @Test func silenceEndsARun() {
    let desk = Desk(QueuePolicy(limit: 1, runQuiet: .seconds(30)))
    desk.serve(node: 1)
    desk.occupy()
    desk.wait(0, 2, .catalog, at: at(0))
    #expect(desk.ask(1, node: 1, .file, at: at(29)) == nil)
    #expect(desk.ask(2, node: 1, .file, at: at(31)) == .limit)
  }

  @Test func whoCannotRetryWaitsWhileThereIsRoomForAnybody() {
    let desk = Desk(QueuePolicy(limit: 2, ceiling: 4))
    desk.occupy()
    let first = (0..<2).map { desk.ask($0, node: UInt64($0) + 1, .catalog, at: at(1)) }
    #expect(first == [nil, nil])
    #expect(desk.ask(2, node: 3, .catalog, at: at(1)) == .limit)
    let old = (3..<5).map { desk.ask($0, node: UInt64($0) + 1, .catalog, .fails, at: at(1)) }
    #expect(old == [nil, nil])
    #expect(desk.ask(5, node: 6, .catalog, .fails, at: at(1)) == .ceiling)
    #expect(desk.counters.sheds == [1, 0, 1, 0])
  }

  // MARK: Places

  @Test func eachGetsTheNextPlaceAndKeepsIt() {
    let desk = Desk(QueuePolicy(limit: 1, retryAfter: RetryAfterPolicy(min: .seconds(5), max: .seconds(20))))
    // A run takes 4 s of the one worker.
    desk.serve(node: 90, seconds: 4)
    desk.occupy()
    desk.wait(0, 91, .catalog, at: at(100))
    let told = (1...6).map { desk.told(UInt32($0), node: UInt64($0), at: at(100)) }
    // The places are 4.5 s apart. Nobody is told more than 20 s: the last two come half way first.
    #expect(told == [5, 10, 14, 19, 12, 14])
    // Early: the same place again.
    #expect(desk.told(11, node: 1, at: at(102)) == 5)
    #expect(desk.told(16, node: 6, at: at(120)) == 8)
    #expect(desk.told(12, node: 2, at: at(101.5)) == 8)
    #expect(desk.counters.sheds == [6, 3, 0, 0])
    // In time: it takes its place, though the line is as long as ever.
    #expect(desk.ask(21, node: 1, .catalog, at: at(105)) == nil)
    // And once, no more.
    #expect(desk.ask(22, node: 1, .catalog, at: at(105)) == .limit)
  }

  @Test func moreWorkersBringThePlacesCloser() {
    let desk = Desk(
      QueuePolicy(limit: 1, retryAfter: RetryAfterPolicy(min: .seconds(5), max: .seconds(60))), workers: 4)
    desk.serve(node: 90, seconds: 8)
    for index in 0..<4 { desk.occupy(UInt32(1000 + index)) }
    desk.wait(0, 91, .catalog, at: at(100))
    let told = (1...4).map { desk.told(UInt32($0), node: UInt64($0), at: at(100)) }
    #expect(told == [5, 8, 10, 12])
  }

  // MARK: Versions

  @Test(arguments: [
    ("7.23.0", AgentPatience.fails), ("7.25.9", .fails), ("7.26.0", .retries), ("7.100.1", .retries),
    ("8.0.0", .fails), ("8.1.0", .fails), ("8.2.0", .retries), ("8.10.0", .retries), ("9.0.0", .retries),
    ("6.28.0", .fails), ("7.9", .fails), ("10.1", .retries), ("", .retries), ("7", .retries), ("7.", .retries),
    ("seven", .retries), ("99999999999999999999.1", .retries), ("7.99999999999999999999", .retries),
  ])
  func knowsWhoCanRetry(_ version: String, _ expected: AgentPatience) {
    let found = AgentPatience(agentVersion: version.utf8.span)
    #expect(found == expected)
  }
}

/// Nodes in a bounded table against a plain dictionary of them.
@Suite struct RunTableTests {
  @Test(arguments: 0..<8) func agreesWithADictionary(_ seed: UInt64) {
    var random = Chance(seed: seed)
    var table = RunTable(limit: 50, quiet: .seconds(10))
    var plain: [UInt64: (heard: Double, place: Double?)] = [:]
    var order: [UInt64] = []
    var now = 0.0
    for _ in 0..<4000 {
      now += Double.random(in: 0...0.3, using: &random)
      // Hashes that crowd in few places of the index.
      let node = UInt64.random(in: 1...120, using: &random) &* 64 &+ UInt64.random(in: 0...1, using: &random)
      func isOver(_ node: UInt64) -> Bool { plain[node].map { max($0.heard, $0.place ?? 0) + 10 < now } ?? true }
      func note(_ place: Double?) {
        for _ in 0..<2 {
          if let oldest = order.first, isOver(oldest) {
            order.removeFirst()
            plain[oldest] = nil
          }
        }
        if plain[node] == nil, plain.count >= 50 { plain[order.removeFirst()] = nil }
        order.removeAll { $0 == node }
        order.append(node)
        plain[node] = (now, place)
      }
      switch Int.random(in: 0..<10, using: &random) {
      case ..<4:
        // A run that goes on needs no new entry.
        if let known = plain[node], known.place == nil, !isOver(node) {
          plain[node] = (now, nil)
          order.removeAll { $0 == node }
          order.append(node)
        } else {
          plain[node] = nil
          order.removeAll { $0 == node }
          note(nil)
        }
        table.hear(node, work: 1, at: at(now))
      case ..<7:
        plain[node] = nil
        order.removeAll { $0 == node }
        let place = now + Double.random(in: 0...5, using: &random)
        note(place)
        table.promise(node, at(place), at: at(now))
      case ..<8:
        plain[node] = nil
        order.removeAll { $0 == node }
        table.end(node, at: at(now))
      default: break
      }
      let expected: RunTable.Standing =
        isOver(node) ? .unknown : plain[node]?.place.map { .promised(at($0)) } ?? .underWay
      let standing = table.standing(of: node, at: at(now))
      #expect(standing == expected)
      #expect(table.count == plain.count)
      let promised = plain.values.count { $0.place != nil }
      #expect(table.promised == promised)
    }
  }
}

/// A ledger with workers that answer when the test says so.
private final class Desk {
  private var ledger: ClaimLedger
  private var spots: [UInt32: UInt32] = [:]
  private var held: [Claim] = []

  init(_ queue: QueuePolicy, workers: Int = 1) {
    ledger = ClaimLedger(pools: [
      ProxiedPool(name: masters, concurrency: 1, queue: queue, requestTimeout: .seconds(600))
    ])
    for slot in 0..<workers {
      let id = WorkerID(slot: SlotID(pool: masters, index: slot), generation: Generation(rawValue: 1))
      _ = ledger.admit(id, at: .tcp(port: 1), at: at(0))
    }
  }

  var counters: PoolCounters { ledger.poolCounters[0] }

  private func admit(
    _ index: UInt32, _ node: UInt64, _ priority: RoutePriority, _ patience: AgentPatience, _ now: Instant
  ) -> Admission {
    let ticket = Ticket(loop: 0, index: index, serial: 1)
    return ledger.admit(Asker(ticket, node: node, priority: priority, patience: patience), to: 0, at: now)
  }

  /// Lets a run begin that takes so long.
  func serve(node: UInt64, seconds: Double = 0) {
    guard case .claimed(let claim) = admit(5000, node, .catalog, .retries, at(0)) else { return }
    _ = ledger.release(claim, .answered, keeping: nil, at: at(seconds))
    guard seconds > 0, case .claimed(let last) = admit(5001, node, .report, .retries, at(seconds)) else { return }
    _ = ledger.release(last, .answered, keeping: nil, at: at(seconds))
  }

  /// Keeps a worker busy.
  func occupy(_ index: UInt32 = 1000) {
    if case .claimed(let claim) = admit(index, 0, .normal, .retries, at(0)) { held.append(claim) }
  }

  func wait(
    _ index: UInt32, _ node: UInt64, _ priority: RoutePriority, _ patience: AgentPatience = .retries, at now: Instant
  ) {
    guard case .queued = admit(index, node, priority, patience, now) else {
      Issue.record("\(index) does not wait")
      return
    }
  }

  /// Nil: it waits.
  func ask(
    _ index: UInt32, node: UInt64, _ priority: RoutePriority, _ patience: AgentPatience = .retries, at now: Instant
  ) -> ShedCause? {
    guard case .shed(let refusal) = admit(index, node, priority, patience, now) else { return nil }
    return refusal.cause
  }

  func told(_ index: UInt32, node: UInt64, at now: Instant) -> Int64? {
    guard case .shed(let refusal) = admit(index, node, .catalog, .retries, now) else { return nil }
    return refusal.retryAfter?.components.seconds
  }

  /// Who gets the next turns, one after the other.
  func turns(_ count: Int, from now: Instant) -> [UInt32] {
    (0..<count).compactMap { _ in
      guard let claim = held.popLast(),
        let grant = ledger.release(claim, .answered, keeping: nil, at: now).grant
      else { return nil }
      held.append(grant.claim)
      return grant.ticket.index
    }
  }

  func endTurn(at now: Instant) {
    guard let claim = held.popLast() else { return }
    if let grant = ledger.release(claim, .answered, keeping: nil, at: now).grant { held.append(grant.claim) }
  }
}
