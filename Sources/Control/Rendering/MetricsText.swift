import Pool

/// `GET /metrics`: Prometheus text format, version 0.0.4.
///
/// Two generations may share a slot during a recycle, so what is said of a worker is said of its slot: memory and
/// requests in flight are of all that live there, the rest is of the newest.
public enum MetricsText {
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  public static func render(_ status: StatusDocument, isReady: Bool) -> String {
    var page = MetricsPage()
    page.gauge("masterpool_info", "What runs.", [(["version": status.version], 1)])
    page.gauge("masterpool_uptime_seconds", "Since the supervisor started.", [([:], status.uptimeSeconds)])
    page.gauge("masterpool_ready", "1 while agents can be served.", [([:], isReady ? 1 : 0)])
    proxy(status.proxy, &page)
    pools(status.pools, &page)
    slots(status.pools, &page)
    history(status.history, &page)
    return page.text
  }

  private static func proxy(_ proxy: StatusDocument.Proxy?, _ page: inout MetricsPage) {
    page.gauge("masterpool_proxy_up", "1 while a proxy runs.", [([:], proxy == nil ? 0 : 1)])
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

  private static func history(_ history: StatusDocument.History?, _ page: inout MetricsPage) {
    guard let history else { return }
    page.gauge("masterpool_history_up", "1 while the ledger is written.", [([:], history.trouble == nil ? 1 : 0)])
    page.counter(
      "masterpool_history_lost_total", "Events and samples that could not be kept.",
      [([:], Double(history.lostTotal))])
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
        (labels: ["pool": pool.name.rawValue, "slot": String(slot)], workers: workers)
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
    page.gauge("masterpool_slot_requests_in_flight", "Requests that its workers hold.", ofAll(\.requestsInFlight))
    page.counter("masterpool_slot_generation", "Workers that the slot has had.", ofNewest { Double($0.generation) })
    page.gauge("masterpool_slot_age_seconds", "Age of its newest worker.", ofNewest(\.ageSeconds))
    page.gauge(
      "masterpool_slot_requests", "Requests that its newest worker has served.", ofNewest { Double($0.requestsTotal) }
    )
  }
}

/// Families in the order in which they are added; one without samples is left out.
struct MetricsPage {
  typealias Sample = (labels: [String: String], value: Double)

  private(set) var text = ""

  mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
    family(name, "gauge", help, samples)
  }

  mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
    family(name, "counter", help, samples)
  }

  private mutating func family(_ name: String, _ kind: String, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    for (labels, value) in samples {
      text += "\(name)\(Self.braces(labels)) \(Self.number(value))\n"
    }
  }

  private static func braces(_ labels: [String: String]) -> String {
    if labels.isEmpty { return "" }
    let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }
    return "{\(pairs.joined(separator: ","))}"
  }

  private static func escaped(_ value: String) -> String {
    value.reduce(into: "") { text, character in
      switch character {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
  }

  private static func number(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    return value.isFinite ? String(value) : value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf"
  }
}
