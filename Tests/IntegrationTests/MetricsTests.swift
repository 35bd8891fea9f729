import Foundation
import Pool
import TestSupport
import Testing

/// `/metrics` of the running program: what it counts is what its clients saw, and Prometheus' own tool finds it good.
@Suite struct MetricsTests {
  private static let routes = [
    "{path: /catalog, allow: any, pool: stubs, priority: catalog}",
    "{path: /report, allow: any, pool: stubs, priority: report}",
    "{path: /work, allow: any, pool: stubs}",
  ]

  private static func setup(_ folder: String) async throws -> Setup {
    var setup = Setup()
    setup.certificates = try await Certificates.make(in: folder, clients: ["a.example"])
    setup.routes = routes
    setup.pool = ["recycle: {every: off, min_age: 0s}"]
    return setup
  }

  private func withMetered(_ body: (Masterpool, Certificates) async throws -> Void) async throws {
    try await withTemporaryDirectory { scratch in
      let setup = try await Self.setup(scratch)
      let certificates = try #require(setup.certificates)
      try await withMasterpool(setup) { try await body($0, certificates) }
    }
  }

  /// A proxy tells its counts once a second.
  private func scrape(_ control: String, _ waitedFor: String, until isSo: (Scrape) -> Bool) async throws
    -> Scrape
  {
    let deadline = Deadline.patient
    var last: Scrape?
    while !deadline.passed {
      let scrape = try await Scrape(at: control)
      if isSo(scrape) { return scrape }
      last = scrape
      try await Task.sleep(for: .milliseconds(100))
    }
    throw TimedOut("\(waitedFor):\n\(last?.text ?? "no answer")")
  }

