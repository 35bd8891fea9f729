import Foundation
import Pool
import TestSupport
import Testing

/// Workers that hang, and workers that only take their time.
@Suite struct StuckTests {
  static let watchful = [
    "stuck: {factor: 2, at_least: 500ms, samples: 5, look: 300ms}", "stop: {drain: 5s, terminate: 300ms}",
    "request_timeout: 60s",
  ]

  private func teach(_ masterpool: Masterpool, _ tls: TLSClient? = nil) async throws {
    for _ in 0..<5 {
      let status = try await request("GET", "/work?bytes=5", at: masterpool.address, tls: tls).status
      #expect(status == 200)
    }
  }

  @Test func aHungWorkerIsSeenThroughAndABusyOneLeftAlone() async throws {
    var setup = Setup()
    setup.pool = Self.watchful
    try await withMasterpool(setup) { masterpool in
      try await teach(masterpool)
      async let busy = request("POST", "/work?spin=6000&bytes=7", at: masterpool.address)
      _ = try await masterpool.status("the busy one") { $0.pools[0].workers.contains { $0.requestsInFlight == 1 } }
      let hung = try await request("POST", "/work?hang=1", at: masterpool.address)
      #expect(hung.status == 504)

      let suspects = try await masterpool.events(2, "suspects") { $0.kind == .stuck }
      let words = suspects[0].message
      #expect(words.contains("has been at POST /work for ") && words.hasSuffix(" is suspect"), "\(words)")
      #expect(suspects[0].capture?.hasPrefix("process ") == true)
      let exit = try await masterpool.event("the stuck worker's exit") { $0.kind == .exit }
      #expect(exit.exit?.reason == .stuck)
      #expect(exit.exit?.measured?.hasPrefix("a request of ") == true)
      #expect(exit.exit?.requestsLost == 1)
      let capture = try #require(exit.capture)
      #expect(capture.hasPrefix("It did nothing for "))
      #expect(capture.contains("state S, waits in "), "\(capture)")

      // Suspect too, but it works: it may go on until it is done.
      let answer = try await busy
      #expect(answer.status == 200 && answer.body == patternBytes(7))
      let reasons = masterpool.exits.map(\.exit?.reason)
      #expect(reasons == [.stuck])
      let told = try await masterpool.cli("events", "--json", "--limit", "1000").output
      #expect(told.contains("\"It did nothing for "))
      let pool = try await masterpool.status().pools[0]
      #expect(pool.suspectsTotal >= 2 && pool.stuckTotal == 1)
    }
  }

  /// Idle since it has answered, and suspect still by what was told a moment ago.
  @Test func oneThatHasJustFinishedIsNotTakenForStuck() async throws {
    var setup = Setup()
    setup.workers = 1
    setup.pool = Self.watchful
    try await withMasterpool(setup) { masterpool in
      try await teach(masterpool)
      let answer = try await request("POST", "/work?spin=2500&bytes=7", at: masterpool.address)
      #expect(answer.status == 200)
      // Longer than a suspicion lasts without being told again.
      try await Task.sleep(for: .seconds(4))
      let pool = try await masterpool.status().pools[0]
      #expect(pool.suspectsTotal >= 1 && pool.stuckTotal == 0 && pool.workers.map(\.generation) == [1])
    }
  }

