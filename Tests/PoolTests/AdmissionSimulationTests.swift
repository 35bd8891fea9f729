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
  var waiting: [Ticket] = []
  var held: [(ticket: Ticket, claim: Claim, worker: WorkerID)] = []
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
        name: Self.masters, concurrency: concurrency, queue: QueuePolicy(limit: limit, timeout: .seconds(10)),
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
    let ticket = Ticket(loop: UInt16.random(in: 0..<3, using: &random), index: lastTicket, serial: 1)
    switch ledger.admit(ticket, to: 0, at: now) {
    case .claimed(let claim):
      #expect(waiting.isEmpty, "it went past those in line")
      take(ticket, claim)
    case .queued: waiting.append(ticket)
    case .shed: #expect(waiting.count >= limit)
    }
  }

  mutating func take(_ ticket: Ticket, _ claim: Claim) {
    guard let worker = ledger.worker(of: claim) else {
      Issue.record("a claim on nobody")
      return
    }
    #expect(free(worker) > 0, "\(worker) was not to be claimed")
    let busiest = alive.filter { free($0) > 0 }.map { load($0) }.min() ?? 0
    #expect(load(worker) == busiest, "\(worker) was not the least busy")
    if let connection = claim.connection { #expect(kept.removeValue(forKey: connection) == worker) }
    held.append((ticket, claim, worker))
    let connections = load(worker) + kept.values.count { $0 == worker } + stuck[worker, default: 0]
    #expect(connections <= concurrency, "more connections than places")
  }

  mutating func take(_ grants: [Grant]) {
    for grant in grants {
      #expect(waiting.first == grant.ticket, "not the first in line")
      if !waiting.isEmpty { waiting.removeFirst() }
      take(grant.ticket, grant.claim)
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
    let (ticket, claim, worker) = held.remove(at: Int.random(in: 0..<held.count, using: &random))
    let outcomes: [ClaimOutcome] = [
      .answered, .answered, .answered, .answered, .abandoned, .unused, .stale, .cut, .overdue(lost: true),
      .unreachable(lost: true), .unreachable(lost: false),
    ]
    let outcome = outcomes[Int.random(in: 0..<outcomes.count, using: &random)]
    lastDescriptor += 1
    let connection = KeptConnection(descriptor: lastDescriptor, loop: ticket.loop, serial: 1)
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
    if outcome == .unreachable(lost: false) { askAgain(ticket) }
  }

  mutating func askAgain(_ ticket: Ticket) {
    switch ledger.readmit(ticket, to: 0, until: now + .seconds(5), at: now) {
    case .claimed(let claim): take(ticket, claim)
    case .queued: waiting.insert(ticket, at: 0)
    case .shed: Issue.record("a retry was turned away before its time")
    }
  }

  mutating func withdraw() {
    guard let ticket = waiting.randomElement(using: &random) else { return }
    let stood = ledger.withdraw(ticket, from: 0, timedOut: false)
    #expect(stood)
    waiting.removeAll { $0 == ticket }
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
    #expect(ledger.poolCounters[0].queueLength == waiting.count)
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
    while let (_, claim, worker) = held.popLast() {
      let release = ledger.release(claim, .answered, keeping: nil, at: now)
      if release.retired != nil { forget(worker) }
      take(release.grant.map { [$0] } ?? [])
    }
    #expect(waiting.isEmpty)
    check()
  }
}
