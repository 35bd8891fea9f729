import Pool
import Testing

private let masters = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()
private let endpoint = Endpoint.unix(path: "/run/worker.sock")

private func worker(_ slot: Int, _ generation: Int = 1) -> WorkerID {
  WorkerID(slot: SlotID(pool: masters, index: slot), generation: Generation(rawValue: generation))
}

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }
private func ticket(_ index: UInt32, loop: UInt16 = 0) -> Ticket { Ticket(loop: loop, index: index, serial: 1) }

private func ledger(workers: Int, concurrency: Int = 1, limit: Int = 3) -> Book {
  var ledger = ClaimLedger(pools: [
    ProxiedPool(
      name: masters, concurrency: concurrency, queue: QueuePolicy(limit: limit, timeout: .seconds(10)),
      requestTimeout: .seconds(60))
  ])
  for slot in 0..<workers { _ = ledger.admit(worker(slot), at: endpoint, at: at(0)) }
  return Book(ledger)
}

/// The ledger as a reference, since expectations take no mutating calls.
private final class Book {
  private var ledger: ClaimLedger
  private var spots: [UInt32: UInt32] = [:]

  init(_ ledger: ClaimLedger) { self.ledger = ledger }

  func claim(_ index: UInt32, loop: UInt16 = 0, at now: Instant) -> Claim? {
    let asker = Asker(ticket(index, loop: loop), patience: .retries)
    switch ledger.admit(asker, to: 0, at: now) {
    case .claimed(let claim): return claim
    case .queued(_, let spot): spots[index] = spot
    case .shed, .unsure: break
    }
    return nil
  }

  func ask(_ index: UInt32, at now: Instant) -> Admission {
    ask(index, Asker(ticket(index), patience: .retries), now)
  }

  private func ask(_ index: UInt32, _ asker: Asker, _ now: Instant) -> Admission {
    let admission = ledger.admit(asker, to: 0, at: now)
    if case .queued(_, let spot) = admission { spots[index] = spot }
    return admission
  }

  func askAgain(_ index: UInt32, until deadline: Instant, at now: Instant) -> Admission {
    let admission = ledger.readmit(Asker(ticket(index), patience: .retries), to: 0, until: deadline, at: now)
    if case .queued(_, let spot) = admission { spots[index] = spot }
    return admission
  }

  func withdraw(_ index: UInt32, timedOut: Bool) -> Bool {
    let spot = spots[index] ?? .max
    guard timedOut else { return ledger.withdraw(ticket(index), at: spot, from: 0) }
    return ledger.timeOut(ticket(index), at: spot, from: 0, now: at(1)) != nil
  }

  func release(
    _ claim: Claim, _ outcome: ClaimOutcome = .answered, keeping connection: KeptConnection? = nil, at now: Instant
  ) -> Release {
    ledger.release(claim, outcome, keeping: connection, at: now)
  }

  func forget(_ connection: KeptConnection) -> Bool { ledger.forget(connection) }
  func resume(at now: Instant) -> [Ticket] { ledger.resume(at: now).map(\.ticket) }
  func stands(_ claim: Claim) -> Bool { ledger.stands(claim) }
  func worker(of claim: Claim) -> WorkerID? { ledger.worker(of: claim) }
  func slot(of claim: Claim?) -> Int? { claim.flatMap { ledger.worker(of: $0)?.slot.index } }

  func admit(_ worker: WorkerID, at now: Instant) -> [Ticket] {
    ledger.admit(worker, at: endpoint, at: now).grants.map(\.ticket)
  }
  func drain(_ worker: WorkerID) -> [ProxyReport] { ledger.drain(worker).reports }
  func retire(_ worker: WorkerID) -> ClaimLedger.Verdict { ledger.retire(worker) }
  func reserve(_ worker: WorkerID) -> ClaimLedger.Verdict { ledger.reserve(worker) }
  func share(_ isShared: Bool) -> [KeptConnection] { ledger.share(isShared, at: at(0)).connections }
  func held(for time: Duration, at now: Instant) -> [HeldWorker] { ledger.held(for: time, at: now) }
  func note(elsewhere held: [HeldWorker], at now: Instant) -> [Ticket] {
    ledger.note(elsewhere: held, at: now).grants.map(\.ticket)
  }
  func endProbe(_ worker: WorkerID, at now: Instant) -> [Ticket] {
    ledger.release(worker, at: now).grants.map(\.ticket)
  }

