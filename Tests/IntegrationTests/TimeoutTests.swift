import Pool
import TestSupport
import Testing

@Suite struct TimeoutTests {
  @Test func aStuckRequestIsAnswered504AndItsWorkerReplaced() async throws {
    var setup = Setup()
    setup.pool = ["request_timeout: 500ms", "stop: {drain: 5s, terminate: 300ms}"]
    try await withMasterpool(setup) { masterpool in
      let load = Load(Load.Plan(masterpool.address, connections: 1, requests: [.get(bytes: 100, "&ms=2")]))
      let hung = try await request("POST", "/work?hang=1", at: masterpool.address)
      #expect(hung.status == 504)
      let exit = try await masterpool.event("the stuck worker's exit") { $0.kind == .exit }
      #expect(exit.exit?.reason == .stuck)
      try await masterpool.events(3, "workers ready") { $0.kind == .ready }
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
    }
  }

  @Test func memoryOverTheHardLimitCutsAWorkerOff() async throws {
    var setup = Setup()
    setup.pool = ["recycle: {memory_limit: 120MiB}", "stop: {drain: 10m, terminate: 300ms}"]
    try await withMasterpool(setup) { masterpool in
      // It would go on for ever; the drain is not waited for.
      async let glutton = request("POST", "/work?leak=300MiB&hang=1", at: masterpool.address, within: .seconds(60))
      let exit = try await masterpool.event("the glutton's exit") { $0.kind == .exit }
      #expect(exit.exit?.reason == .memoryLimit)
      #expect((exit.exit?.memoryAtDeathBytes ?? 0) > 120 << 20, "\(exit)")
      #expect(try await glutton.status == 502)
    }
  }

  @Test func aFullOrLateQueueIsRefusedWithRetryAfter() async throws {
    var setup = Setup()
    setup.workers = 1
    setup.pool = ["queue: {limit: 1, timeout: 400ms}", "stop: {drain: 1s, terminate: 300ms}"]
    try await withMasterpool(setup) { masterpool in
      var plan = Load.Plan(masterpool.address, connections: 4, requests: [.get(bytes: 10, "&ms=1000")])
      plan.total = 8
      let report = try await Load(plan).finished()
      #expect(report.lost == 0, "\(report)")
      #expect(Set(report.statuses.keys) == [200, 503], "\(report)")
      // The proxy tells its counters a moment later.
      try await masterpool.status("the refused are counted") { $0.pools.first?.shedTotal == report.statuses[503] }
    }
  }
}
