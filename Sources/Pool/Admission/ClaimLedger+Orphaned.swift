/// While there is no supervisor.
extension ClaimLedger {
  /// The supervisor is gone, and with it its probes and its word on what other proxies hold.
  public mutating func orphan(at now: Instant) -> Verdict {
    for pool in pools.indices {
      for seat in pools[pool].seats.indices { pools[pool].seats[seat].isReserved = false }
    }
    return note(elsewhere: [], at: now)
  }

  /// Those that have a seat.
  public var workers: [WorkerID] { pools.flatMap { $0.seats.compactMap { $0.counters?.worker } } }
}