  var queueLength: Int { ledger.poolCounters[0].queueLength }
  var shedTotal: Int { ledger.poolCounters[0].shedTotal }
  var workers: [WorkerCounters] { ledger.workerCounters }
}

@Suite struct AdmissionTests {
  @Test func picksTheLeastBusyThenTheLongestIdle() throws {
    let book = ledger(workers: 3, concurrency: 2)
    let claims = (0..<6).map { book.claim(UInt32($0), at: at(Double($0))) }
    let slots = claims.map { book.slot(of: $0) }
    #expect(slots == [0, 1, 2, 0, 1, 2])
    // Released in this order, so that is how long each has been idle.
    for (order, index) in [4, 1, 3, 0, 5, 2].enumerated() {
      _ = book.release(try #require(claims[index]), at: at(10 + Double(order)))
    }
    let again = (0..<3).map { book.slot(of: book.claim(UInt32(10 + $0), at: at(20))) }
    #expect(again == [1, 0, 2])
  }

  @Test func queuesInOrderUpToItsLimit() throws {
    let book = ledger(workers: 1)
    let first = try #require(book.claim(0, at: at(0)))
    for index in 1...3 {
      guard case .queued(let until, _) = book.ask(UInt32(index), at: at(1)) else {
        Issue.record("not queued")
        return
      }
      #expect(until == at(11))
    }
    guard case .shed(let refusal) = book.ask(4, at: at(1)) else {
      Issue.record("not shed")
      return
    }
    // Nothing was measured yet, so each of the three is taken for a second's work, and nobody comes before `min`.
    #expect(refusal == Refusal(cause: .limit, retryAfter: .seconds(5)))
    #expect(book.shedTotal == 1)
    #expect(book.queueLength == 3)

    var claim = first
    for index in 1...3 {
      let grant = try #require(book.release(claim, at: at(2)).grant)
      #expect(grant.ticket == ticket(UInt32(index)))
      claim = grant.claim
    }
    #expect(book.release(claim, at: at(3)).grant == nil)
  }

  @Test func aRetryGoesFirstAndIsNeverTurnedAway() throws {
    let book = ledger(workers: 1, limit: 1)
    let first = try #require(book.claim(0, at: at(0)))
    _ = book.ask(1, at: at(0))
    #expect(book.release(first, .unreachable(lost: false), at: at(1)).grant == nil)
    guard case .queued(let until, _) = book.askAgain(0, until: at(9), at: at(1)) else {
      Issue.record("not queued")
      return
    }
    #expect(until == at(9))
    #expect(book.resume(at: at(1.5)).isEmpty)
    #expect(book.resume(at: at(2)) == [ticket(0)])
    guard case .shed = book.askAgain(7, until: at(1), at: at(3)) else {
      Issue.record("its time was over")
      return
    }
  }

  @Test func whoWithdrawsGetsNoTurn() throws {
    let book = ledger(workers: 1)
    let first = try #require(book.claim(0, at: at(0)))
    for index in 1...3 { _ = book.ask(UInt32(index), at: at(0)) }
    #expect(book.withdraw(2, timedOut: false))
    #expect(!book.withdraw(2, timedOut: false))
    #expect(book.withdraw(1, timedOut: true))
    #expect(book.shedTotal == 1)
    let grant = book.release(first, at: at(1)).grant
    #expect(grant?.ticket == ticket(3))
    #expect(!book.withdraw(3, timedOut: true))
    #expect(book.shedTotal == 1)
  }

  // MARK: Connections

  @Test func neverHasMoreConnectionsThanPlaces() throws {
    let book = ledger(workers: 1, concurrency: 2)
    func kept(_ descriptor: Int32, _ loop: UInt16) -> KeptConnection {
      KeptConnection(descriptor: descriptor, loop: loop, serial: 1)
    }
    let (a, b) = (try #require(book.claim(0, at: at(0))), try #require(book.claim(1, loop: 1, at: at(0))))
    #expect(a.connection == nil && b.connection == nil)
    #expect(book.release(a, .answered, keeping: kept(10, 0), at: at(1)).keepsConnection)
    // There is room for a second connection, so the first stays with its own loop.
    #expect(book.release(b, at: at(1)).keepsConnection == false)
    let other = try #require(book.claim(2, loop: 1, at: at(2)))
    #expect(other.connection == nil)
    // And its own loop gets it.
    let own = try #require(book.claim(3, loop: 0, at: at(2)))
    #expect(own.connection == kept(10, 0))
    _ = book.release(own, .answered, keeping: kept(10, 0), at: at(3))
    _ = book.release(other, .answered, keeping: kept(11, 1), at: at(3))
    // Now both places have one: a third loop must take over another's.
    let third = try #require(book.claim(4, loop: 2, at: at(4)))
    #expect(third.connection == kept(11, 1))
    #expect(book.forget(kept(10, 0)))
    #expect(!book.forget(kept(11, 1)))
  }

  @Test func keepsNoConnectionToAWorkerThatIsLeaving() throws {
    let book = ledger(workers: 1)
    let connection = KeptConnection(descriptor: 5, loop: 0, serial: 1)
    _ = book.release(try #require(book.claim(0, at: at(0))), .answered, keeping: connection, at: at(1))
    #expect(book.reserve(worker(0)).connections == [connection])
    _ = book.endProbe(worker(0), at: at(2))
    let claim = try #require(book.claim(1, at: at(2)))
    #expect(claim.connection == nil)
    _ = book.drain(worker(0))
    #expect(book.release(claim, .answered, keeping: connection, at: at(3)).keepsConnection == false)
  }

  @Test func keepsNoConnectionWhileOthersUseTheWorkers() throws {
    let book = ledger(workers: 2)
    let idle = KeptConnection(descriptor: 5, loop: 0, serial: 1)
    let busy = KeptConnection(descriptor: 6, loop: 0, serial: 2)
    let first = try #require(book.claim(0, at: at(0)))
    let second = try #require(book.claim(1, at: at(0)))
    #expect(book.release(first, .answered, keeping: idle, at: at(1)).keepsConnection)
    #expect(book.share(true) == [idle])
    #expect(!book.release(second, .answered, keeping: busy, at: at(2)).keepsConnection)
    #expect(book.share(false) == [])
    let third = try #require(book.claim(2, at: at(3)))
    #expect(third.connection == nil)
    #expect(book.release(third, .answered, keeping: idle, at: at(4)).keepsConnection)
  }

  @Test func whatOtherProxiesHoldIsBusyHereToo() throws {
    let book = ledger(workers: 2)
    #expect(book.note(elsewhere: [HeldWorker(worker: worker(0), claims: 1)], at: at(0)) == [])
    let claim = try #require(book.claim(0, at: at(1)))
    #expect(book.worker(of: claim) == worker(1))
    #expect(book.claim(1, at: at(1)) == nil, "it stands in line")
    #expect(book.held(for: .seconds(2), at: at(2)) == [])
    #expect(book.held(for: .seconds(2), at: at(3)) == [HeldWorker(worker: worker(1), claims: 1)])
    #expect(book.note(elsewhere: [], at: at(4)) == [ticket(1)])
  }

  // MARK: The supervisor's words

  @Test func drainIsAnsweredAfterTheLastClaim() throws {
    let book = ledger(workers: 1, concurrency: 2)
    let (a, b) = (try #require(book.claim(0, at: at(0))), try #require(book.claim(1, at: at(0))))
    #expect(book.drain(worker(0)).isEmpty)
    #expect(book.claim(2, at: at(1)) == nil)
    #expect(book.release(a, at: at(1)).drained == nil)
    #expect(book.release(b, at: at(1)).drained == worker(0))
    // Taken back, it serves who waited meanwhile.
    #expect(book.admit(worker(0), at: at(2)) == [ticket(2)])
    #expect(book.drain(worker(0)).isEmpty)
  }

  @Test func drainOfAnIdleWorkerIsAnsweredAtOnceAndEachTime() {
    let book = ledger(workers: 1)
    #expect(book.drain(worker(0)) == [.drained(worker(0))])
    #expect(book.drain(worker(0)) == [.drained(worker(0))])
  }

  @Test func retireEndsWithTheFinalCounters() throws {
    let book = ledger(workers: 1)
    let claim = try #require(book.claim(0, at: at(1)))
    #expect(book.stands(claim))
    let verdict = book.retire(worker(0))
    #expect(verdict.reports.isEmpty)
    #expect(verdict.cutOff?.covers(claim) == true)
    #expect(!book.stands(claim))
    let final = book.release(claim, .unreachable(lost: true), at: at(2)).retired
    #expect(final?.worker == worker(0))
    #expect(final?.lostTotal == 1)
    #expect(final?.requestsInFlight == 0)
    #expect(book.workers.isEmpty)
    // The seat's next occupant is not taken for the old one.
    _ = book.admit(worker(0, 2), at: at(3))
    let next = try #require(book.claim(1, at: at(3)))
    #expect(verdict.cutOff?.covers(next) == false)
    #expect(book.worker(of: next) == worker(0, 2))
  }

  @Test func whatARetiredWorkerServedIsToldAgainToWhoAsksAgain() throws {
    let book = ledger(workers: 2)
    let idle = try #require(book.claim(0, at: at(1)))
    _ = book.release(idle, at: at(2))
    let busy = try #require(book.claim(1, at: at(3)))
    let (gone, leaving) = (try #require(book.worker(of: idle)), try #require(book.worker(of: busy)))
    let first = book.retire(gone).reports
    #expect(book.retire(leaving).reports.isEmpty)
    let final = try #require(book.release(busy, .unreachable(lost: true), at: at(4)).retired)

    // Another supervisor, which does not know that the one before it had been told.
    guard case .retired(let counters) = first.first else {
      Issue.record("not retired: \(first)")
      return
    }
    #expect(counters.worker == gone && counters.requestsTotal == 1)
    #expect(book.retire(gone).reports == first)
    #expect(book.retire(leaving).reports == [.retired(final)])
  }

  @Test func aStuckPlaceStaysTaken() throws {
    let book = ledger(workers: 1, concurrency: 2)
    let (a, b) = (try #require(book.claim(0, at: at(0))), try #require(book.claim(1, at: at(0))))
    _ = book.release(a, .overdue(lost: true), at: at(60))
    _ = book.release(b, at: at(60))
    #expect(book.claim(2, at: at(61)) != nil)
    #expect(book.claim(3, at: at(61)) == nil)
    #expect(book.workers[0].requestsInFlight == 1)
    #expect(book.workers[0].oldestRequestStarted == at(61))
    #expect(book.workers[0].lostTotal == 1)
    #expect(book.reserve(worker(0)).reports == [.busy(worker(0))])
  }

  @Test func aProbeIsAClaim() throws {
    let book = ledger(workers: 1)
    #expect(book.reserve(worker(0)).reports == [.reserved(worker(0))])
    #expect(book.claim(0, at: at(0)) == nil)
    #expect(book.endProbe(worker(0), at: at(1)) == [ticket(0)])
    #expect(book.reserve(worker(0)).reports == [.busy(worker(0))])
  }

  @Test func knowsNothingOfStrangers() {
    let book = ledger(workers: 1)
    #expect(book.drain(worker(0, 2)) == [.drained(worker(0, 2))])
    #expect(book.retire(worker(9)).reports == [.retired(WorkerCounters(worker: worker(9)))])
    #expect(book.reserve(worker(9)).reports == [.busy(worker(9))])
    #expect(book.claim(0, at: at(0)) != nil)
  }
}
