import Foundation
import Pool
import Testing

@testable import Control

@Suite struct RenderingTests {
  private static let now = Date(timeIntervalSince1970: 1_795_428_240)  // 2026-11-23T10:04:00Z

  @Test func theStatusOfAPoolInTrouble() {
    let text = StatusText.render(.sample, now: Self.now, palette: .plain)
    #expect(
      text == """
        ! masters/1 does not come up; see why: masterpool events --slot masters/1
        ! masters: web7.example is quarantined, since it wedged workers; see why: masterpool events --kind quarantine; mended: masterpool release web7.example
        ! 2 wipes failed within the last 1h, the last one: masters/0#2: cache: Permission denied; see all: masterpool events --kind wipe_failed
        masterpool 0.1.0, pid 100, running for 1h2m, agents connect to 127.0.0.1:8140
        proxy: pid 101, generation 1, 2 threads, 3 connections, 10 requests (1 in flight), responses: 8 2xx 1 5xx, 1 retried

        masters: 1 of 2 ready, 4 queued, 5 shed, 1 quarantined, memory 286.1MiB of 953.6MiB
          SLOT  GEN  PID  STATE          AGE   MEMORY  REQUESTS  NOW  LAST RECYCLE      AT
             0    3  110  draining     15m4s  85.8MiB         5    1  timer, 3m59s ago  12s POST /puppet/v3/catalog/web7.example for web7.example
             0    4  112  ready           2s   9.5MiB         1    0  timer, 3m59s ago  -
             1    7    -  backing_off      -        -         0    0  -                 -
          masters/0 recycle for timer waits: min_ready 1: 1 of 2 ready

        """)
  }

  @Test func aPoolSaysFromWhomItsWorkersAreForked() {
    var status = StatusDocument.sample
    status.pools[0].parents = [
      .init(generation: 2, pid: 90, state: "ready", ageSeconds: 185, memoryBytes: 34 << 20),
      .init(generation: 3, pid: nil, state: "starting", ageSeconds: nil, memoryBytes: nil),
    ]
    let text = StatusText.render(status, now: Self.now, palette: .plain)
    #expect(text.contains("\n  forked from parent 2, pid 90: ready, age 3m5s, 34MiB\n"))
    #expect(text.contains("\n  forked from parent 3: starting\n"))
  }

  @Test func problemsComeFirstTheWorstAtTheTop() {
    var status = StatusDocument.sample
    status.proxy = nil
    status.failedWipes = nil
    status.pools[0].quarantined = (1...7).map { "web\($0)" }
    status.pools[0].ready = 0
    status.pools[0].memoryBytes = 2_000_000_000
    #expect(
      StatusProblem.all(in: status) == [
        "no proxy is running: agents get no answer", "masters: none of 2 workers is ready",
        "masters/1 does not come up; see why: masterpool events --slot masters/1",
        "masters: web1, web2, web3, web4, web5 and 2 more are quarantined, since they wedged workers; see why: "
          + "masterpool events --kind quarantine; mended: masterpool release web1",
        "masters: 1.8GiB in use, over its budget of 953.6MiB",
      ])
    status = .sample
    status.failedWipes?.count = 1
    status.pools[0].quarantined = []
    status.pools[0].workers.removeLast()
    #expect(
      StatusProblem.all(in: status) == [
        "a wipe failed within the last 1h, the last one: masters/0#2: cache: Permission denied; see all: "
          + "masterpool events --kind wipe_failed"
      ])
    status.failedWipes = nil
    #expect(StatusProblem.all(in: status) == [])
    var limits = StatusDocument.Limits()
    limits.minReady = 2
    status.pools[0].limits = limits
    #expect(StatusProblem.all(in: status) == ["masters: 1 of 2 ready, below min_ready 2"])
  }

  @Test func whatAWorkerIsAtIsCutAndCannotMoveACursor() {
    let long = StatusDocument.Current(
      request: "GET /\u{1B}[2J" + String(repeating: "x", count: 300), node: nil, ageSeconds: .infinity)
    let text = StatusText.atWork(long)
    #expect(text.hasPrefix("0s GET /?[2Jxxx") && text.hasSuffix("x…") && text.count == 63)
    var status = StatusDocument.sample
    status.pools[0].workers[0].current = nil
    #expect(!StatusText.render(status, now: Self.now, palette: .plain).contains("  AT"))
  }

  @Test func theMemoryLimitStandsInTheTitleAndColoursWhatIsNear() {
    var status = StatusDocument.sample
    var limits = StatusDocument.Limits()
    limits.memoryBytes = 94_371_840
    status.pools[0].limits = limits
    #expect(StatusText.render(status, now: Self.now, palette: .plain).contains(" MEMORY/90MiB "))
    #expect(StatusText.render(status, now: Self.now, palette: .ansi).contains("\u{1B}[33m85.8MiB\u{1B}[0m"))
  }

  @Test func colourChangesNothingButColour() {
    let coloured = StatusText.render(.sample, now: Self.now, palette: .ansi)
    let stripped = coloured.replacing(/\u{1B}\[[0-9]*m/, with: "")
    #expect(coloured != stripped)
    #expect(stripped == StatusText.render(.sample, now: Self.now, palette: .plain))
    #expect(coloured.contains("\u{1B}[32mready\u{1B}[0m"))
    #expect(coloured.contains("\u{1B}[31mbacking_off\u{1B}[0m"))
  }

  @Test func strangeNumbersAndWordsDoNoHarm() {
    var status = StatusDocument.sample
    status.proxy = nil
    status.uptimeSeconds = 1e300
    status.pools[0].workers[0].ageSeconds = -.infinity
    status.pools[0].workers[0].state = "\u{1B}[2Jready"
    status.pools[0].workers[1].lastRecycle?.at = "soon"
    let text = StatusText.render(status, now: Self.now, palette: .plain)
    #expect(text.contains("proxy: none is running"))
    #expect(!text.contains("\u{1B}"))
    #expect(text.contains("?[2Jready     0s  85.8MiB"))
    #expect(text.contains(" 0  timer "))
  }

  @Test func anEventIsOneLine() {
    let event = Event(
      id: 1, at: "2026-11-23T10:00:00.123Z", kind: .backOff, message: "masters/0#3: \u{1B}[31mno\nway",
      worker: worker(0, 3)
    )
    #expect(
      EventText.line(event, palette: .plain) == "2026-11-23T10:00:00.123Z back_off      masters/0#3: ?[31mno?way")
    #expect(EventText.line(event, palette: .ansi).contains("\u{1B}[31mback_off\u{1B}[0m"))
    var command = Event(id: 2, at: "2026-11-23T10:00:00.123Z", kind: .command, message: "masters/0 is back")
    command.by = Caller.process(uid: 1000, user: "anna", pid: 7).description
    #expect(
      EventText.line(command, palette: .plain)
        == "2026-11-23T10:00:00.123Z command       masters/0 is back  by anna (uid 1000, pid 7)")
  }

  @Test func metricsOfAPoolInTrouble() {
    let text = MetricsText.render(.sample, .sample, isReady: false)
    let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.contains("_duration_seconds_") }
    #expect(
      samples == [
        "masterpool_build_info{version=\"0.1.0\"} 1", "masterpool_uptime_seconds 3725.5", "masterpool_ready 0",
        "masterpool_proxy_up 1", "masterpool_proxy_restarts_total 1", "masterpool_proxy_generation 1",
        "masterpool_proxy_threads 2",
        "masterpool_proxy_connections 3", "masterpool_proxy_requests_in_flight 1",
        "masterpool_proxy_requests_total 10", "masterpool_proxy_retried_total 1",
        "masterpool_proxy_files_total 6", "masterpool_proxy_file_bytes_total 7000",
        "masterpool_proxy_file_looks_refused_total 2",
        "masterpool_proxy_access_lines_total 0", "masterpool_proxy_access_lines_dropped_total 0",
        "masterpool_proxy_responses_total{class=\"1xx\"} 0", "masterpool_proxy_responses_total{class=\"2xx\"} 8",
        "masterpool_proxy_responses_total{class=\"3xx\"} 0", "masterpool_proxy_responses_total{class=\"4xx\"} 0",
        "masterpool_proxy_responses_total{class=\"5xx\"} 1", "masterpool_proxy_responses_total{class=\"none\"} 0",
        "masterpool_proxy_refused_total{cause=\"address_limit\"} 0",
        "masterpool_proxy_refused_total{cause=\"body_size\"} 0",
        "masterpool_proxy_refused_total{cause=\"body_timeout\"} 0",
        "masterpool_proxy_refused_total{cause=\"handshake_timeout\"} 0",
        "masterpool_proxy_refused_total{cause=\"header_size\"} 0",
        "masterpool_proxy_refused_total{cause=\"header_timeout\"} 0",
        "masterpool_proxy_refused_total{cause=\"malformed\"} 6",
        "masterpool_proxy_refused_total{cause=\"proxy_protocol\"} 0",
        "masterpool_proxy_refused_total{cause=\"send_timeout\"} 0",
        "masterpool_proxy_refused_total{cause=\"unsupported\"} 0",
        "masterpool_proxy_refused_total{cause=\"uri_length\"} 0",
        "masterpool_tls_handshakes_total{kind=\"full\"} 5", "masterpool_tls_handshakes_total{kind=\"resumed\"} 4",
        "masterpool_tls_failures_total{cause=\"no_certificate\"} 0",
        "masterpool_tls_failures_total{cause=\"expired\"} 0",
        "masterpool_tls_failures_total{cause=\"revoked\"} 3",
        "masterpool_tls_failures_total{cause=\"unknown_ca\"} 0",
        "masterpool_tls_failures_total{cause=\"revocation_list\"} 0",
        "masterpool_tls_failures_total{cause=\"refused_by_agent\"} 0",
        "masterpool_tls_failures_total{cause=\"protocol\"} 0",
        "masterpool_tls_failures_total{cause=\"timeout\"} 0",
        "masterpool_tls_failures_total{cause=\"closed\"} 0",
        "masterpool_tls_failures_total{cause=\"other\"} 0",
        "masterpool_certificate_expires_timestamp_seconds{file=\"/etc/crl.pem\",kind=\"client_crl\",listener=\"0.0.0.0:8140\"} "
          + "1795500000",
        "masterpool_pool_size{pool=\"masters\"} 2", "masterpool_pool_ready{pool=\"masters\"} 1",
        "masterpool_pool_queue_length{pool=\"masters\"} 4",
        "masterpool_pool_waiting{class=\"catalog\",pool=\"masters\"} 1",
        "masterpool_pool_waiting{class=\"file\",pool=\"masters\"} 0",
        "masterpool_pool_waiting{class=\"new_run\",pool=\"masters\"} 3",
        "masterpool_pool_waiting{class=\"report\",pool=\"masters\"} 0",
        "masterpool_pool_runs_under_way{pool=\"masters\"} 2",
        "masterpool_pool_memory_bytes{pool=\"masters\"} 300000000",
        "masterpool_pool_memory_budget_bytes{pool=\"masters\"} 1000000000",
        "masterpool_pool_recycles_waiting{pool=\"masters\"} 1", "masterpool_pool_shed_total{pool=\"masters\"} 5",
        "masterpool_pool_refused_total{cause=\"ceiling\",pool=\"masters\"} 1",
        "masterpool_pool_refused_total{cause=\"early\",pool=\"masters\"} 0",
        "masterpool_pool_refused_total{cause=\"limit\",pool=\"masters\"} 4",
        "masterpool_pool_refused_total{cause=\"timeout\",pool=\"masters\"} 0",
        "masterpool_pool_quarantined_nodes{pool=\"masters\"} 1",
        "masterpool_pool_quarantined_waiting{pool=\"masters\"} 2",
        "masterpool_pool_suspects_total{pool=\"masters\"} 7",
        "masterpool_pool_stuck_total{pool=\"masters\"} 3",
        "masterpool_pool_workers{pool=\"masters\",state=\"backing_off\"} 1",
        "masterpool_pool_workers{pool=\"masters\",state=\"draining\"} 1",
        "masterpool_pool_workers{pool=\"masters\",state=\"ready\"} 1",
        "masterpool_slot_memory_bytes{pool=\"masters\",slot=\"0\"} 100000000",
        "masterpool_slot_requests_in_flight{pool=\"masters\",slot=\"0\"} 1",
        "masterpool_slot_requests_in_flight{pool=\"masters\",slot=\"1\"} 0",
        "masterpool_slot_generation{pool=\"masters\",slot=\"0\"} 4",
        "masterpool_slot_generation{pool=\"masters\",slot=\"1\"} 7",
        "masterpool_slot_age_seconds{pool=\"masters\",slot=\"0\"} 2.5",
        "masterpool_slot_requests{pool=\"masters\",slot=\"0\"} 1",
        "masterpool_slot_requests{pool=\"masters\",slot=\"1\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"timer\"} 2",
        "masterpool_restarts_total{pool=\"masters\",reason=\"memory\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"memory_limit\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"requests\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"stuck\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"unhealthy\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"crash\"} 1",
        "masterpool_restarts_total{pool=\"masters\",reason=\"manual\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"deploy\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"scale\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"reload\"} 0",
        "masterpool_restarts_total{pool=\"masters\",reason=\"shutdown\"} 0",
        "masterpool_wipes_total{pool=\"masters\"} 1",
        "masterpool_wiped_entries_total{pool=\"masters\"} 40",
        "masterpool_wiped_bytes_total{pool=\"masters\"} 9000",
        "masterpool_wipe_failures_total{pool=\"masters\"} 1",
        "masterpool_deploys_total{pool=\"masters\"} 2",
        "masterpool_deploys_failed_total{pool=\"masters\"} 1",
      ])
  }

  @Test(arguments: MetricsFormat.allCases)
  func everyMetricHasItsTypeOnceAndNoSampleTwice(_ format: MetricsFormat) {
    let lines = MetricsText.render(.sample, .sample, isReady: true, as: format).split(separator: "\n")
    let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2...] }
    let series = lines.filter { !$0.hasPrefix("#") }.map { $0[..<($0.lastIndex(of: " ") ?? $0.endIndex)] }
    #expect(Set(types.map(\.first)).count == types.count)
    #expect(Set(series).count == series.count)
    let expected = types.flatMap { type -> [String] in
      guard let name = type.first, let kind = type.last else { return [] }
      switch (kind, format) {
      case ("histogram", _): return ["_bucket", "_count", "_sum"].map { "\(name)\($0)" }
      case ("counter", .openMetrics): return ["\(name)_total"]
      case ("info", .openMetrics): return ["\(name)_info"]
      default: return [String(name)]
      }
    }
    let names = series.map { series in String(series.prefix { $0 != "{" }) }
    #expect(Set(names) == Set(expected))
    #expect((lines.last == "# EOF") == (format == .openMetrics))
  }

  @Test func aHistogramIsCumulativeAndItsBoundsAreSeconds() {
    let lines = MetricsText.render(.sample, .sample, isReady: true).split(separator: "\n")
      .filter { $0.hasPrefix("masterpool_request_duration_seconds") && $0.contains("class=\"catalog\"") }
    func bucket(_ le: String, _ count: Int) -> Bool {
      lines.contains(
        "masterpool_request_duration_seconds_bucket{class=\"catalog\",le=\"\(le)\",pool=\"masters\"} \(count)")
    }
    for (le, count) in [("0.001", 1), ("0.002", 2), ("2.0", 2), ("5.0", 3), ("600.0", 3), ("+Inf", 4)] {
      #expect(bucket(le, count), "\(le)")
    }
    #expect(lines.count == RequestDurations.bounds.count + 3)
    let sums = lines.suffix(2)
    #expect(sums.first == "masterpool_request_duration_seconds_count{class=\"catalog\",pool=\"masters\"} 4")
    #expect(sums.last?.hasPrefix("masterpool_request_duration_seconds_sum") == true)
    #expect(sums.last?.hasSuffix(" 703.502000001") == true, "\(sums)")
  }

  @Test func settingsAndParentsAreThere() {
    var status = StatusDocument.sample
    var limits = StatusDocument.Limits()
    limits.memoryBytes = 600
    limits.memoryLimitBytes = 1000
    limits.everySeconds = 900
    limits.queueLimit = 50
    status.pools[0].limits = limits
    status.pools[0].parents = [.init(generation: 2, pid: 9, state: "ready", ageSeconds: 1.5, memoryBytes: 34)]
    let text = MetricsText.render(status, .sample, isReady: true)
    for line in [
      "masterpool_slot_memory_limit_bytes{pool=\"masters\",slot=\"1\"} 600",
      "masterpool_pool_recycle_memory_bytes{pool=\"masters\"} 600",
      "masterpool_pool_memory_limit_bytes{pool=\"masters\"} 1000",
      "masterpool_pool_recycle_interval_seconds{pool=\"masters\"} 900",
      "masterpool_pool_queue_limit{pool=\"masters\"} 50", "masterpool_pool_concurrency{pool=\"masters\"} 1",
      "masterpool_parent_memory_bytes{generation=\"2\",pool=\"masters\"} 34",
      "masterpool_parent_ready{generation=\"2\",pool=\"masters\"} 1",
    ] {
      #expect(text.contains("\n\(line)\n"), "\(line)")
    }
    #expect(!text.contains("masterpool_pool_recycle_requests"), "what is off is absent")
  }

  @Test(arguments: [
    (nil, MetricsFormat.prometheus), ("", .prometheus), ("*/*", .prometheus), ("text/html", .prometheus),
    ("text/plain", .prometheus), ("application/openmetrics-text", .openMetrics),
    ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.7", .prometheus),
    ("application/openmetrics-text; q=0, text/plain", .prometheus),
    // As Prometheus 2 and 3 ask.
    (
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
        + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
    ),
    (
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5, text/plain;version=0.0.4;q=0.2",
      .openMetrics
    ),
  ])
  func theFormatIsTheOneThatIsAskedFor(accept: String?, format: MetricsFormat) {
    #expect(MetricsFormat(accept: accept) == format)
  }

  @Test func labelsAreEscapedAndNumbersSpelled() {
    var page = MetricsPage()
    page.gauge("a", "b", [(["l": "x\"y\\z\n"], .infinity), ([:], 1e300), ([:], .nan), ([:], -0.5)])
    #expect(page.finished.hasSuffix("a{l=\"x\\\"y\\\\z\\n\"} +Inf\na 1e+300\na NaN\na -0.5\n"))
  }
}