  /// Its request goes to another: it was the worker that was at fault.
  @Test func aStoppedProcessLosesNothingThatMayBeRepeated() async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      // It is stopped before it is suspect.
      setup.pool = Self.watchful.map { $0.replacing("at_least: 500ms", with: "at_least: 5s") }
      try await withMasterpool(setup) { masterpool in
        try await teach(masterpool)
        async let slow = request("GET", "/work?ms=30000&once=\(scratch)/first", at: masterpool.address)
        let status = try await masterpool.status("the slow one") { status in
          status.pools[0].workers.contains { $0.requestsInFlight == 1 }
        }
        let busy = status.pools[0].workers.first { $0.requestsInFlight == 1 }
        kill(try #require(busy?.pid), SIGSTOP)
        #expect(try await slow.status == 200)
        let exit = try await masterpool.event("the stopped worker's exit") { $0.kind == .exit }
        #expect(exit.exit?.reason == .stuck)
        #expect(exit.exit?.requestsLost == 0)
        #expect(exit.capture?.contains("State: T (stopped)") == true)
      }
    }
  }

  /// The hard limits too leave a trace.
  @Test(arguments: [
    ["request_timeout: 500ms", "stuck: {factor: off}"], ["alive: {every: 200ms, timeout: 200ms, failures: 2}"],
  ]) func whatIsStoppedForOtherSignsIsCapturedToo(_ pool: [String]) async throws {
    var setup = Setup()
    setup.pool = pool + ["stop: {drain: 5s, terminate: 300ms}"]
    try await withMasterpool(setup) { masterpool in
      if pool[0].hasPrefix("alive") {
        kill(try #require(try await masterpool.workers().first?.pid), SIGSTOP)
      } else {
        #expect(try await request("POST", "/work?hang=1", at: masterpool.address).status == 504)
      }
      let exit = try await masterpool.event("its exit") { $0.kind == .exit }
      #expect(exit.exit?.reason == (pool[0].hasPrefix("alive") ? .unhealthy : .stuck))
      #expect(exit.capture?.hasPrefix("process \(exit.exit?.pid ?? 0): ") == true)
    }
  }

  // MARK: Quarantine

  private static let names = ["wedge.example", "good.example"]

  private func withNodes(
    _ more: [String], _ body: @escaping @Sendable (Masterpool, TLSClient, TLSClient) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      setup.workers = 3
      let certificates = try await Certificates.make(in: "\(scratch)/ca", clients: Self.names)
      setup.certificates = certificates
      setup.pool = ["request_timeout: 4s", "stop: {drain: 5s, terminate: 300ms}"] + more
      try await withMasterpool(setup) { masterpool in
        try await body(masterpool, try certificates.client(Self.names[0]), try certificates.client(Self.names[1]))
      }
    }
  }

  @Test func aNodeThatWedgesWorkersGetsOneUntilItIsReleased() async throws {
    try await withNodes(["quarantine: {strikes: 2, within: 1h, for: 4h}"]) { masterpool, wedge, good in
      async let first = request("POST", "/work?hang=1", at: masterpool.address, tls: wedge).status
      async let second = request("POST", "/work?hang=1", at: masterpool.address, tls: wedge).status
      let statuses = try await [first, second]
      #expect(statuses == [504, 504])
      let begun = try await masterpool.event("the quarantine") { $0.kind == .quarantine }
      #expect(begun.message.hasPrefix("wedge.example is quarantined in stubs for 4h"))
      try await masterpool.events(5, "workers ready") { $0.kind == .ready }
      #expect(try await masterpool.status().pools[0].quarantined == ["wedge.example"])
      try await expectConfined(masterpool, wedge, good)

      // It outlives the proxy that was told, a reload,
      kill(try #require(try await masterpool.status().proxy?.pid), SIGKILL)
      try await expectConfined(masterpool, wedge, good)
      let yaml = try String(contentsOfFile: masterpool.settingsFile, encoding: .utf8)
      try masterpool.rewrite(yaml: yaml.replacing("pools:\n", with: "proxy:\n  body_grace: 19s\npools:\n"))
      #expect(try await masterpool.cli("reload").status == .exited(0))
      try await expectConfined(masterpool, wedge, good)

      // and the supervisor.
      let upgraded = try await masterpool.cli("upgrade")
      #expect(upgraded.status == .exited(0), "\(upgraded.errors)")
      try await expectConfined(masterpool, wedge, good)

      let released = try await masterpool.cli("release", "wedge.example")
      #expect(released.status == .exited(0), "\(released.errors)")
      #expect(try await masterpool.status().pools[0].quarantined == [])
      let again = try await masterpool.cli("release", "wedge.example")
      #expect(again.status == .exited(1) && again.errors.contains("not quarantined"), "\(again)")
    }
  }

  @Test func aQuarantineEnds() async throws {
    try await withNodes(["quarantine: {strikes: 1, within: 1h, for: 1s}"]) { masterpool, wedge, _ in
      #expect(try await request("POST", "/work?hang=1", at: masterpool.address, tls: wedge).status == 504)
      try await masterpool.event("its end") { $0.kind == .quarantine && $0.message.contains("no more") }
      #expect(try await masterpool.status().pools[0].quarantined == [])
    }
  }

  /// Three workers are free: of two requests of the quarantined node one waits, and another node's does not.
  private func expectConfined(_ masterpool: Masterpool, _ wedge: TLSClient, _ good: TLSClient) async throws {
    try await withTemporaryDirectory { scratch in
      try await withThrowingTaskGroup { group in
        for _ in 0..<2 {
          group.addTask {
            let status = try await request(
              "GET", "/work?until=\(scratch)/go", at: masterpool.address, tls: wedge, within: .seconds(60)
            ).status
            #expect(status == 200 || status == 504)
          }
        }
        _ = try await masterpool.status("one in line, one served") { status in
          let pool = status.pools[0]
          return pool.quarantinedWaiting == 1 && pool.workers.reduce(0) { $0 + $1.requestsInFlight } == 1
        }
        let status = try await request("GET", "/work?bytes=5", at: masterpool.address, tls: good).status
        #expect(status == 200)
        try "".write(toFile: "\(scratch)/go")
        try await group.waitForAll()
      }
    }
  }
}
