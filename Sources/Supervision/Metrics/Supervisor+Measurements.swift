import Pool

/// What was counted for the metrics.
extension Supervisor {
  public func measurements() -> Measurements {
    var all = Measurements()
    all.pools = plan.pools.compactMap { plan in
      pools[plan.name].map { pool in
        Measurements.Pool(
          name: plan.name, durations: proxies.counters(of: plan.name, after: pool.earlier).durations,
          tally: pool.tally)
      }
    }
    let counters = proxies.counters
    all.tls = counters.tls
    all.expiries = proxies.current?.counters.expiries ?? []
    all.proxyRestarts = proxyRestarts
    return all
  }

  func count(_ report: WipeReport, in pool: PoolName) {
    pools[pool]?.tally.countWipe(entries: report.entries, bytes: report.bytes, failures: report.failureCount)
  }
}
