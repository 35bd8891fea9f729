import Pool

/// `GET /metrics`: for Prometheus, in its own text format or as OpenMetrics.
///
/// Two generations may share a slot during a recycle, so what is said of a worker is said of its slot: memory and
/// requests in flight are of all that live there, the rest is of the newest.
public enum MetricsText {
  public static func render(
    _ status: StatusDocument, _ measured: Measurements, isReady: Bool, as format: MetricsFormat = .prometheus
  ) -> String {
    var page = MetricsPage(format)
    page.info("masterpool_build", "What runs.", ["version": status.version])
    page.gauge("masterpool_uptime_seconds", "Since the supervisor started.", [([:], status.uptimeSeconds)])
    page.gauge("masterpool_ready", "1 while agents can be served.", [([:], isReady ? 1 : 0)])
    proxy(status.proxy, measured, &page)
    tls(measured, &page)
    pools(status.pools, &page)
    parents(status.pools, &page)
    limits(status.pools, &page)
    slots(status.pools, &page)
    tallies(measured.pools, &page)
    durations(measured.pools, &page)
    nodes(status.nodes, &page)
    history(status.history, &page)
    notify(status.notify, &page)
    return page.finished
  }

  private static func proxy(
    _ proxy: StatusDocument.Proxy?, _ measured: Measurements, _ page: inout MetricsPage
  ) {
    page.gauge("masterpool_proxy_up", "1 while a proxy runs.", [([:], proxy == nil ? 0 : 1)])
    page.counter(
      "masterpool_proxy_restarts_total", "Proxies that ended though they were to go on.",
      [([:], Double(measured.proxyRestarts))])
    guard let proxy else { return }
    func of(_ value: Int) -> [MetricsPage.Sample] { [([:], Double(value))] }
    page.gauge("masterpool_proxy_generation", "The nth proxy of this supervisor.", of(proxy.generation))
    page.gauge("masterpool_proxy_threads", "Event loops.", of(proxy.threads))
    page.gauge("masterpool_proxy_connections", "Open connections of agents.", of(proxy.connections))
    page.gauge("masterpool_proxy_requests_in_flight", "Requests being served.", of(proxy.requestsInFlight))
    page.counter("masterpool_proxy_requests_total", "Requests since the supervisor started.", of(proxy.requestsTotal))
    page.counter("masterpool_proxy_retried_total", "Requests sent to a second worker.", of(proxy.retriedTotal))
    page.counter("masterpool_proxy_files_total", "Answers from disk, without a worker.", of(proxy.filesTotal))
    page.counter("masterpool_proxy_file_bytes_total", "Their bodies' bytes.", of(proxy.fileBytesTotal))
    page.counter(
      "masterpool_proxy_file_looks_refused_total",
      "Requests sent to a worker since too many files were being looked at.",
      of(proxy.looksRefusedTotal))
    page.counter(
      "masterpool_proxy_access_lines_total", "Lines of the access log, written or on their way.",
      of(proxy.accessLinesTotal))
    page.counter(
      "masterpool_proxy_access_lines_dropped_total", "Lines of the access log that there was no room for.",
      of(proxy.accessLinesDroppedTotal))
    page.counter(
      "masterpool_proxy_responses_total", "Responses by class; none: cut off before their head.",
      proxy.responsesTotal.sorted { $0.key < $1.key }.map { (["class": $0.key], Double($0.value)) })
    page.counter(
      "masterpool_proxy_refused_total",
      "Connections and requests that the proxy refused of its own accord, by cause.",
      proxy.refusedTotal.sorted { $0.key < $1.key }.map { (["cause": $0.key], Double($0.value)) })
  }

  private static func nodes(_ nodes: StatusDocument.Nodes?, _ page: inout MetricsPage) {
    guard let nodes else { return }
    page.gauge("masterpool_nodes", "Nodes that have asked and are remembered.", [([:], Double(nodes.total))])
    page.gauge(
      "masterpool_nodes_overdue", "Of these, silent for longer than nodes.overdue.", [([:], Double(nodes.overdue))])
    page.counter(
      "masterpool_nodes_displaced_total", "Nodes that had to make room for others, beyond nodes.limit.",
      [([:], Double(nodes.displacedTotal))])
    page.counter(
      "masterpool_nodes_lost_total", "Requests that are in no node's account, since there was no room on the way.",
      [([:], Double(nodes.lostTotal))])
  }

  private static func history(_ history: StatusDocument.History?, _ page: inout MetricsPage) {
    guard let history else { return }
    page.gauge("masterpool_history_up", "1 while the ledger is written.", [([:], history.trouble == nil ? 1 : 0)])
    page.counter(
      "masterpool_history_lost_total", "Events and samples that could not be kept.",
      [([:], Double(history.lostTotal))])
  }

