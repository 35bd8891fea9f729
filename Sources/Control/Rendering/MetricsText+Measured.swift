import Pool

/// What was counted rather than what is.
extension MetricsText {
  static func durations(_ pools: [Measurements.Pool], _ page: inout MetricsPage) {
    let families: [(RequestDurations.Stage, String, String)] = [
      (
        .whole, "masterpool_request_duration_seconds",
        "From a request's whole head to the last byte of its answer, by class of route; answers from disk too."
      ),
      (
        .queue, "masterpool_queue_duration_seconds",
        "In line for a worker, of those that asked for one, whether they got it or not."
      ),
      (.worker, "masterpool_worker_duration_seconds", "With workers, of those that got one."),
    ]
    let bounds = RequestDurations.bounds.map { Double($0) / 1000 }
    for (stage, name, help) in families {
      page.histogram(
        name, help, bounds: bounds,
        pools.flatMap { pool in
          RoutePriority.allCases.compactMap { route in
            pool.durations.histogram(route, stage).map {
              .init(
                labels: ["pool": pool.name.rawValue, "class": route.rawValue], buckets: $0.buckets,
                sum: Double($0.nanoseconds) / 1e9)
            }
          }
        })
    }
  }

  static func tallies(_ pools: [Measurements.Pool], _ page: inout MetricsPage) {
    func of(_ value: (PoolTally) -> Int) -> [MetricsPage.Sample] {
      pools.map { (["pool": $0.name.rawValue], Double(value($0.tally))) }
    }
    page.counter(
      "masterpool_restarts_total", "Workers that ended, by reason.",
      pools.flatMap { pool in
        RecycleReason.allCases.map { reason in
          (
            ["pool": pool.name.rawValue, "reason": reason.rawValue],
            Double(pool.tally.exits[reason.rawValue, default: 0])
          )
        }
      })
    page.counter("masterpool_wipes_total", "Workers' directories and shared caches that were cleared.", of(\.wipes))
    page.counter("masterpool_wiped_entries_total", "Files and folders that this removed.", of(\.wipedEntries))
    page.counter("masterpool_wiped_bytes_total", "Their bytes.", of(\.wipedBytes))
    page.counter("masterpool_wipe_failures_total", "What could not be removed.", of(\.wipeFailures))
    page.counter("masterpool_deploys_total", "Deploys that were begun.", of(\.deploys))
    page.counter(
      "masterpool_deploys_failed_total", "Of these such that left the old generation serving.", of(\.deploysFailed))
  }

  static func tls(_ measured: Measurements, _ page: inout MetricsPage) {
    page.counter(
      "masterpool_tls_handshakes_total", "Handshakes with agents that came about.",
      [(["kind": "full"], Double(measured.tls.full)), (["kind": "resumed"], Double(measured.tls.resumed))])
    page.counter(
      "masterpool_tls_failures_total", "Handshakes that did not, by cause.",
      TLSCounters.Failure.allCases.map { cause in
        (["cause": cause.rawValue], Double(measured.tls.failures[cause, default: 0]))
      })
    page.gauge(
      "masterpool_certificate_expires_timestamp_seconds",
      "When what a listener works with runs out; of a revocation list, when the next is due.",
      measured.expiries.map { expiry in
        (["listener": expiry.listener, "kind": expiry.kind.rawValue, "file": expiry.file], Double(expiry.at))
      })
  }

  static func parents(_ pools: [StatusDocument.Pool], _ page: inout MetricsPage) {
    let parents = pools.flatMap { pool in (pool.parents ?? []).map { (pool.name.rawValue, $0) } }
    func of(_ value: (StatusDocument.Parent) -> Double?) -> [MetricsPage.Sample] {
      parents.compactMap { pool, parent in
        value(parent).map { (["pool": pool, "generation": String(parent.generation)], $0) }
      }
    }
    page.gauge(
      "masterpool_parent_ready", "1 for a warm parent that forks workers.", of { $0.state == "ready" ? 1 : 0 })
    page.gauge("masterpool_parent_age_seconds", "Since it was started.", of(\.ageSeconds))
    page.gauge("masterpool_parent_memory_bytes", "PSS and swap of it.", of { $0.memoryBytes.map(Double.init) })
  }

  /// The settings in force, to hold what is against; what is off is absent.
  static func limits(_ pools: [StatusDocument.Pool], _ page: inout MetricsPage) {
    func of(_ value: (StatusDocument.Limits) -> Double?) -> [MetricsPage.Sample] {
      pools.compactMap { pool in pool.limits.flatMap(value).map { (["pool": pool.name.rawValue], $0) } }
    }
    page.gauge(
      "masterpool_pool_min_ready", "Ready workers below which no planned restart starts.", of { Double($0.minReady) })
    page.gauge("masterpool_pool_concurrency", "Requests at once in one worker.", of { Double($0.concurrency) })
    page.gauge("masterpool_pool_queue_limit", "Length of the line.", of { $0.queueLimit.map(Double.init) })
    page.gauge("masterpool_pool_recycle_interval_seconds", "Age at which a worker is replaced.", of(\.everySeconds))
    page.gauge("masterpool_pool_recycle_requests", "Requests after which it is.", of { $0.requests.map(Double.init) })
    page.gauge(
      "masterpool_pool_recycle_memory_bytes", "Memory over which it is, gracefully.",
      of { $0.memoryBytes.map(Double.init) })
    page.gauge(
      "masterpool_pool_memory_limit_bytes", "Memory over which it is cut off.",
      of { $0.memoryLimitBytes.map(Double.init) })
  }

  /// What a slot's newest worker is held against: the first of both that is reached.
  static func memoryLimit(of pool: StatusDocument.Pool) -> Int? {
    [pool.limits?.memoryBytes, pool.limits?.memoryLimitBytes].compactMap { $0 }.min()
  }
}
