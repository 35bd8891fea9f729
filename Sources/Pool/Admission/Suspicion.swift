/// A request that has been with its worker for too long, by what others took.
public struct Suspicion: Hashable, Sendable {
  public var claim: StandingClaim
  public var limit: Duration
  public var routeP99: Duration
  public var nodeP99: Duration?
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
    return seats.indices.flatMap { seat in
      standingClaims(pool: pool, seat: seat, longerThan: ages.shortest, at: now).compactMap { claim, asker in
        guard let limit = ages.limit(for: asker), now - claim.since > limit.limit else { return nil }
        return Suspicion(claim: claim, limit: limit.limit, routeP99: limit.routeP99, nodeP99: limit.nodeP99)
      }
    }
  }
}
