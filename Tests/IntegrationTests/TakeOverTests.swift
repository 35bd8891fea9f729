import Foundation
import Pool
import TestSupport
import Testing

/// The supervisor is killed: proxy and workers go on, and so does whoever comes next.
@Suite struct TakeOverTests {
  @Test func underLoadNothingIsLostAndEverybodyGoesOn() async throws {
    var setup = Setup()
    setup.workers = 3
    try await withTemporaryDirectory { directory in
      let yaml = setup.yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      let load = Load(
        Load.Plan(
          try address(before), connections: 4,
          // They print, too, less than a pipe holds in all: what nobody reads must neither break nor hold them.
          requests: [.get(bytes: 100, "&ms=3&print=1&length=20"), .get(bytes: 30000), .post(bytes: 5000)]))
      try await load.reached(200)
      // Twice in a row, and the second before anybody could have read what the first has left.
      try await murder(first)
      try await load.reached(400)
      let (second, _) = try await startFirst(yaml, in: directory)
      try await murder(second)
      try await load.reached(600)
      try await withMasterpool(yaml: yaml, in: directory, setup) { third in
        let after = try await third.status("the proxy serves") { $0.proxy != nil && $0.state == "running" }
        #expect(after.proxy?.pid == before.proxy?.pid && after.proxy?.generation == before.proxy?.generation)
        #expect(pids(after) == pids(before))
        let generations = after.pools.flatMap(\.workers).map(\.generation)
        #expect(generations == [1, 1, 1])
        let younger = after.pools.flatMap(\.workers).filter { worker in
          let former = before.pools.flatMap(\.workers).first { $0.slot == worker.slot }
          return (worker.ageSeconds ?? 0) <= (former?.ageSeconds ?? 0)
        }
        #expect(younger.isEmpty, "ages go on")
        try await load.reached(load.report.completed + 300)

        // A recycle of each, by the new one.
        let restarted = try await third.cli("restart", "--wait")
        #expect(restarted.status == .exited(0), "\(restarted)")
        try await third.events(3, "exits") { $0.kind == .exit }
        let exits = third.exits.compactMap(\.exit)
        let bad = exits.filter { $0.reason != .manual || $0.requestsServed == 0 || $0.requestsLost > 0 }
        #expect(exits.count == 3 && bad.isEmpty, "\(exits)")
        let served = exits.map(\.requestsServed).reduce(0, +)
        #expect(served >= 600, "what was counted under the earlier ones is in the rows: \(served)")
        try await load.reached(load.report.completed + 300)

        // And a proxy that dies after that is replaced on the same listeners.
        let report = try await load.stop()
        #expect(report.failures == 0, "\(report)")
        if let pid = after.proxy?.pid { kill(pid, SIGKILL) }
        try await third.status("another proxy") {
          $0.proxy.map { $0.pid != after.proxy?.pid && $0.threads > 0 } ?? false
        }
        #expect(try await request("GET", "/work", at: try address(after)).status == 200)
      }
    }
  }

