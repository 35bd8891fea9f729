/// Workers that other proxies use too, while the generation before this one or after it lives.
extension ClaimLedger {
  /// No connection may be kept from now on; or they are this proxy's alone again.
  public mutating func share(_ isShared: Bool, at now: Instant) -> Verdict {
    var verdict = isShared ? Verdict() : note(elsewhere: [], at: now)
    for pool in pools.indices {
      pools[pool].isShared = isShared
      guard isShared else { continue }
      for seat in pools[pool].seats.indices {
        verdict.connections += pools[pool].takeKeptConnections(of: seat)
      }
    }
    return verdict
  }

  /// What others hold is taken, and all else is free.
  public mutating func note(elsewhere held: [HeldWorker], at now: Instant) -> Verdict {
    var verdict = Verdict()
    for pool in pools.indices {
      for seat in pools[pool].seats.indices {
        let worker = pools[pool].seats[seat].counters?.worker
        pools[pool].seats[seat].elsewhere = held.reduce(0) { $1.worker == worker ? $0 + max(0, $1.claims) : $0 }
      }
      verdict.grants += pools[pool].grants(pool: pool, at: now)
    }
    return verdict
  }

  /// Workers that have been at a request of this proxy for so long, or never answered one.
  public func held(for time: Duration, at now: Instant) -> [HeldWorker] {
    pools.flatMap(\.seats).compactMap { seat in
      guard let worker = seat.counters?.worker else { return nil }
      let claims = seat.stuck + seat.places.count { $0.claimedSince.map { now - $0 >= time } ?? false }
      return claims > 0 ? HeldWorker(worker: worker, claims: claims) : nil
    }
  }
}
