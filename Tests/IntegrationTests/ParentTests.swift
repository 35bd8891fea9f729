import Foundation
import Pool
import TestSupport
import Testing

/// Workers that are forked from a warm parent, and what becomes of them without it.
@Suite struct ParentTests {
  /// Two stubs that are forked, and say who they are.
  private func setup(
    _ options: [String] = [], pool: [String] = ["recycle: {every: off}"], parent: String? = nil
  ) -> Setup {
    var setup = Setup()
    setup.stubOptions = options
    setup.pool = ["preload: yes"] + (parent.map { ["parent: \($0)"] } ?? []) + pool
    return setup
  }

  private func ask(_ masterpool: Masterpool, _ target: String = "/work?bytes=10") async throws -> HTTPResponse {
    try await request("GET", target, at: masterpool.address)
  }

  private func parent(_ masterpool: Masterpool) throws -> pid_t {
    let text = masterpool.events.last { $0.kind == .parent && $0.message.contains(" started, pid ") }?.message
    let pid = text.flatMap { $0.split(separator: " ").last }.flatMap { pid_t($0) }
    return try #require(pid)
  }

  @Test func workersAreForkedAndAreTheSupervisorsOwnChildren() async throws {
    try await withMasterpool(setup()) { masterpool in
      let parent = try parent(masterpool)
      for worker in try await masterpool.workers() {
        let pid = try #require(worker.pid)
        #expect(Processes.parent(of: pid) == masterpool.process.pid)
        #expect(getpgid(pid) == pid)
        #expect(pid != parent)
        // Its standard ones, its listener and a connection: nothing of its parent's or siblings'.
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        #expect(descriptors <= 5)
      }
      let answer = try await ask(masterpool)
      #expect(answer.header("X-Born") == "forked")
      let others = masterpool.events.filter { $0.kind == .spawn && !$0.message.contains(" forked, pid ") }
      #expect(others.isEmpty)
    }
  }

  /// What a worker of its own process would have too: exit status, signals, output, wipes.
  @Test func aForkedWorkersEndIsSeenAsAnyOther() async throws {
    try await withMasterpool(setup()) { masterpool in
      _ = try await ask(masterpool, "/work?exit=3&print=1&length=77")
      let left = try await masterpool.event("an exit") { $0.kind == .exit }
      #expect(left.exit?.status == "exit 3")
      #expect(left.exit?.reason == .crash)
      #expect(masterpool.log.contains(String(repeating: "x", count: 77)))
      let pids = try await masterpool.workers().filter { $0.state == "ready" }.compactMap(\.pid)
      let victim = try #require(pids.first)
      // Not one that the stub's own runtime answers with a backtrace.
      kill(victim, SIGALRM)
      let crashed = try await masterpool.event("a crash") { $0.exit?.pid == victim }
      #expect(crashed.exit?.status.hasPrefix("SIGALRM") == true)
      try await masterpool.status("both forked again") { $0.pools[0].ready == 2 }
      let cold = masterpool.events.filter { $0.message.contains("cold") }
      #expect(cold.isEmpty)
    }
  }

  @Test func aWorkersStraysGoWithItAndNobodyElse() async throws {
    var setup = setup(["--grandchild", "session"])
    setup.stopLimit = .seconds(40)
    try await withMasterpool(setup) { masterpool in
      let parent = try parent(masterpool)
      let sibling = try await masterpool.workers()[1].pid
      let restarted = try await masterpool.cli("restart", "stubs/0", "--wait")
      #expect(restarted.status == .exited(0), "\(restarted.errors)")
      #expect(try await masterpool.workers()[1].pid == sibling)
      #expect(kill(parent, 0) == 0)
      // One for each of two workers; the one that went took its own along.
      let deadline = Deadline.patient
      func sleepers() -> Int {
        Processes.marked("MASTERPOOL_TEST=\(masterpool.directory)").count { Processes.name($0).contains("sleep") }
      }
      while sleepers() > 2, !deadline.passed { try await Task.sleep(for: .milliseconds(50)) }
      #expect(sleepers() == 2)
    }
  }

