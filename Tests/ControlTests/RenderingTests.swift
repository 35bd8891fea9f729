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
        masterpool 0.1.0, pid 100, running for 1h2m, agents connect to 127.0.0.1:8140
        proxy: pid 101, generation 1, 2 threads, 3 connections, 10 requests (1 in flight), responses: 8 2xx 1 5xx, 1 retried

        masters: 1 of 2 ready, 4 queued, 5 shed, 1 quarantined, memory 286.1MiB of 953.6MiB
          SLOT  GEN  PID  STATE          AGE   MEMORY  REQUESTS  NOW  LAST RECYCLE
             0    3  110  draining     15m4s  85.8MiB         5    1  timer, 3m59s ago
             0    4  112  ready           2s   9.5MiB         1    0  timer, 3m59s ago
             1    7    -  backing_off      -        -         0    0  -
          masters/0 recycle for timer waits: min_ready 1: 1 of 2 ready

        """)
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
    #expect(text.contains(" 0  timer\n"))
  }

  @Test func anEventIsOneLine() {
    let event = Event(
      id: 1, at: "2026-11-23T10:00:00.123Z", kind: .backOff, message: "masters/0#3: \u{1B}[31mno\nway",
      worker: worker(0, 3)
    )
    #expect(
      EventText.line(event, palette: .plain) == "2026-11-23T10:00:00.123Z back_off    masters/0#3: ?[31mno?way")
    #expect(EventText.line(event, palette: .ansi).contains("\u{1B}[31mback_off\u{1B}[0m"))
  }

  @Test func metricsOfAPoolInTrouble() {
    let text = MetricsText.render(.sample, isReady: false)
    let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(
      samples == [
        "masterpool_info{version=\"0.1.0\"} 1", "masterpool_uptime_seconds 3725.5", "masterpool_ready 0",
        "masterpool_proxy_up 1", "masterpool_proxy_generation 1", "masterpool_proxy_threads 2",
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
      ])
  }

  @Test func everyMetricHasItsTypeOnceAndNoSampleTwice() {
    let lines = MetricsText.render(.sample, isReady: true).split(separator: "\n")
    let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
    let series = lines.filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ")[0] }
    #expect(Set(types).count == types.count)
    #expect(Set(series).count == series.count)
    let names = series.map { $0.prefix { $0 != "{" } }
    #expect(Set(names) == Set(types))
  }

  @Test func labelsAreEscapedAndNumbersSpelled() {
    var page = MetricsPage()
    page.gauge("a", "b", [(["l": "x\"y\\z\n"], .infinity), ([:], 1e300), ([:], .nan), ([:], -0.5)])
    #expect(page.text.hasSuffix("a{l=\"x\\\"y\\\\z\\n\"} +Inf\na 1e+300\na NaN\na -0.5\n"))
  }
}
