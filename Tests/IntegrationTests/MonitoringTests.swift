import Foundation
import TestSupport
import Testing

/// etc/prometheus and etc/grafana against the running program: what they ask for is there, and Prometheus' own tool
/// finds that each alert fires when it should and only then.
@Suite struct MonitoringTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  private static let alerts = "\(root)/etc/prometheus/alerts.yaml"
  private static let alertTests = "\(root)/etc/prometheus/alerts-test.yaml"

  private func content(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// Every `masterpool_…` in a text, by its name as a sample.
  private func metrics(in text: String) -> Set<String> {
    Set(text.matches(of: #/masterpool_[a-z0-9_]+/#).map { String($0.0) })
  }

  @Test func alertsFireWhenTheyShouldAndOnlyThen() async throws {
    for arguments in [["check", "rules", Self.alerts], ["test", "rules", Self.alertTests]] {
      let verdict = try await run("/usr/bin/promtool", arguments)
      #expect(verdict.status == .exited(0), "\(verdict.output) \(verdict.errors)")
      #expect(verdict.output.contains("SUCCESS"))
    }
    let names = try content(Self.alerts).matches(of: #/- alert: (\w+)/#).map { String($0.1) }
    let tests = try content(Self.alertTests)
    #expect(names.count > 20 && Set(names).count == names.count)
    for name in names {
      #expect(tests.contains("name: \(name) fires\n") && tests.contains("name: \(name) does not fire\n"), "\(name)")
    }
  }

  /// A rule whose condition never holds must fail its tests: they can fail.
  @Test func anAlertThatNeverFiresIsFound() async throws {
    try await withTemporaryDirectory { scratch in
      let broken = try content(Self.alerts).replacing("masterpool_ready == 0", with: "masterpool_ready == 7")
      try broken.write(toFile: "\(scratch)/alerts.yaml")
      try content(Self.alertTests).write(toFile: "\(scratch)/alerts-test.yaml")
      let verdict = try await run("/usr/bin/promtool", ["test", "rules", "\(scratch)/alerts-test.yaml"])
      #expect(verdict.status == .exited(1))
      #expect((verdict.output + verdict.errors).contains("MasterpoolNotReady"))
    }
  }

  @Test func everyExpressionOfTheDashboardIsSound() async throws {
    let expressions = try Dashboard().expressions
    #expect(expressions.count > 20)
    let rules = expressions.enumerated().map { index, text in
      let plain = text.replacing("$instance", with: ".*").replacing("$pool", with: ".*")
        .replacing("$__rate_interval", with: "5m")
      return "      - {record: 'panel:\(index)', expr: '\(plain)'}"
    }
    try await withTemporaryDirectory { scratch in
      let file = "\(scratch)/rules.yaml"
      try (["groups:", "  - name: panels", "    rules:"] + rules).joined(separator: "\n").write(toFile: file)
      let verdict = try await run("/usr/bin/promtool", ["check", "rules", file])
      #expect(verdict.status == .exited(0), "\(verdict.output) \(verdict.errors)")
      #expect(verdict.output.contains("\(expressions.count) rules found"), "\(verdict.output)")
    }
  }

  @Test func theDashboardIsOneThatGrafanaTakes() throws {
    let dashboard = try Dashboard()
    #expect(dashboard.variables == ["datasource", "instance", "pool"])
    #expect(Set(dashboard.ids).count == dashboard.ids.count)
    #expect(dashboard.sources == ["${datasource}"], "no panel names a data source of ours")
    for word in ["Readiness", "Restarts by reason", "Memory by slot", "Requests by status", "Queue", "Handshakes"] {
      #expect(dashboard.titles.contains(word), "\(word)")
    }
  }

  /// With everything set that has a metric.
  @Test func everyMetricThatTheyNameIsThere() async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      setup.certificates = try await Certificates.make(in: scratch, clients: ["a.example"])
      setup.pool = [
        "preload: yes", "memory_budget: 8GiB", "queue: {limit: 10}",
        "recycle: {every: 1h, memory: 1GiB, memory_limit: 2GiB, requests: 1000}",
      ]
      setup.top = ["notify: {receivers: [{name: ops, url: \"http://127.0.0.1:9/\"}]}"]
      let client = try #require(setup.certificates).client("a.example")
      try await withMasterpool(setup) { masterpool in
        #expect(try await request("GET", "/work", at: masterpool.address, tls: client).status == 200)
        try await masterpool.status("its count") { $0.proxy?.requestsTotal == 1 }
        // Memory is looked at now and then.
        try await masterpool.status("its memory") { status in
          status.pools.flatMap(\.workers).contains { $0.memoryBytes != nil }
        }
        let there = try await Scrape(at: masterpool.controlSocket).names
        let alerts = metrics(in: try content(Self.alerts))
        let panels = metrics(in: try Dashboard().text)
        #expect(alerts.count > 20 && panels.count > 20)
        for name in alerts.union(panels).sorted() { #expect(there.contains(name), "\(name) is in no scrape") }
        // And the tests of the alerts play nothing that does not exist.
        let played = metrics(in: try content(Self.alertTests))
        #expect(played.subtracting(there) == [])
      }
    }
  }

  /// etc/grafana/masterpool.json, as far as it matters here.
  private struct Dashboard {
    let text: String
    private let panels: [[String: Any]]
    let variables: [String]

    init() throws {
      text = try String(contentsOfFile: "\(MonitoringTests.root)/etc/grafana/masterpool.json", encoding: .utf8)
      let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      panels = try #require(json["panels"] as? [[String: Any]])
      let templating = json["templating"] as? [String: Any]
      variables = (templating?["list"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
    }

    var titles: [String] { panels.compactMap { $0["title"] as? String } }
    var ids: [Int] { panels.compactMap { $0["id"] as? Int } }
    private var targets: [[String: Any]] { panels.flatMap { $0["targets"] as? [[String: Any]] ?? [] } }
    var expressions: [String] { targets.compactMap { $0["expr"] as? String } }
    var sources: Set<String> {
      Set(
        (panels.filter { $0["type"] as? String != "row" } + targets).map { part in
          (part["datasource"] as? [String: Any])?["uid"] as? String ?? "none"
        })
    }
  }
}
