import Foundation
import Pool
import TestSupport
import Testing

/// The operator's commands, by the real program over the control socket.
@Suite struct OperatorTests {
  @Test func drainTakesAWorkerOutAndResumeBringsItBack() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let drained = try await masterpool.cli("drain", "stubs/0")
      #expect(drained.status == .exited(0), "\(drained.errors)")
      try await masterpool.event("the drain") { $0.kind == .drain && $0.slot == 0 }
      #expect(try await servers(of: masterpool) == ["stubs/1#1"])
      let states = try await masterpool.workers().map(\.state)
      #expect(states == ["drained", "ready"])

      let resumed = try await masterpool.cli("resume", "stubs/0")
      #expect(resumed.status == .exited(0), "\(resumed.errors)")
      let back = try await masterpool.workers().map(\.state)
      #expect(back == ["ready", "ready"])
      #expect(try await servers(of: masterpool) == ["stubs/0#1", "stubs/1#1"])
    }
  }

  @Test func scaleStartsAndEndsWorkers() async throws {
    try await withMasterpool(Setup()) { masterpool in
      #expect(try await masterpool.cli("scale", "stubs", "4").status == .exited(0))
      try await masterpool.events(4, "workers ready") { $0.kind == .ready }
      #expect(try await servers(of: masterpool).count == 4)

      #expect(try await masterpool.cli("scale", "stubs", "1").status == .exited(0))
      let exits = try await masterpool.events(3, "exits") { $0.kind == .exit }
      #expect(exits.map(\.exit?.reason) == [.scale, .scale, .scale])
      #expect(Set(exits.compactMap(\.slot)) == [1, 2, 3])
      #expect(try await servers(of: masterpool) == ["stubs/0#1"])
    }
  }

  @Test func theStatusTellsWhatAWorkerIsAt() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let gate = "\(masterpool.directory)/gate"
      async let slow = request("POST", "/work/report?until=\(gate)&secret=1", at: masterpool.address)
      let busy = try await masterpool.status("a worker at work") { status in
        status.pools.flatMap(\.workers).contains { $0.current != nil }
      }
      let current = try #require(busy.pools.flatMap(\.workers).compactMap(\.current).first)
      #expect(current.request == "POST /work/report" && current.node == nil && current.ageSeconds > 0)
      #expect(try await masterpool.cli("status").output.contains("s POST /work/report\n"))
      try "".write(toFile: gate)
      #expect(try await slow.status == 200)
      try await masterpool.status("all idle") { $0.pools.flatMap(\.workers).allSatisfy { $0.current == nil } }
    }
  }

  @Test func restartReplacesWhatItNames() async throws {
    var setup = Setup()
    setup.workers = 3
    try await withMasterpool(setup) { masterpool in
      let one = try await masterpool.cli("restart", "stubs/2", "--wait")
      #expect(one.status == .exited(0), "\(one.errors)")
      #expect(try await masterpool.workers().map(\.generation) == [1, 1, 2])
      let all = try await masterpool.cli("restart", "--wait")
      #expect(all.status == .exited(0), "\(all.errors)")
      #expect(try await masterpool.workers().map(\.generation) == [2, 2, 3])
      #expect(try await masterpool.workers().map(\.lastRecycle?.reason) == [.manual, .manual, .manual])
    }
  }

  @Test func theLedgerHasOneWholeRowForEachEndedGeneration() async throws {
    var setup = Setup()
    setup.stubOptions = ["--cache", "{slot}/cache"]
    // Memory is measured once a second: the first of them, which goes after half the interval, must live to see it.
    setup.pool = ["recycle: {every: 5s, jitter: 30%}", "stop: {drain: 5s, terminate: 1s}"]
    try await withMasterpool(setup) { masterpool in
      let load = Load(Load.Plan(masterpool.address, connections: 2, requests: [.get(bytes: 10)]))
      try await masterpool.events(4, "exits") { $0.kind == .exit }
      let report = try await load.stop()
      let reply = try await masterpool.cli("events", "--json", "--limit", "10000")
      #expect(reply.status == .exited(0), "\(reply.errors)")
      let events = try JSONDecoder().decode([Event].self, from: Data(reply.output.utf8))
      #expect(events.map(\.id) == Array(1...max(1, events.count)), "numbered without gaps")

      let spawned = events.filter { $0.kind == .spawn }.map(Generations.init)
      let ended = events.filter { $0.kind == .exit }.map(Generations.init)
      #expect(Set(spawned).count == spawned.count && Set(ended).count == ended.count)
      #expect(Set(ended).isSubset(of: Set(spawned)))
      // At most one of each slot, and a successor that is on its way, live at any time.
      #expect(spawned.count - ended.count <= 2 * 2)
      for event in events where event.kind == .exit {
        let row = try #require(event.exit)
        #expect(row.reason == .timer && row.measured != nil && row.limit != nil, "\(event)")
        #expect(row.status == "exit 0" && row.pid != nil && row.ageSeconds > 0, "\(event)")
        #expect((row.memoryAtBirthBytes ?? 0) > 0 && (row.memoryAtDeathBytes ?? 0) > 0, "\(event)")
        #expect(row.requestsLost == 0 && row.drainSeconds != nil && row.wipedEntries > 0, "\(event)")
      }
      let served = events.compactMap(\.exit?.requestsServed).reduce(0, +)
      #expect(served > 0 && served <= report.completed)
    }
  }

  private struct Generations: Hashable {
    var slot: Int?
    var generation: Int?

    init(_ event: Event) { (slot, generation) = (event.slot, event.generation) }
  }

  @Test func statusSaysWhatRuns() async throws {
    try await withMasterpool(Setup()) { masterpool in
      _ = try await request("GET", "/work", at: masterpool.address)
      let json = try await masterpool.cli("status", "--json")
      let status = try JSONDecoder().decode(StatusDocument.self, from: Data(json.output.utf8))
      #expect(status.pid == masterpool.process.pid && status.state == "running")
      #expect(status.pools.map(\.name.rawValue) == ["stubs"] && status.pools.first?.ready == 2)
      let text = try await masterpool.cli("status")
      #expect(text.status == .exited(0))
      #expect(text.output.contains("stubs") && text.output.contains("ready"), "\(text.output)")
    }
  }

  @Test(arguments: [
    (["restart", "nosuch"], 1), (["drain", "stubs/7"], 1), (["drain", "stubs"], 64),
    (["scale", "stubs", "many"], 64),
    (["scale", "nosuch", "2"], 1), (["frobnicate"], 64),
  ])
  func aCommandThatCannotBeDoneIsRefused(arguments: [String], status: Int) async throws {
    try await withMasterpool(Setup()) { masterpool in
      let result = try await run(Programs.masterpool, arguments + ["--control", masterpool.controlSocket])
      #expect(result.status == .exited(Int32(status)), "\(result.errors)")
      #expect(!result.errors.isEmpty)
    }
  }

  @Test func withoutASupervisorClientsSaySo() async throws {
    let result = try await run(Programs.masterpool, ["status", "--control", "/tmp/no-such-control.sock"])
    #expect(result.status == .exited(69))
    #expect(result.errors.contains("/tmp/no-such-control.sock"))
  }

  /// Who answers now.
  private func servers(of masterpool: Masterpool) async throws -> Set<String> {
    var plan = Load.Plan(masterpool.address, connections: 4, requests: [.get(bytes: 10, "&ms=5")])
    plan.total = 40
    let report = try await Load(plan).finished()
    #expect(report.failures == 0, "\(report)")
    return Set(report.workers.keys)
  }
}
