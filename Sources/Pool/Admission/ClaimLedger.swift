/// Every pool's claims in one value, for one lock: picking a worker and registering the claim is one step, so a
/// drain misses no request.
///
/// Pools are known by their index in the configuration.
public struct ClaimLedger: Sendable {
  var pools: [PoolLedger]
  /// The final counters of the workers that were retired last, for a supervisor that took the place of the one that
  /// was told of them.
  private var retired: [WorkerCounters] = []
  /// Many more than end in the moments between two supervisors.
  static let maxRetired = 1024

  public init(pools: [ProxiedPool]) { self.pools = pools.map(PoolLedger.init(policy:)) }

  // MARK: Requests

  /// Claims a worker, or stands in line for one.
  public mutating func admit(_ asker: Asker, to pool: Int, at now: Instant) -> Admission {
    pools[pool].admit(asker, pool: pool, at: now)
  }

  /// The same for a request whose worker was lost before it answered: first in line, until its own deadline.
  public mutating func readmit(
    _ asker: Asker, to pool: Int, until deadline: Instant, at now: Instant
  ) -> Admission {
    pools[pool].readmit(asker, pool: pool, until: deadline, at: now)
  }

  /// Leaves the line because nobody waits any more. False: it is not in it, so its grant is on the way.
  public mutating func withdraw(_ ticket: Ticket, at spot: UInt32, from pool: Int) -> Bool {
    pools[pool].line.remove(spot, of: ticket) != nil
  }

  /// Leaves the line because its time is over. Nil: it is not in it, so its grant is on the way.
  public mutating func timeOut(_ ticket: Ticket, at spot: UInt32, from pool: Int, now: Instant) -> Refusal? {
    pools[pool].timeOut(spot, of: ticket, at: now)
  }

  /// For a request that cannot be served for want of something of ours.
  public mutating func refuse(_ asker: Asker, from pool: Int, at now: Instant) -> Refusal {
    pools[pool].refuse(asker, .ceiling, at: now)
  }

  /// Ends a claim. `connection` is kept for the next one unless the answer says otherwise.
  public mutating func release(
    _ claim: Claim, _ outcome: ClaimOutcome, keeping connection: KeptConnection?, at now: Instant
  ) -> Release {
    let release = pools[claim.pool].release(claim, outcome, keeping: connection, at: now)
    if let final = release.retired { remember(final) }
    return release
  }

  private mutating func remember(_ final: WorkerCounters) {
    if retired.count >= Self.maxRetired { retired.removeFirst(Self.maxRetired / 2) }
    retired.append(final)
  }

  /// Takes a kept connection out because its worker closed it. False: another owns it by now.
  public mutating func forget(_ connection: KeptConnection) -> Bool {
    for pool in pools.indices {
      for seat in pools[pool].seats.indices {
        if let index = pools[pool].seats[seat].kept.firstIndex(of: connection) {
          pools[pool].seats[seat].kept.remove(at: index)
          return true
        }
      }
    }
    return false
  }

  /// Turns that came because a suspended worker may be asked again. Cheap; call it on every sweep.
  public mutating func resume(at now: Instant) -> [Grant] {
    var grants: [Grant] = []
    for pool in pools.indices { grants += pools[pool].resume(pool: pool, at: now) }
    return grants
  }

  /// False: its worker was retired since the claim was made.
  public func stands(_ claim: Claim) -> Bool { pools[claim.pool].seats[claim.seat].state != .retiring }

  public func endpoint(of claim: Claim) -> Endpoint { pools[claim.pool].seats[claim.seat].endpoint }
  /// The slot and the generation of the claimed worker, for the log.
  public func place(of claim: Claim) -> (slot: Int, generation: Int)? {
    pools[claim.pool].seats[claim.seat].counters.map { ($0.worker.slot.index, $0.worker.generation.rawValue) }
  }
  public func worker(of claim: Claim) -> WorkerID? { pools[claim.pool].seats[claim.seat].counters?.worker }

  // MARK: Workers

