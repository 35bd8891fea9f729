/// One pool's claims: who holds which worker, and who stands in line for one.
struct PoolLedger: Sendable {
  let policy: ProxiedPool
  /// Vacated seats are used again; `Seat.occupant` tells their occupants apart.
  var seats: [Seat] = []
  var line: WaitingLine
  var runs: RunTable
  var schedule: ReturnSchedule
  /// What one request takes.
  var service = Estimate()
  /// What each route's and each node's requests took.
  var ages: AgeHistory
  /// Nodes that get one worker at most, and how many places their requests hold.
  var quarantined: Set<UInt64> = []
  var confinedClaims = 0
  /// By cause.
  var sheds = [Int](repeating: 0, count: ShedCause.allCases.count)
  /// Other proxies use the workers too: no connection is kept.
  var isShared = false
  /// Other proxies are to hear of each new run before its second request can come to them.
  var tellsAtOnce = false
  /// When the first of the suspended workers may be asked again; `.max`: none is suspended.
  private(set) var nextResumption = Instant(nanoseconds: .max)

  /// A worker that refused or broke a connection gets no claims for so long.
  static let suspension = Duration.seconds(1)

  init(policy: ProxiedPool) {
    self.policy = policy
    line = WaitingLine(lift: policy.queue.lift)
    runs = RunTable(limit: policy.queue.nodes, quiet: policy.queue.runQuiet)
    schedule = ReturnSchedule(policy.queue.retryAfter)
    ages = AgeHistory(policy.stuck)
  }

  /// A limit on what is set aside for each worker.
  static let maxConcurrency = 4096
  var concurrency: Int { min(max(1, policy.concurrency), Self.maxConcurrency) }

  // MARK: A request's side

  mutating func admit(_ asker: Asker, pool: Int, at now: Instant) -> Admission {
    let isConfined = isQuarantined(asker.node)
    if line.isEmpty, !isConfined || admitsConfined && line.confinedCount == 0,
      let claim = claim(for: asker, pool: pool, at: now)
    {
      return .claimed(claim)
    }
    guard asker.patience != .unread else { return .unsure }
    let standing = standing(of: asker, at: now)
    if let cause = objection(to: asker, standing, at: now, behind: isConfined ? line.confinedCount : line.count) {
      return .shed(refuse(asker, cause, at: now))
    }
    switch standing {
    case .promised: runs.redeem(asker.node, at: now)
    case .unknown where line.count >= policy.queue.limit: schedule.shift(by: spacing)
    case .unknown, .underWay: break
    }
    let spot = line.append(asker, as: asker.priority.class(standing), confined: isConfined, at: now)
    return .queued(until: deadline(of: asker, standing, from: now), spot: spot)
  }

  /// For a request that lost its worker: it had its turn, so it goes first, and no limit turns it away.
  mutating func readmit(_ asker: Asker, pool: Int, until deadline: Instant, at now: Instant) -> Admission {
    let isConfined = isQuarantined(asker.node)
    if !isConfined || admitsConfined, let claim = claim(for: asker, pool: pool, at: now) { return .claimed(claim) }
    guard now < deadline else { return .shed(refuse(asker, .timeout, at: now)) }
    return .queued(until: deadline, spot: line.appendReturned(asker, confined: isConfined, at: now))
  }

  /// Leaves the line because its time is over. Nil: it is not in it, so its grant is on the way.
  mutating func timeOut(_ spot: UInt32, of ticket: Ticket, at now: Instant) -> Refusal? {
    line.remove(spot, of: ticket).map { refuse($0, .timeout, at: now) }
  }

