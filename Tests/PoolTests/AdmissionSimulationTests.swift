import Pool
import Testing

/// A pool that is used and replaced at random; after every step the ledger must agree with a plain account of it.
@Suite struct AdmissionSimulationTests {
  @Test(arguments: 0..<20) func agreesWithAPlainAccount(_ seed: UInt64) {
    var world = World(seed: seed)
    for _ in 0..<1500 { world.step() }
    world.settle()
  }
}

private struct World {
  static let masters = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()

  var random: Chance
  let concurrency: Int
  let limit: Int
  var ledger: ClaimLedger
  var now = Instant(nanoseconds: 0)

  // The plain account.
  var line = PlainLine()
  var runs = PlainRuns()
  var held: [(asker: Asker, claim: Claim, worker: WorkerID)] = []
  var alive: Set<WorkerID> = []
  var draining: Set<WorkerID> = []
  var retiring: Set<WorkerID> = []
  var reserved: Set<WorkerID> = []
  var stuck: [WorkerID: Int] = [:]
  var suspended: [WorkerID: Instant] = [:]
  var kept: [KeptConnection: WorkerID] = [:]
  var generation = 0
  var lastTicket: UInt32 = 0
  var lastDescriptor: Int32 = 0

  init(seed: UInt64) {
    random = Chance(seed: seed)
    concurrency = Int.random(in: 1...3, using: &random)
    limit = Int.random(in: 0...20, using: &random)
    ledger = ClaimLedger(pools: [
      ProxiedPool(
        name: Self.masters, concurrency: concurrency,
        queue: QueuePolicy(
          limit: limit, ceiling: limit * 2, timeout: .seconds(10), lift: PlainLine.lift,
          retryAfter: RetryAfterPolicy(min: .seconds(1), max: .seconds(300)), runQuiet: PlainRuns.quiet),
        requestTimeout: .seconds(60))
    ])
  }

  mutating func step() {
    now = now + .milliseconds(Int.random(in: 0...300, using: &random))
    switch Int.random(in: 0..<100, using: &random) {
    case ..<40: ask()
    case ..<75: finish()
    case ..<80: withdraw()
    case ..<84: admit()
    case ..<87: drain()
    case ..<90: retire()
    case ..<93: reserve()
    case ..<96: endProbe()
    default: take(ledger.resume(at: now))
    }
    check()
  }

  // MARK: Requests

