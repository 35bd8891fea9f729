import Testing

@testable import Pool

private func asker(_ index: UInt32, node: UInt64 = 0, route: UInt16 = 0) -> Asker {
  Asker(Ticket(loop: 0, index: index, serial: 1), node: node, patience: .retries, route: route)
}

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

@Suite struct AgeTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var policy = StuckPolicy(factor: 10, atLeast: .seconds(60), samples: 50)
    /// Seconds that a hundred requests of the route took, by others.
    var others = 1.0
    var count = 100
    /// Seconds that the node's own took.
    var own: [Double] = []
    /// Nil: no age is suspect.
    var limit: Double?
  }

  static let cases = [
    Case(testDescription: "never below the least", others: 0.5, limit: 60),
    Case(testDescription: "ten times the route's", others: 9, limit: 90),
    Case(testDescription: "a node that is always slow is excused", others: 2, own: [21, 20, 21], limit: 210),
    Case(testDescription: "a node that is quick is not held to more", others: 9, own: [1, 1], limit: 90),
    Case(testDescription: "one request of a node is enough", others: 1, own: [30], limit: 300),
    Case(testDescription: "too few samples", others: 9, count: 49),
    Case(testDescription: "just enough", others: 9, count: 50, limit: 90),
    Case(testDescription: "off", policy: StuckPolicy(factor: nil), others: 9),
    Case(
      testDescription: "once is nothing to go by", policy: StuckPolicy(factor: 2, atLeast: .seconds(1), samples: 1),
      others: 4, count: 1, limit: 8),
  ]

  @Test(arguments: cases) func anAgeIsHeldAgainstItsHistory(_ example: Case) throws {
    var history = AgeHistory(example.policy)
    for _ in 0..<example.count { history.add(Int64(example.others * 1e9), of: asker(0, node: 7)) }
    for seconds in example.own { history.add(Int64(seconds * 1e9), of: asker(0, node: 8)) }
    let limit = history.limit(for: asker(1, node: 8))
    #expect((limit == nil) == (example.limit == nil))
    guard let limit, let expected = example.limit else { return }
    #expect(abs(limit.limit.inSeconds - expected) <= expected * DurationHistogram.relativeError, "\(limit)")
    #expect((limit.nodeP99 != nil) == !example.own.isEmpty)
  }

  @Test func routesAreApart() throws {
    var history = AgeHistory(StuckPolicy(samples: 10))
    for _ in 0..<1000 { history.add(5_000_000, of: asker(0, node: 8, route: 1)) }
    for _ in 0..<10 { history.add(30_000_000_000, of: asker(0, node: 8, route: 3)) }
    #expect(history.limit(for: asker(1, node: 8, route: 0)) == nil)
    #expect(history.limit(for: asker(1, node: 8, route: 1))?.limit == .seconds(60))
    #expect(try #require(history.limit(for: asker(1, node: 8, route: 3))).limit > .seconds(250))
    #expect(history.limit(for: asker(1, node: 8, route: .max)) == nil)
  }

  /// A pool's nodes come in turn; who came lately is remembered, whoever else there was.
  @Test func nodesAreBounded() {
    let limit = 4000
    var chance = Chance(seed: 5)
    var nodes = NodeHistories(limit: limit)
    let lately = (0..<500).map { _ in chance.next() }
    for _ in 0..<20_000 { nodes.add(1_000_000_000, node: chance.next(), route: 0, window: 256) }
    for node in lately { nodes.add(9_000_000_000, node: node, route: 0, window: 256) }
    #expect(nodes.count <= limit + 4)
    let known = lately.count { (nodes.quantile(0.99, node: $0, route: 0) ?? 0) > 8_000_000_000 }
    #expect(known == lately.count)
    for _ in 0..<20_000 { nodes.add(1_000_000_000, node: chance.next(), route: 0, window: 256) }
    let still = lately.count { nodes.quantile(0.99, node: $0, route: 0) != nil }
    #expect(still < 25, "the oldest goes first")
    let other = nodes.quantile(0.99, node: lately[0], route: 1)
    #expect(other == nil)
  }

  @Test func ofAWorkersRequestsTheOldestIsTold() throws {
    var ledger = ClaimLedger(pools: [
      ProxiedPool(
        name: PoolScript.masters, concurrency: 2, queue: QueuePolicy(), requestTimeout: .seconds(600),
        stuck: StuckPolicy(factor: nil))
    ])
    for slot in 0..<2 { _ = ledger.admit(PoolScript.worker(slot, 1), at: .tcp(port: 1), at: at(0)) }
    var claims: [Claim] = []
    for index in 0..<4 {
      let admission = ledger.admit(asker(UInt32(index)), to: 0, at: at(Double(index)))
      guard case .claimed(let claim) = admission else { throw NotClaimed() }
      claims.append(claim)
    }
    func told(_ age: Duration, _ now: Double) -> [UInt32] {
      ledger.oldestClaims(longerThan: age, at: at(now)).map(\.ticket.index).sorted()
    }
    #expect(told(.seconds(3), 3.5) == [0])
    #expect(told(.seconds(1), 3.5) == [0, 1])
    #expect(told(.seconds(10), 3.5) == [])
    _ = ledger.release(claims[0], .answered, keeping: nil, at: at(4))
    let left = told(.zero, 5)
    #expect(left.count == 2 && left.contains(1) && !left.contains(0))
    let second = ledger.oldestClaims(longerThan: .zero, at: at(5)).first { $0.isOf(claims[1]) }
    #expect(second?.since == at(1))
    #expect(second?.worker == ledger.worker(of: claims[1]))
  }

  @Test func theLedgerKnowsWhoIsSuspect() throws {
    var ledger = ClaimLedger(pools: [
      ProxiedPool(
        name: PoolScript.masters, concurrency: 1, queue: QueuePolicy(), requestTimeout: .seconds(600),
        stuck: StuckPolicy(factor: 10, atLeast: .seconds(60), samples: 50))
    ])
    for slot in 0..<2 { _ = ledger.admit(PoolScript.worker(slot, 1), at: .tcp(port: 1), at: at(0)) }
    func claim(_ asker: Asker, _ now: Double) throws -> Claim {
      guard case .claimed(let claim) = ledger.admit(asker, to: 0, at: at(now)) else { throw NotClaimed() }
      return claim
    }
    for index in 0..<50 {
      let claim = try claim(asker(1, node: 3, route: 2), Double(index) * 10)
      _ = ledger.release(claim, .answered, keeping: nil, at: at(Double(index) * 10 + 9))
    }
    // What was never answered tells nothing of what it takes.
    let lost = try claim(asker(1, node: 3, route: 2), 600)
    _ = ledger.release(lost, .cut, keeping: nil, at: at(1200))

    let slow = try claim(asker(5, node: 4, route: 2), 2000)
    _ = try claim(asker(6, node: 4, route: 1), 2000)
    #expect(ledger.suspicions(at: at(2080)).isEmpty)
    let found = ledger.suspicions(at: at(2100))
    #expect(found.map(\.claim.ticket.index) == [5], "nothing is known of the other route")
    let suspicion = try #require(found.first)
    #expect(suspicion.claim.isOf(slow) && !suspicion.claim.isOf(lost))
    #expect(suspicion.claim.since == at(2000))
    #expect(abs(suspicion.routeP99.inSeconds - 9) < 0.6)
    #expect(suspicion.nodeP99 == nil)
    _ = ledger.release(slow, .answered, keeping: nil, at: at(2101))
    #expect(ledger.suspicions(at: at(5000)).isEmpty)
  }

  private struct NotClaimed: Error {}
}