  @Test func aWorkerAndAProxyThatDiedMeanwhileAreReplaced() async throws {
    let setup = Setup()
    try await withTemporaryDirectory { directory in
      let port = try freePort()
      let yaml = setup.yaml(directory: directory).replacing("127.0.0.1:0", with: "127.0.0.1:\(port)")
      let (first, before) = try await startFirst(yaml, in: directory)
      try await murder(first)
      let victim = try #require(before.pools.first?.workers.first)
      kill(try #require(victim.pid), SIGKILL)
      kill(try #require(before.proxy?.pid), SIGKILL)
      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        let exit = try await second.event("the exit") { $0.kind == .exit }
        #expect(exit.slot == victim.slot && exit.generation == 1)
        #expect(exit.exit?.reason == .crash && exit.exit?.status == "unknown")
        let after = try await second.status("both are back") { status in
          status.proxy != nil && status.pools.allSatisfy { $0.ready == $0.size }
        }
        #expect(after.proxy?.generation == 2)
        let generations = after.pools.flatMap(\.workers).filter { $0.state == "ready" }.map(\.generation).sorted()
        #expect(generations == [1, 2])
        #expect(try await request("GET", "/work", at: .port(port)).status == 200)
        #expect(second.exits.count == 1, "wiped once")
      }
    }
  }

  @Test func aWorkerThatTheProxyKnowsHasPassedItsProbeThoughTheStateDoesNotSayIt() async throws {
    let setup = Setup()
    try await withTemporaryDirectory { directory in
      let yaml = setup.yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      try await murder(first)
      let file = "\(directory)/run/state.json"
      let state = try String(contentsOfFile: file, encoding: .utf8)
      try state.replacing(#""state":"ready""#, with: #""state":"starting""#).write(toFile: file)
      // Its probe would be in vain.
      let busy = try #require(before.pools.first?.workers.first?.pid)
      kill(busy, SIGSTOP)
      defer { kill(busy, SIGCONT) }
      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        let after = try await second.status("all are ready") { $0.pools.allSatisfy { $0.ready == $0.size } }
        #expect(pids(after) == pids(before))
        kill(busy, SIGCONT)
        #expect(try await second.cli("restart", "--wait").status == .exited(0))
        #expect(try await request("GET", "/work", at: try address(after)).status == 200)
      }
    }
  }

  @Test func aCommandThatWasAcceptedHoldsThoughTheSupervisorIsKilledAtOnce() async throws {
    let setup = Setup()
    try await withTemporaryDirectory { directory in
      let yaml = setup.yaml(directory: directory)
      let (first, _) = try await startFirst(yaml, in: directory)
      let pool = try #require(PoolName(rawValue: "stubs"))
      let drain = try JSONEncoder().encode(ControlCommand.drain(SlotID(pool: pool, index: 0)))
      let reply = try await request(
        "POST", "/v1/commands", headers: [("Content-Type", "application/json")], body: [UInt8](drain),
        at: .unix("\(directory)/run/control.sock"))
      first.send(SIGKILL)
      #expect(reply.status == 200, "\(reply.text)")
      #expect(try await first.end() == .signalled(SIGKILL))
      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        let after = try await second.status("everybody is known") { $0.pools.flatMap(\.workers).count == 2 }
        #expect(after.pools.flatMap(\.workers).map(\.state) == ["drained", "ready"])
      }
    }
  }