  private func load(_ count: Int, _ target: String, at address: Address, _ client: TLSClient) async throws -> Int {
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<count { group.addTask { try await request("GET", target, at: address, tls: client).status } }
      return try await group.reduce(0) { $0 + ($1 == 200 ? 1 : 0) }
    }
  }

  @Test func sumsAreWhatClientsSaw() async throws {
    try await withMetered { masterpool, certificates in
      let client = try certificates.client("a.example")
      let started = ContinuousClock.now
      let catalogs = try await load(12, "/catalog?ms=60", at: masterpool.address, client)
      let reports = try await load(7, "/report?ms=1", at: masterpool.address, client)
      let others = try await load(5, "/work", at: masterpool.address, client)
      #expect(catalogs == 12 && reports == 7 && others == 5)
      #expect(try await request("GET", "/nowhere", at: masterpool.address, tls: client).status == 403)
      let elapsed = (ContinuousClock.now - started) / .seconds(1)
      let seen = try await scrape(masterpool.controlSocket, "all of them") {
        $0.sum("masterpool_proxy_requests_total") == 25
      }
      for name in ["request", "queue", "worker"] {
        let family = "masterpool_\(name)_duration_seconds"
        for (label, count) in [("catalog", 12.0), ("report", 7), ("normal", 5), ("file", 0)] {
          #expect(seen.sum("\(family)_count", "class=\"\(label)\"") == count, "\(name) \(label)")
          #expect(seen.sum("\(family)_bucket", "class=\"\(label)\"", "le=\"+Inf\"") == count, "\(name) \(label)")
        }
      }
      // Two workers at one request each: twelve of 60 ms are six turns, and those behind the first two wait.
      let worked = try #require(seen.sum("masterpool_worker_duration_seconds_sum", "class=\"catalog\""))
      #expect(worked >= 12 * 0.06 && worked <= 2 * elapsed, "\(worked)")
      #expect(seen.sum("masterpool_worker_duration_seconds_bucket", "class=\"catalog\"", "le=\"0.05\"") == 0)
      let queued = try #require(seen.sum("masterpool_queue_duration_seconds_sum", "class=\"catalog\""))
      let whole = try #require(seen.sum("masterpool_request_duration_seconds_sum", "class=\"catalog\""))
      #expect(queued >= (0.06 * 2) * (1 + 2 + 3 + 4 + 5) * 0.9, "\(queued)")
      #expect(whole >= worked + queued - 0.01 && whole <= 12 * elapsed, "\(whole)")
      #expect(seen.sum("masterpool_proxy_responses_total", "class=\"2xx\"") == 24)
      #expect(seen.sum("masterpool_proxy_responses_total", "class=\"4xx\"") == 1)
      #expect(seen.sum("masterpool_tls_handshakes_total") == 25)
    }
  }

  @Test func whatIsRefusedAndRestartedIsCountedByItsReason() async throws {
    try await withMetered { masterpool, certificates in
      for intruder in [
        try certificates.client(nil), try certificates.stranger("a.example"),
        try certificates.client(Certificates.revokedName),
      ] {
        await #expect(throws: (any Error).self) {
          try await request("GET", "/work", at: masterpool.address, tls: intruder)
        }
      }
      let address = masterpool.address
      _ = try? await request("GET", "/work", at: address)
      let refused = try await scrape(masterpool.controlSocket, "four failures") {
        $0.sum("masterpool_tls_failures_total") == 4
      }
      for cause in ["no_certificate", "unknown_ca", "revoked", "protocol"] {
        #expect(refused.sum("masterpool_tls_failures_total", "cause=\"\(cause)\"") == 1, "\(cause)")
      }
      for (kind, days) in [("certificate", 30.0), ("client_ca", 30), ("client_crl", 30)] {
        let end = try #require(
          refused.sum("masterpool_certificate_expires_timestamp_seconds", "kind=\"\(kind)\""), "\(kind)")
        #expect(abs(end - Date().timeIntervalSince1970 - days * 86400) < 3600, "\(kind)")
      }
      #expect(try await masterpool.cli("restart", "stubs/0", "--wait").status == .exited(0))
      let restarted = try await scrape(masterpool.controlSocket, "the restart") {
        $0.sum("masterpool_restarts_total", "reason=\"manual\"") == 1
      }
      #expect(restarted.sum("masterpool_restarts_total") == 1)
      #expect(restarted.sum("masterpool_wipes_total") == 1)
      #expect(restarted.sum("masterpool_wipe_failures_total") == 0)
    }
  }

  /// Neither a new proxy, after a crash or for new settings, nor a new worker takes anything back.
  @Test func noCounterFallsWhateverEnds() async throws {
    try await withMetered { masterpool, certificates in
      let client = try certificates.client("a.example")
      #expect(try await load(6, "/catalog", at: masterpool.address, client) == 6)
      let first = try await scrape(masterpool.controlSocket, "six") {
        $0.sum("masterpool_request_duration_seconds_count", "class=\"catalog\"") == 6
      }
      let proxy = try #require(try await masterpool.status().proxy)
      kill(proxy.pid, SIGKILL)
      try await masterpool.status("another proxy") { ($0.proxy?.generation ?? 0) > proxy.generation }
      #expect(try await load(4, "/catalog", at: masterpool.address, client) == 4)
      let second = try await scrape(masterpool.controlSocket, "ten") {
        $0.sum("masterpool_request_duration_seconds_count", "class=\"catalog\"") == 10
      }
      #expect(second.sum("masterpool_proxy_restarts_total") == 1)
      #expect(second.sum("masterpool_tls_handshakes_total") == 10)
      for (series, value) in first.samples where series.contains(#/^[a-z_]*(_total|_bucket|_sum|_count)(\{|$)/#) {
        #expect(second.samples[series] ?? -1 >= value, "\(series)")
      }
    }
  }

  /// Nor does another supervisor that takes the place of one that was killed.
  @Test func noCounterFallsWhenTheSupervisorDies() async throws {
    try await withTemporaryDirectory { scratch in
      let setup = try await Self.setup(scratch)
      let client = try #require(setup.certificates).client("a.example")
      let control = "\(scratch)/run/control.sock"
      let (first, status) = try await startFirst(setup.yaml(directory: scratch), in: scratch)
      let address = try address(status)
      #expect(try await load(5, "/catalog", at: address, client) == 5)
      let restart = try await TestSupport.run(
        Programs.masterpool, ["restart", "stubs/0", "--wait", "--control", control])
      #expect(restart.status == .exited(0), "\(restart.errors)")
      let before = try await scrape(control, "five, and a restart") {
        $0.sum("masterpool_request_duration_seconds_count", "class=\"catalog\"") == 5
          && $0.sum("masterpool_restarts_total", "reason=\"manual\"") == 1
      }
      try await murder(first)
      let (second, _) = try await startFirst(setup.yaml(directory: scratch), in: scratch)
      let after = try await scrape(control, "the same") {
        $0.sum("masterpool_request_duration_seconds_count", "class=\"catalog\"") == 5
      }
      for family in ["masterpool_restarts_total", "masterpool_wipes_total", "masterpool_tls_handshakes_total"] {
        #expect(after.sum(family) == before.sum(family), "\(family)")
      }
      #expect(after.sum("masterpool_certificate_expires_timestamp_seconds") != nil)
      second.send(SIGTERM)
      #expect(try await second.end() == .exited(0))
    }
  }

  @Test func promtoolFindsNothingToComplainOf() async throws {
    try await withMetered { masterpool, certificates in
      let client = try certificates.client("a.example")
      async let busy = load(30, "/catalog?ms=20", at: masterpool.address, client)
      _ = try await scrape(masterpool.controlSocket, "some load") {
        ($0.sum("masterpool_request_duration_seconds_count") ?? 0) > 0
      }
      let plain = try await Scrape(at: masterpool.controlSocket)
      let file = "\(masterpool.directory)/metrics.txt"
      try plain.text.write(toFile: file)
      let verdict = try await TestSupport.run("/bin/sh", ["-c", "exec promtool check metrics <'\(file)'"])
      #expect(verdict.status == .exited(0), "\(verdict.errors) \(verdict.output)")
      #expect(verdict.errors + verdict.output == "")
      try await expectOpenMetrics(masterpool)
      #expect(try await busy == 30)
    }
  }

  /// promtool checks only the plain format; but it takes OpenMetrics in, where each sample has its time, and is strict.
  private func expectOpenMetrics(_ masterpool: Masterpool) async throws {
    let open = try await Scrape(at: masterpool.controlSocket, accept: "application/openmetrics-text;version=1.0.0")
    #expect(open.text.hasSuffix("\n# EOF\n"))
    let timed = open.text.split(separator: "\n").map { $0.hasPrefix("#") ? String($0) : "\($0) 1700000000" }
    let folder = masterpool.directory
    try (timed.joined(separator: "\n") + "\n").write(toFile: "\(folder)/open.txt")
    try (timed.dropLast().joined(separator: "\n") + "\n").write(toFile: "\(folder)/cut.txt")
    let arguments = ["tsdb", "create-blocks-from", "openmetrics"]
    let taken = try await TestSupport.run(
      "/usr/bin/promtool", arguments + ["\(folder)/open.txt", "\(folder)/blocks"])
    #expect(taken.status == .exited(0), "\(taken.errors) \(taken.output)")
    let cut = try await TestSupport.run("/usr/bin/promtool", arguments + ["\(folder)/cut.txt", "\(folder)/none"])
    #expect(cut.status != .exited(0), "a page without its end is no page")
  }
}