  mutating func ask() {
    lastTicket += 1
    let asker = Asker(
      Ticket(loop: UInt16.random(in: 0..<3, using: &random), index: lastTicket, serial: 1),
      node: UInt64.random(in: 0..<12, using: &random),
      priority: RoutePriority.allCases[Int.random(in: 0..<4, using: &random)],
      patience: Int.random(in: 0..<4, using: &random) == 0 ? .fails : .retries)
    let underWay = runs.isUnderWay(asker, at: now)
    let promised = runs.place(of: asker.node, at: now)
    switch ledger.admit(asker, to: 0, at: now) {
    case .claimed(let claim):
      #expect(line.count == 0, "it went past those in line")
      take(asker, claim)
    case .unsure: Issue.record("it was said what its agent makes of a refusal")
    case .queued(let until, let spot):
      #expect(limit > 0 && (underWay || line.count < max(limit, limit * 2)))
      #expect(
        underWay || line.count < limit || asker.patience == .fails || promised.map { $0 <= now + .seconds(1) } == true
      )
      #expect(until == now + .seconds(underWay || asker.patience == .fails ? 60 : 10))
      runs.promised[asker.node] = nil
      line.append(asker, spot, runs.rank(of: asker, at: now), now)
    case .shed(let refusal): refused(asker, refusal, wasUnderWay: underWay, promised)
    }
  }

  mutating func refused(_ asker: Asker, _ refusal: Refusal, wasUnderWay: Bool, _ promised: Instant?) {
    #expect(line.count >= limit)
    #expect(!wasUnderWay || limit == 0, "a run under way was refused")
    #expect(asker.patience != .fails || line.count >= limit * 2, "it was refused though it cannot retry")
    #expect((refusal.retryAfter == nil) == (asker.patience == .fails))
    guard let retryAfter = refusal.retryAfter, !wasUnderWay else { return }
    #expect(retryAfter >= .seconds(1) && retryAfter <= .seconds(300))
    guard asker.node != 0 else { return }
    // What was said was rounded up, so the place may be up to a second earlier.
    if let promised, promised > now + .seconds(1) {
      #expect(abs((now + retryAfter - promised).inSeconds) <= 1 || retryAfter == .seconds(300), "not the same place")
    } else if promised.map({ $0 > now }) == true, retryAfter == .seconds(1) {
      return
    } else if retryAfter < .seconds(300) {
      runs.promise(asker.node, now + retryAfter)
    } else {
      runs.promise(asker.node, nil)
    }
  }

  mutating func take(_ asker: Asker, _ claim: Claim) {
    guard let worker = ledger.worker(of: claim) else {
      Issue.record("a claim on nobody")
      return
    }
    #expect(free(worker) > 0, "\(worker) was not to be claimed")
    let busiest = alive.filter { free($0) > 0 }.map { load($0) }.min() ?? 0
    #expect(load(worker) == busiest, "\(worker) was not the least busy")
    if let connection = claim.connection { #expect(kept.removeValue(forKey: connection) == worker) }
    held.append((asker, claim, worker))
    runs.claimed(asker, at: now)
    let connections = load(worker) + kept.values.count { $0 == worker } + stuck[worker, default: 0]
    #expect(connections <= concurrency, "more connections than places")
  }

  mutating func take(_ grants: [Grant]) {
    for grant in grants {
      guard let first = line.takeFirst() else {
        Issue.record("a turn for nobody")
        return
      }
      #expect(first.ticket == grant.ticket, "not the first in line")
      take(first, grant.claim)
    }
  }

  func load(_ worker: WorkerID) -> Int { held.count { $0.worker == worker } }

  func free(_ worker: WorkerID) -> Int {
    guard alive.contains(worker), !draining.contains(worker), !reserved.contains(worker),
      suspended[worker].map({ $0 <= now }) ?? true
    else { return 0 }
    return concurrency - load(worker) - stuck[worker, default: 0]
  }

  mutating func finish() {
    guard !held.isEmpty else { return }
    let (asker, claim, worker) = held.remove(at: Int.random(in: 0..<held.count, using: &random))
    let outcomes: [ClaimOutcome] = [
      .answered, .answered, .answered, .answered, .abandoned, .unused, .stale, .cut, .overdue(lost: true),
      .unreachable(lost: true), .unreachable(lost: false),
    ]
    let outcome = outcomes[Int.random(in: 0..<outcomes.count, using: &random)]
    lastDescriptor += 1
    let connection = KeptConnection(descriptor: lastDescriptor, loop: asker.ticket.loop, serial: 1)
    runs.released(asker, outcome, at: now)
    let release = ledger.release(claim, outcome, keeping: outcome == .answered ? connection : nil, at: now)
    switch outcome {
    case .overdue: stuck[worker, default: 0] += 1
    case .unreachable: suspended[worker] = now + .seconds(1)
    case .answered, .abandoned, .unused, .stale, .cut: break
    }
    if release.keepsConnection { kept[connection] = worker }
    #expect((release.drained == worker) == (draining.contains(worker) && alive.contains(worker) && load(worker) == 0))
    #expect((release.retired?.worker == worker) == (retiring.contains(worker) && load(worker) == 0))
    if release.retired != nil { forget(worker) }
    take(release.grant.map { [$0] } ?? [])
    if outcome == .unreachable(lost: false) { askAgain(asker) }
  }

  mutating func askAgain(_ asker: Asker) {
    switch ledger.readmit(asker, to: 0, until: now + .seconds(5), at: now) {
    case .claimed(let claim): take(asker, claim)
    case .queued(_, let spot): line.append(asker, spot, -1, now)
    case .shed, .unsure: Issue.record("a retry was turned away before its time")
    }
  }

  mutating func withdraw() {
    guard let (asker, spot) = line.removeAny(using: &random) else { return }
    if Bool.random(using: &random) {
      let stood = ledger.withdraw(asker.ticket, at: spot, from: 0)
      #expect(stood)
    } else {
      let (underWay, promised) = (runs.isUnderWay(asker, at: now), runs.place(of: asker.node, at: now))
      let refusal = ledger.timeOut(asker.ticket, at: spot, from: 0, now: now)
      #expect(refusal?.cause == .timeout)
      guard let retryAfter = refusal?.retryAfter, !underWay, promised.map({ $0 <= now }) ?? true else { return }
      runs.promise(asker.node, retryAfter < .seconds(300) ? now + retryAfter : nil)
    }
    let again = ledger.withdraw(asker.ticket, at: spot, from: 0)
    #expect(!again, "it left twice")
  }

  // MARK: Workers

  mutating func admit() {
    if let back = draining.randomElement(using: &random), Bool.random(using: &random) {
      draining.remove(back)
      take(ledger.admit(back, at: .tcp(port: 1), at: now).grants)
      return
    }
    guard alive.count < 6 else { return }
    generation += 1
    let worker = WorkerID(
      slot: SlotID(pool: Self.masters, index: generation % 4), generation: Generation(rawValue: generation))
    alive.insert(worker)
    take(ledger.admit(worker, at: .tcp(port: 1), at: now).grants)
  }

  mutating func drain() {
    guard let worker = alive.sorted().randomElement(using: &random) else { return }
    draining.insert(worker)
    let verdict = ledger.drain(worker)
    #expect(verdict.reports.contains(.drained(worker)) == (load(worker) == 0))
    close(verdict.connections, of: worker)
  }

  mutating func retire() {
    guard let worker = alive.sorted().randomElement(using: &random) else { return }
    alive.remove(worker)
    let verdict = ledger.retire(worker)
    close(verdict.connections, of: worker)
    if load(worker) == 0 {
      #expect(verdict.reports.count == 1)
      forget(worker)
    } else {
      #expect(verdict.reports.isEmpty)
      for (_, claim, holder) in held { #expect(verdict.cutOff?.covers(claim) == (holder == worker)) }
      retiring.insert(worker)
    }
  }

  mutating func reserve() {
    guard let worker = alive.sorted().randomElement(using: &random) else { return }
    let idle = load(worker) == 0 && stuck[worker, default: 0] == 0
    let verdict = ledger.reserve(worker)
    #expect(verdict.reports == [idle ? .reserved(worker) : .busy(worker)])
    guard idle else { return }
    reserved.insert(worker)
    close(verdict.connections, of: worker)
  }

  mutating func endProbe() {
    guard let worker = reserved.sorted().randomElement(using: &random) else { return }
    reserved.remove(worker)
    take(ledger.release(worker, at: now).grants)
  }

  mutating func close(_ connections: [KeptConnection], of worker: WorkerID) {
    for connection in connections { #expect(kept.removeValue(forKey: connection) == worker) }
    #expect(!kept.values.contains(worker))
  }

  mutating func forget(_ worker: WorkerID) {
    retiring.remove(worker)
    draining.remove(worker)
    reserved.remove(worker)
    stuck[worker] = nil
    suspended[worker] = nil
  }

  // MARK: Agreement

  func check() {
    let pool = ledger.poolCounters[0]
    #expect(pool.queueLength == line.count)
    #expect(pool.waiting == (0..<4).map(line.count(ranked:)))
    #expect(pool.shedTotal == pool.sheds.reduce(0, +))
    let counters = ledger.workerCounters
    #expect(Set(counters.map(\.worker)) == alive.union(retiring))
    for counter in counters { #expect(counter.requestsInFlight == load(counter.worker)) }
  }

  /// With a fresh worker and no more to ask, everybody gets a turn.
  mutating func settle() {
    now = now + .seconds(2)
    take(ledger.resume(at: now))
    generation += 1
    let worker = WorkerID(slot: SlotID(pool: Self.masters, index: 9), generation: Generation(rawValue: generation))
    alive.insert(worker)
    take(ledger.admit(worker, at: .tcp(port: 1), at: now).grants)
    while let (asker, claim, worker) = held.popLast() {
      runs.released(asker, .answered, at: now)
      let release = ledger.release(claim, .answered, keeping: nil, at: now)
      if release.retired != nil { forget(worker) }
      take(release.grant.map { [$0] } ?? [])
    }
    #expect(line.count == 0)
    check()
  }
}
