import Foundation
import Pool
import TestSupport
import Testing

/// The promise of the whole program: workers come and go for every reason there is, and no agent notices.
@Suite struct RecyclingTests {
  @Test func noRequestIsLostThroughFiftyRecyclesOfMixedReasons() async throws {
    try await withTemporaryDirectory { scratch in
      try await withMasterpool(poolsForEachReason()) { masterpool in
        var plan = Load.Plan(
          masterpool.address, connections: 6, requests: mixedRequests(crashes: 6, scratch: scratch))
        plan.requestsPerConnection = 50
        let load = Load(plan)
        let quiet = Load(sickeningPlan(masterpool.address))
        for round in 1...3 {
          let reply = try await masterpool.cli("restart", "plain")
          #expect(reply.status == .exited(0), "\(reply.errors)")
          try await masterpool.events(2 * round, "exits of workers restarted by hand") { $0.exit?.reason == .manual }
        }
        for reason in [RecycleReason.timer, .memory, .requests, .manual, .crash, .unhealthy] {
          try await masterpool.event("an exit for \(reason.rawValue)") { $0.exit?.reason == reason }
        }
        try await masterpool.events(50, "exits", within: .seconds(90)) { $0.kind == .exit }
        try await load.reached(3000)
        let report = try await load.stop()
        let quietReport = try await quiet.stop()
        #expect(report.failures == 0, "\(report)")
        #expect(quietReport.failures == 0, "\(quietReport)")
        #expect(report.foundCaches.isEmpty, "\(report.foundCaches)")
        let lost = masterpool.exits.compactMap(\.exit?.requestsLost).reduce(0, +)
        #expect(lost == 0, "the ledger says so itself")
      }
    }
  }

  /// The same as agents come: over TLS with certificates, a connection for each run, catalogs asked by POST.
  @Test func agentsOverTLSLoseNothingEither() async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      let certificates = try await Certificates.make(in: scratch, clients: ["a.example"])
      setup.certificates = certificates
      setup.workers = 3
      setup.routes = [
        "{path: \"/catalog/{certname}\", allow: self, pool: stubs, retry: yes}",
        "{path: /, allow: authenticated, pool: stubs}",
      ]
      setup.pool = ["recycle: {every: 800ms, jitter: 50%}", "stop: {drain: 20s, terminate: 2s}"]
      try await withMasterpool(setup) { masterpool in
        let catalog = LoadRequest(
          "POST", "/catalog/a.example?ms=10&bytes=60000", body: patternBytes(30000), expect: .pattern(bytes: 60000))
        var plan = Load.Plan(
          masterpool.address, tls: try certificates.client("a.example"), connections: 4,
          requests: [catalog, .get(bytes: 500), .get(bytes: 9000), .post(bytes: 700)])
        plan.requestsPerConnection = 12
        let load = Load(plan)
        try await masterpool.events(15, "exits") { $0.kind == .exit }
        try await load.reached(500)
        let report = try await load.stop()
        #expect(report.failures == 0, "\(report)")
      }
    }
  }

  /// One pool goes by timer and by crashes, one by memory, one by requests, one by hand and one by failed probes.
  private func poolsForEachReason() -> Setup {
    let stop = "stop: {drain: 20s, terminate: 2s}"
    let cache = "cache: {wipe: [\"{slot}/cache\"]}"
    let options = ["--cache", "{slot}/cache"]
    var setup = Setup()
    setup.workers = 2
    setup.stubOptions = options
    setup.pool = ["recycle: {every: 1500ms, jitter: 50%, surge: 1, min_ready: 50%}", stop, cache]
    setup.pools =
      setup.stubPool(
        "leaky", workers: 2, options: options + ["--leak", "1MiB"],
        more: ["recycle: {every: off, memory: 60MiB, memory_limit: 1GiB, min_age: 0s}", stop, cache])
      + setup.stubPool(
        "counted", workers: 2, options: options,
        more: ["recycle: {every: off, requests: 60, min_age: 0s}", stop, cache])
      + setup.stubPool("plain", workers: 2, options: options, more: ["recycle: {every: off}", stop, cache])
      + setup.stubPool(
        "quiet", workers: 2,
        more: ["recycle: {every: off}", "alive: {path: /status, every: 100ms, timeout: 1s, failures: 2}", stop])
    setup.routes = ["leaky", "counted", "plain", "quiet"].map { "{path: /\($0)/, allow: any, pool: \($0)}" }
    setup.routes.append("{path: /, allow: any, pool: stubs}")
    return setup
  }

  private func mixedRequests(crashes: Int, scratch: String) -> [LoadRequest] {
    var requests: [LoadRequest] = [
      .get(bytes: 100), .post(bytes: 2000), .get(bytes: 20000, "&chunked=1"), .get(bytes: 300, "&ms=5&cache=2"),
      LoadRequest("GET", "/counted/work?bytes=10", expect: .pattern(bytes: 10)),
      LoadRequest("GET", "/leaky/work?bytes=1000", expect: .pattern(bytes: 1000)),
      LoadRequest("GET", "/plain/work?bytes=50&ms=3", expect: .pattern(bytes: 50)),
      LoadRequest("HEAD", "/work?bytes=500", expect: .pattern(bytes: 500)),
      .post(bytes: 100_000),
    ]
    requests = Array(repeating: requests, count: crashes).flatMap { $0 }
    for crash in 0..<crashes {
      // The first worker that sees it dies; the one after it answers.
      let target = "/work?crash=kill&once=\(scratch)/crash-\(crash)"
      requests.insert(LoadRequest("GET", target, expect: .pattern(bytes: 0)), at: crash * 10)
    }
    return requests
  }

  /// Seldom enough that a worker is idle, and so probed, and now and then one falls sick.
  private func sickeningPlan(_ address: Address) -> Load.Plan {
    var plan = Load.Plan(
      address, connections: 1,
      requests: Array(repeating: LoadRequest("GET", "/quiet/work?bytes=10", expect: .pattern(bytes: 10)), count: 4)
        + [
          LoadRequest("GET", "/quiet/work?bytes=10&sick=1", expect: .pattern(bytes: 10))
        ])
    plan.pause = .milliseconds(200)
    return plan
  }
}