@Suite struct StillnessTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var change: @Sendable (inout WorkerLook) -> Void
    var isStill: Bool
  }

  static let cases = [
    Case(testDescription: "nothing moved", change: { _ in }, isStill: true),
    Case(testDescription: "a timer ticked", change: { $0.processorTime += .milliseconds(20) }, isStill: true),
    Case(testDescription: "it computes", change: { $0.processorTime += .milliseconds(60) }, isStill: false),
    Case(testDescription: "it reads or writes", change: { $0.transfers += 1 }, isStill: false),
    Case(testDescription: "it waits for a processor", change: { $0.wantsProcessor = true }, isStill: false),
    Case(testDescription: "it has another child", change: { $0.processes += 1 }, isStill: false),
    Case(testDescription: "one that computed has ended", change: { $0.processorTime = .zero }, isStill: false),
  ]

  @Test(arguments: cases) func onlyWhoDoesNothingIsStuck(_ example: Case) {
    let first = WorkerLook(processorTime: .seconds(3), transfers: 100, wantsProcessor: false, processes: 1)
    var second = first
    example.change(&second)
    #expect(second.isStill(since: first, over: .seconds(5)) == example.isStill)
  }

  @Test func aStuckWorkerIsStoppedForWhatWasMeasured() {
    var script = PoolScript.running(PoolPolicy(size: 2, recycle: .quiet()))
    let id = PoolScript.worker(1, 1)
    let effects = script.send(.stuck(id, age: .seconds(240), limit: .seconds(210)))
    #expect(effects.starts(with: [.retire(id), .terminate(id)]))
    guard case .stopping(let departure, _, false) = script.machine.slots[1].workers[0].state else {
      Issue.record("not stopping")
      return
    }
    #expect(departure.reason == .stuck)
    #expect(departure.measurement == .requestAge(.seconds(240), limit: .seconds(210)))
    let late = script.send(.stuck(PoolScript.worker(0, 7), age: .seconds(9), limit: .seconds(1)))
    #expect(late == [])
  }
}