  @Test func aRecycleUnderWayIsFinished() async throws {
    var setup = Setup()
    setup.pool = ["stop: {drain: 30s, terminate: 5s}"]
    try await withTemporaryDirectory { directory in
      let yaml = setup.yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      let address = try address(before)
      // Each worker holds one for a while, so that the first cannot be drained before the supervisor is dead.
      let one = Task { try await request("GET", "/work?ms=6000", at: address).status }
      let other = Task { try await request("GET", "/work?ms=6000", at: address).status }
      _ = try await status(in: directory) { $0.pools.flatMap(\.workers).allSatisfy { $0.requestsInFlight == 1 } }
      _ = try await run(
        Programs.masterpool, ["restart", "stubs/0", "--control", "\(directory)/run/control.sock"])
      _ = try await status(in: directory) { $0.pools.flatMap(\.workers).contains { $0.state == "draining" } }
      try await murder(first)
      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        let exit = try await second.event("the exit") { $0.kind == .exit }
        #expect(exit.slot == 0 && exit.generation == 1 && exit.exit?.reason == .manual)
        #expect(exit.exit?.requestsLost == 0 && (exit.exit?.drainSeconds ?? 0) > 0)
        let oneStatus = try await one.value
        let otherStatus = try await other.value
        #expect(oneStatus == 200 && otherStatus == 200)
        let after = try await second.status("two workers") { $0.pools.flatMap(\.workers).count == 2 }
        #expect(after.pools.flatMap(\.workers).map(\.generation) == [2, 1])
        let spawns = second.events.filter { $0.kind == .spawn && $0.slot == 0 && $0.generation == 2 }
        #expect(spawns.count <= 1, "nothing is started twice")
      }
    }
  }

  /// What cannot be believed: everything is ended, and a new start.
  @Test(arguments: ["{\"format\":1,\"boot", "{\"format\":99,\"bootID\":\"x\"}", "reboot", ""])
  func aStateThatIsDamagedForeignOrOldIsToldAndNothingIsTakenOver(_ text: String) async throws {
    try await withTemporaryDirectory { directory in
      let yaml = Setup().yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      try await murder(first)
      let file = "\(directory)/run/state.json"
      var state = text
      if text == "reboot" {
        let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        state = try String(contentsOfFile: file, encoding: .utf8)
          .replacing(boot.split(separator: "\n")[0], with: "of-another-day")
      }
      try state.write(toFile: file)
      let left = Processes.marked("MASTERPOOL_TEST=\(directory)")
      try await withMasterpool(yaml: yaml, in: directory) { second in
        let living = Set(Processes.marked("MASTERPOOL_TEST=\(directory)"))
        #expect(living.isDisjoint(with: left), "what was left is gone")
        let messages = second.events.map(\.message)
        let why = messages.filter { $0.hasPrefix("starting anew") }
        let ended = messages.filter { $0.contains("left by an earlier supervisor") }
        #expect(why.count == 1 && ended.count == 3, "\(messages)")
        let after = try await second.status()
        #expect(Set(pids(after)).isDisjoint(with: pids(before)))
        #expect(try await request("GET", "/work", at: second.address).status == 200)
      }
    }
  }

  /// The numbers of dead processes are other processes' by now: as if they had been given to these.
  @Test func aReusedNumberIsNobodyOfOurs() async throws {
    try await withTemporaryDirectory { directory in
      let yaml = Setup().yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      try await murder(first)
      let stranger = try Child("/bin/sleep", ["1000"])
      let victim = try #require(before.pools.first?.workers.first?.pid)
      kill(victim, SIGKILL)
      let file = "\(directory)/run/state.json"
      try String(contentsOfFile: file, encoding: .utf8)
        .replacing("\"pid\":\(victim),", with: "\"pid\":\(stranger.pid),")
        .replacing("\"pid\":\(victim)}", with: "\"pid\":\(stranger.pid)}").write(toFile: file)
      try await withMasterpool(yaml: yaml, in: directory) { second in
        try await second.event("the exit") { $0.kind == .exit && $0.exit?.status == "unknown" }
        try await second.status("two workers") { $0.pools.allSatisfy { $0.ready == $0.size } }
        #expect(stranger.ended == nil)
      }
      #expect(stranger.ended == nil)
      stranger.send(SIGKILL)
      _ = try await stranger.end()
    }
  }

  @Test func otherSettingsByThenComeInForceAsByAReload() async throws {
    var setup = Setup()
    setup.pools = setup.stubPool("others", workers: 1)
    setup.routes = ["{path: /others, allow: any, pool: others}", "{path: /, allow: any, pool: stubs}"]
    let extra = try freePort()
    setup.listeners = ["{address: 127.0.0.1:\(extra)}"]
    try await withTemporaryDirectory { directory in
      let (first, before) = try await startFirst(setup.yaml(directory: directory), in: directory)
      let kept = before.pools.filter { $0.name.rawValue == "stubs" }.flatMap(\.workers).compactMap(\.pid)
      try await murder(first)
      setup.pools = []
      setup.routes = []
      setup.listeners = []
      setup.workers = 3
      let yaml = setup.yaml(directory: directory)
      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        try await second.event("the settings") { $0.message.contains("settings after taking over") }
        let after = try await second.status("three workers and no others") { status in
          status.pools.count == 1 && status.pools[0].ready == 3
        }
        let missing = Set(kept).subtracting(pids(after))
        #expect(missing.isEmpty, "the workers that stay are not restarted")
        await #expect(throws: (any Error).self) { try await request("GET", "/work", at: .port(extra)) }
        #expect(try await request("GET", "/work", at: second.address).status == 200)
      }
    }
  }

  @Test func twoAtOnceAreOne() async throws {
    try await withTemporaryDirectory { directory in
      let yaml = Setup().yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      try await murder(first)
      try await withMasterpool(yaml: yaml, in: directory) { second in
        let third = try await run(Programs.masterpool, ["run", "--config", second.settingsFile])
        #expect(third.status == .exited(1) && third.errors.contains("another masterpool"), "\(third)")
        #expect(pids(try await second.status()) == pids(before))
      }
    }
  }
}