  /// The least busy worker, among equals the one that was idle longest.
  private mutating func claim(for asker: Asker, pool: Int, at now: Instant) -> Claim? {
    var best: Int?
    for index in seats.indices where seats[index].takesClaims(concurrency: concurrency, at: now) {
      guard let chosen = best else {
        best = index
        continue
      }
      let (load, bestLoad) = (seats[index].inFlight, seats[chosen].inFlight)
      if load < bestLoad || load == bestLoad && seats[index].idleSince < seats[chosen].idleSince { best = index }
    }
    guard let seat = best else { return nil }
    let (place, connection) = seats[seat].take(for: asker, concurrency: concurrency, at: now)
    if isQuarantined(asker.node) { confinedClaims += 1 }
    var beginsRun = false
    if asker.isOfRun {
      beginsRun = runs.hear(asker.node, work: 0, at: now) && tellsAtOnce
    } else if runs.promised > 0 {
      runs.redeem(asker.node, at: now)
    }
    return Claim(
      pool: pool, seat: seat, occupant: seats[seat].occupant, place: place, connection: connection,
      beginsRun: beginsRun)
  }

  mutating func release(
    _ claim: Claim, _ outcome: ClaimOutcome, keeping connection: KeptConnection?, at now: Instant
  ) -> Release {
    var release = Release()
    precondition(seats[claim.seat].occupant == claim.occupant, "a claim outlived its worker's seat")
    if case .claimed(let since, let asker) = seats[claim.seat].places[claim.place] {
      learn(outcome, from: asker, took: (now - since).wholeNanoseconds, at: now)
      if isQuarantined(asker.node) { confinedClaims -= 1 }
    }
    seats[claim.seat].record(outcome, place: claim.place, at: now, suspension: Self.suspension)
    switch outcome {
    case .unreachable: nextResumption = min(nextResumption, seats[claim.seat].suspendedUntil)
    case .answered, .abandoned, .unused, .stale, .cut, .overdue: break
    }
    switch seats[claim.seat].state {
    case .open:
      if let connection, !seats[claim.seat].isReserved, !isShared {
        seats[claim.seat].kept.append(connection)
        release.keepsConnection = true
      }
      release.grant = nextGrant(pool: claim.pool, at: now)
    case .draining(announced: false) where seats[claim.seat].inFlight == 0:
      seats[claim.seat].state = .draining(announced: true)
      release.drained = seats[claim.seat].counters?.worker
    case .retiring where seats[claim.seat].inFlight == 0:
      release.retired = vacate(claim.seat)
    case .draining, .retiring, .vacant: break
    }
    return release
  }

  /// The first in line and the worker that it gets.
  private mutating func nextGrant(pool: Int, at now: Instant) -> Grant? {
    guard let (spot, asker) = next, let claim = claim(for: asker, pool: pool, at: now) else { return nil }
    _ = line.remove(spot, of: asker.ticket)
    return Grant(ticket: asker.ticket, claim: claim)
  }

  mutating func grants(pool: Int, at now: Instant) -> [Grant] {
    var grants: [Grant] = []
    while let grant = nextGrant(pool: pool, at: now) { grants.append(grant) }
    return grants
  }

  /// Grants to those in line, once a suspension is over.
  mutating func resume(pool: Int, at now: Instant) -> [Grant] {
    guard nextResumption <= now else { return [] }
    nextResumption = Instant(nanoseconds: .max)
    for seat in seats where seat.state == .open && seat.suspendedUntil > now {
      nextResumption = min(nextResumption, seat.suspendedUntil)
    }
    return grants(pool: pool, at: now)
  }

  // MARK: A worker's side

  func seat(of worker: WorkerID) -> Int? {
    seats.firstIndex { $0.state != .vacant && $0.counters?.worker == worker }
  }

  mutating func seat(_ worker: WorkerID, at endpoint: Endpoint) {
    let free = seats.firstIndex { $0.state == .vacant }
    if free == nil { seats.append(Seat()) }
    seats[free ?? seats.count - 1].occupy(worker, at: endpoint, concurrency: concurrency)
  }

  /// Forgets the worker; its final counters.
  mutating func vacate(_ seat: Int) -> WorkerCounters? {
    let final = seats[seat].report
    seats[seat].state = .vacant
    seats[seat].counters = nil
    seats[seat].places = []
    return final
  }

  mutating func takeKeptConnections(of seat: Int) -> [KeptConnection] {
    defer { seats[seat].kept = [] }
    return seats[seat].kept
  }
}