  @Test func aParentThatIsKilledUnderLoadCostsNothing() async throws {
    try await withMasterpool(setup(pool: ["recycle: {every: 1500ms, jitter: 50%}"])) { masterpool in
      let load = Load(Load.Plan(masterpool.address, connections: 4, requests: [.get(bytes: 500), .post(bytes: 900)]))
      for round in 1...4 {
        kill(try parent(masterpool), SIGKILL)
        try await masterpool.events(round, "ends of parents") { $0.message.contains("ended: signal 9") }
        try await masterpool.events(round + 1, "parents that are ready") {
          $0.kind == .parent && $0.message.contains("is ready after")
        }
        try await masterpool.events(3 * round, "exits") { $0.kind == .exit }
      }
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
      #expect(try await ask(masterpool).header("X-Born") != nil)
    }
  }

  enum Trouble: String, CaseIterable { case deaf, crash, unable }

  @Test(arguments: Trouble.allCases) func withoutAParentWorkersStartCold(_ trouble: Trouble) async throws {
    try await withTemporaryDirectory { scratch in
      try "".write(toFile: "\(scratch)/trouble")
      let setup = setup(
        ["--parent-\(trouble.rawValue)-while", "\(scratch)/trouble"], parent: "{wait: 300ms, ready_timeout: 2s}")
      try await withMasterpool(setup) { masterpool in
        try await masterpool.event("a word of it") { $0.kind == .parent && $0.message.contains("starts cold") }
        #expect(try await ask(masterpool).header("X-Born") == "started")
        unlink("\(scratch)/trouble")
        if trouble != .unable {
          try await masterpool.event("a parent after all") {
            $0.kind == .parent && $0.message.contains("is ready after")
          }
        }
        let restarted = try await masterpool.cli("restart", "--wait")
        #expect(restarted.status == .exited(0), "\(restarted.errors)")
        #expect(try await ask(masterpool).header("X-Born") == "forked")
      }
    }
  }

  @Test func aParentThatDoesNotForkIsKilled() async throws {
    try await withTemporaryDirectory { scratch in
      let setup = setup(["--parent-mute-while", "\(scratch)/mute"], parent: "{fork_timeout: 500ms}")
      try await withMasterpool(setup) { masterpool in
        let mute = try parent(masterpool)
        try "".write(toFile: "\(scratch)/mute")
        let restarted = try await masterpool.cli("restart", "--wait")
        #expect(restarted.status == .exited(0), "\(restarted.errors)")
        #expect(try await ask(masterpool).header("X-Born") == "started")
        unlink("\(scratch)/mute")
        try await masterpool.event("its end") { $0.message.contains("ended: signal 9") }
        #expect(kill(mute, 0) != 0)
      }
    }
  }

  /// The supervisor is killed: its parent is there for the next, who has one of its own as soon as that is ready.
  @Test func aParentIsTakenOverAndForksUntilItsSuccessorCan() async throws {
    try await withTemporaryDirectory { directory in
      let setup = setup(["--parent-deaf-while", "\(directory)/deaf"], parent: "{ready_timeout: 60s, wait: 50s}")
      let yaml = setup.yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      let ready = before.pools[0].parents?.first { $0.state == "ready" }
      let known = try #require(ready)
      let load = Load(
        Load.Plan(try address(before), connections: 3, requests: [.get(bytes: 500, "&ms=2"), .post(bytes: 900)]))
      try await load.reached(100)
      try "".write(toFile: "\(directory)/deaf")
      try await murder(first)
      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        let after = try await second.status()
        let goesOn = after.pools[0].parents?.contains { $0.pid == known.pid && $0.state == "ready" }
        #expect(goesOn == true)
        #expect(pids(after) == pids(before))
        // By the parent that was taken on: its successor says nothing yet.
        let restarted = try await second.cli("restart", "stubs/0", "--wait")
        #expect(restarted.status == .exited(0), "\(restarted.errors)")
        let spawns = second.events.filter { $0.kind == .spawn }
        #expect(spawns.count == 1 && spawns[0].message.contains(" forked, pid "), "\(spawns)")

        unlink("\(directory)/deaf")
        try await second.event("its end") { $0.kind == .parent && $0.message.contains("parent 1 ended") }
        let own = try #require(try await second.status().pools[0].parents?.first?.pid)
        #expect(own != known.pid && Processes.parent(of: own) == second.process.pid)
        let all = try await second.cli("restart", "--wait")
        #expect(all.status == .exited(0), "\(all.errors)")
        for worker in try await second.workers() {
          #expect(Processes.parent(of: try #require(worker.pid)) == second.process.pid)
        }
        let report = try await load.stop()
        #expect(report.failures == 0, "\(report)")
      }
    }
  }
}
