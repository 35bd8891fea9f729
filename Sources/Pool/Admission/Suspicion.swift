/// A request that has been with its worker for too long, by what others took.
public struct Suspicion: Hashable, Sendable {
  /// Where it is.
  public var ticket: Ticket
  /// Its claim.
  var pool: Int
  var seat: Int
  var occupant: UInt32
  var place: Int
  public var since: Instant
  public var limit: Duration
  public var routeP99: Duration
  public var nodeP99: Duration?

  public func concerns(_ claim: Claim) -> Bool {
    claim.pool == pool && claim.seat == seat && claim.occupant == occupant && claim.place == place
  }
}

extension ClaimLedger {
  /// All of them, each time anew; meant for once a second.
  public func suspicions(at now: Instant) -> [Suspicion] {
    pools.indices.flatMap { pools[$0].suspicions(pool: $0, at: now) }
  }
}

extension PoolLedger {
  func suspicions(pool: Int, at now: Instant) -> [Suspicion] {
    guard ages.isKept else { return [] }
    var found: [Suspicion] = []
    for seat in seats.indices where seats[seat].inFlight > 0 && seats[seat].state != .retiring {
      for place in seats[seat].places.indices {
        guard case .claimed(let since, let asker) = seats[seat].places[place], now - since > ages.shortest,
          let limit = ages.limit(for: asker), now - since > limit.limit
        else { continue }
        found.append(
          Suspicion(
            ticket: asker.ticket, pool: pool, seat: seat, occupant: seats[seat].occupant, place: place, since: since,
            limit: limit.limit, routeP99: limit.routeP99, nodeP99: limit.nodeP99))
      }
    }
    return found
  }
}