  /// What follows from a word about a worker.
  public struct Verdict: Sendable {
    public var reports: [ProxyReport] = []
    public var grants: [Grant] = []
    /// Out of the ledger; to be closed.
    public var connections: [KeptConnection] = []
    /// Claims on this seat are to be broken off wherever they are.
    public var cutOff: CutOff?
  }

  /// Names the claims of one worker.
  public struct CutOff: Hashable, Sendable, BitwiseCopyable {
    public var pool: Int
    public var seat: Int
    public var occupant: UInt32

    public func covers(_ claim: Claim) -> Bool {
      claim.pool == pool && claim.seat == seat && claim.occupant == occupant
    }
  }

  /// The worker takes claims from now on; also takes back a drain.
  public mutating func admit(_ worker: WorkerID, at endpoint: Endpoint, at now: Instant) -> Verdict {
    guard let pool = index(of: worker) else { return Verdict() }
    if let seat = pools[pool].seat(of: worker) {
      switch pools[pool].seats[seat].state {
      case .open, .draining: pools[pool].seats[seat].state = .open
      case .retiring, .vacant: return Verdict()
      }
    } else {
      pools[pool].seat(worker, at: endpoint)
    }
    return Verdict(grants: pools[pool].grants(pool: pool, at: now))
  }

  public mutating func drain(_ worker: WorkerID) -> Verdict {
    guard let (pool, seat) = find(worker) else { return Verdict(reports: [.drained(worker)]) }
    switch pools[pool].seats[seat].state {
    case .open, .draining(announced: true):
      let done = pools[pool].seats[seat].inFlight == 0
      pools[pool].seats[seat].state = .draining(announced: done)
      return Verdict(
        reports: done ? [.drained(worker)] : [], connections: pools[pool].takeKeptConnections(of: seat))
    case .draining(announced: false), .retiring, .vacant: return Verdict()
    }
  }

  public mutating func retire(_ worker: WorkerID) -> Verdict {
    guard let (pool, seat) = find(worker) else {
      let known = retired.last { $0.worker == worker }
      return Verdict(reports: [.retired(known ?? WorkerCounters(worker: worker))])
    }
    let connections = pools[pool].takeKeptConnections(of: seat)
    guard pools[pool].seats[seat].inFlight > 0 else {
      let final = pools[pool].vacate(seat) ?? WorkerCounters(worker: worker)
      remember(final)
      return Verdict(reports: [.retired(final)], connections: connections)
    }
    pools[pool].seats[seat].state = .retiring
    return Verdict(
      connections: connections,
      cutOff: CutOff(pool: pool, seat: seat, occupant: pools[pool].seats[seat].occupant))
  }

  /// One claim for a probe, if the worker holds no request.
  public mutating func reserve(_ worker: WorkerID) -> Verdict {
    guard let (pool, seat) = find(worker), pools[pool].seats[seat].inFlight + pools[pool].seats[seat].stuck == 0
    else { return Verdict(reports: [.busy(worker)]) }
    pools[pool].seats[seat].isReserved = true
    return Verdict(reports: [.reserved(worker)], connections: pools[pool].takeKeptConnections(of: seat))
  }

  /// The probe is over.
  public mutating func release(_ worker: WorkerID, at now: Instant) -> Verdict {
    guard let (pool, seat) = find(worker) else { return Verdict() }
    pools[pool].seats[seat].isReserved = false
    return Verdict(grants: pools[pool].grants(pool: pool, at: now))
  }

  // MARK: Counters

  public var poolCounters: [PoolCounters] { pools.map(\.counters) }

  public var workerCounters: [WorkerCounters] { pools.flatMap { $0.seats.compactMap(\.report) } }

  private func index(of worker: WorkerID) -> Int? { pools.firstIndex { $0.policy.name == worker.pool } }

  private func find(_ worker: WorkerID) -> (pool: Int, seat: Int)? {
    guard let pool = index(of: worker), let seat = pools[pool].seat(of: worker) else { return nil }
    return (pool, seat)
  }
}