  private static func notify(_ notify: StatusDocument.Notify?, _ page: inout MetricsPage) {
    guard let notify else { return }
    page.gauge("masterpool_alerts_firing", "Conditions that somebody is told of.", [([:], Double(notify.firing))])
    page.counter(
      "masterpool_notifications_total",
      "Messages by what became of them; failed: refused or given up, dropped: no room for them.",
      notify.receivers.flatMap { receiver in
        [
          ("delivered", receiver.deliveredTotal), ("failed", receiver.failedTotal),
          ("dropped", receiver.droppedTotal),
        ].map { outcome, count in (["receiver": receiver.name, "outcome": outcome], Double(count)) }
      })
    page.gauge(
      "masterpool_notifications_waiting", "Messages on their way.",
      notify.receivers.map { (["receiver": $0.name], Double($0.waiting)) })
  }

  private static func pools(_ pools: [StatusDocument.Pool], _ page: inout MetricsPage) {
    func of(_ value: (StatusDocument.Pool) -> Int) -> [MetricsPage.Sample] {
      pools.map { (["pool": $0.name.rawValue], Double(value($0))) }
    }
    page.gauge("masterpool_pool_size", "Workers wanted.", of(\.size))
    page.gauge("masterpool_pool_ready", "Workers that take requests.", of(\.ready))
    func by(_ label: String, _ values: (StatusDocument.Pool) -> [String: Int]) -> [MetricsPage.Sample] {
      pools.flatMap { pool in
        values(pool).sorted { $0.key < $1.key }
          .map { (["pool": pool.name.rawValue, label: $0.key], Double($0.value)) }
      }
    }
    page.gauge("masterpool_pool_queue_length", "Requests that wait for a worker.", of(\.queueLength))
    page.gauge("masterpool_pool_waiting", "Of these by class.", by("class", \.queueByClass))
    page.gauge("masterpool_pool_runs_under_way", "Nodes in the middle of a run.", of(\.runsUnderWay))
    page.gauge("masterpool_pool_memory_bytes", "PSS and swap of all its processes.", of(\.memoryBytes))
    page.gauge(
      "masterpool_pool_memory_budget_bytes", "What they may hold together.",
      pools.compactMap { pool in pool.memoryBudgetBytes.map { (["pool": pool.name.rawValue], Double($0)) } })
    page.gauge(
      "masterpool_pool_recycles_waiting", "Workers that are to be replaced and have to wait.",
      of { $0.workers.count { $0.waitingFor != nil } })
    page.counter("masterpool_pool_shed_total", "Requests refused with 503.", of(\.shedTotal))
    page.counter("masterpool_pool_refused_total", "Of these by cause.", by("cause", \.shedsByCause))
    page.gauge(
      "masterpool_pool_quarantined_nodes", "Nodes that get one worker at most.", of(\.quarantined.count))
    page.gauge("masterpool_pool_quarantined_waiting", "Requests of these in the line.", of(\.quarantinedWaiting))
    page.counter("masterpool_pool_suspects_total", "Requests that were suspect by their age.", of(\.suspectsTotal))
    page.counter("masterpool_pool_stuck_total", "Workers stopped for being stuck.", of(\.stuckTotal))
    page.gauge(
      "masterpool_pool_workers", "Workers by state.",
      pools.flatMap { pool in
        Dictionary(grouping: pool.workers, by: \.state).sorted { $0.key < $1.key }.map { state, workers in
          (["pool": pool.name.rawValue, "state": state], Double(workers.count))
        }
      })
  }

  private static func slots(_ pools: [StatusDocument.Pool], _ page: inout MetricsPage) {
    let slots = pools.flatMap { pool in
      Dictionary(grouping: pool.workers, by: \.slot).sorted { $0.key < $1.key }.map { slot, workers in
        (
          labels: ["pool": pool.name.rawValue, "slot": String(slot)], workers: workers, limit: memoryLimit(of: pool)
        )
      }
    }
    func ofAll(_ value: (StatusDocument.Worker) -> Int?) -> [MetricsPage.Sample] {
      slots.compactMap { slot in
        let values = slot.workers.compactMap(value)
        return values.isEmpty ? nil : (slot.labels, values.reduce(0) { $0 + Double($1) })
      }
    }
    func ofNewest(_ value: (StatusDocument.Worker) -> Double?) -> [MetricsPage.Sample] {
      slots.compactMap { slot in
        slot.workers.max { $0.generation < $1.generation }.flatMap(value).map { (slot.labels, $0) }
      }
    }
    page.gauge("masterpool_slot_memory_bytes", "PSS and swap of the slot's processes.", ofAll(\.memoryBytes))
    page.gauge(
      "masterpool_slot_memory_limit_bytes", "Beyond it a worker of the slot is replaced or cut off.",
      slots.compactMap { slot in slot.limit.map { (slot.labels, Double($0)) } })
    page.gauge("masterpool_slot_requests_in_flight", "Requests that its workers hold.", ofAll(\.requestsInFlight))
    page.gauge("masterpool_slot_generation", "Workers that the slot has had.", ofNewest { Double($0.generation) })
    page.gauge("masterpool_slot_age_seconds", "Age of its newest worker.", ofNewest(\.ageSeconds))
    page.gauge(
      "masterpool_slot_requests", "Requests that its newest worker has served.", ofNewest { Double($0.requestsTotal) }
    )
  }
}
