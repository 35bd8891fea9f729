/// A claim that stands by now, and where its request is.
public struct StandingClaim: Hashable, Sendable {
  public var ticket: Ticket
  public var worker: WorkerID
  public var since: Instant
  var pool: Int
  var seat: Int
  var occupant: UInt32
  var place: Int

  /// It is this very one.
  public func isOf(_ claim: Claim) -> Bool {
    claim.pool == pool && claim.seat == seat && claim.occupant == occupant && claim.place == place
  }
}

extension ClaimLedger {
  /// Of each worker's requests the one that has been with it for longest, if that is longer than `age`.
  public func oldestClaims(longerThan age: Duration, at now: Instant) -> [StandingClaim] {
    pools.indices.flatMap { pool in
      pools[pool].seats.indices.compactMap { seat in
        pools[pool].standingClaims(pool: pool, seat: seat, longerThan: age, at: now).map(\.claim)
          .min { $0.since < $1.since }
      }
    }
  }
}

extension PoolLedger {
  /// Those of one worker, with who asked.
  func standingClaims(
    pool: Int, seat: Int, longerThan age: Duration, at now: Instant
  ) -> [(claim: StandingClaim, asker: Asker)] {
    let held = seats[seat]
    guard held.inFlight > 0, held.state != .retiring, let worker = held.counters?.worker else { return [] }
    return held.places.indices.compactMap { place in
      guard case .claimed(let since, let asker) = held.places[place], now - since > age else { return nil }
      let claim = StandingClaim(
        ticket: asker.ticket, worker: worker, since: since, pool: pool, seat: seat, occupant: held.occupant,
        place: place)
      return (claim, asker)
    }
  }
}
