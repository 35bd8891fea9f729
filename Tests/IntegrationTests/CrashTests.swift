import Foundation
import Pool
import TestSupport
import Testing

/// Any process may die: what its death costs.
@Suite struct CrashTests {
  @Test func killedWorkersCostNoSafeRequest() async throws {
    var setup = Setup()
    setup.workers = 3
    try await withMasterpool(setup) { masterpool in
      let load = Load(
        Load.Plan(masterpool.address, connections: 4, requests: [.get(bytes: 100, "&ms=3"), .get(bytes: 30000)]))
      for round in 1...6 {
        try await load.reached(round * 150)
        try await killWorker(slot: round % 3, of: masterpool)
        try await masterpool.events(3 + round, "workers ready") { $0.kind == .ready }
      }
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
      let crashes = masterpool.exits.filter { $0.exit?.reason == .crash }
      #expect(crashes.count == 6)
      #expect(crashes.map(\.exit?.status) == Array(repeating: "SIGKILL", count: 6))
    }
  }

  @Test func anUnsafeRequestIsReplayedWhereItsRouteSaysSo() async throws {
    var setup = Setup()
    setup.routes = [
      "{path: /echo, allow: any, pool: stubs, retry: yes}", "{path: /, allow: any, pool: stubs}",
    ]
    try await withTemporaryDirectory { scratch in
      setup.stubOptions = ["--journal", "\(scratch)/journal"]
      try await withMasterpool(setup) { masterpool in
        let replayed = LoadRequest.post(bytes: 5000)
        let target = "/echo?crash=kill&once=\(scratch)/first"
        let response = try await request("POST", target, body: replayed.body, at: masterpool.address)
        #expect(response.status == 200)
        #expect(response.text.contains("\"body_bytes\":5000,\"body_digest\":\"\(digest(replayed.body))\""))
        try await masterpool.events(3, "workers ready") { $0.kind == .ready }

        let once = try await request("POST", "/work?crash=kill", body: replayed.body, at: masterpool.address)
        #expect(once.status == 502)
        let journal = text(ofFile: "\(scratch)/journal") ?? ""
        #expect(journal.split(separator: "\n") == ["POST \(target)", "POST \(target)", "POST /work?crash=kill"])
      }
    }
  }

  @Test func aRequestThatKillsEveryWorkerIsTriedTwiceAndThenRefused() async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      setup.workers = 3
      setup.stubOptions = ["--journal", "\(scratch)/journal"]
      try await withMasterpool(setup) { masterpool in
        let response = try await request("GET", "/work?crash=abort", at: masterpool.address)
        #expect(response.status == 502)
        let journal = text(ofFile: "\(scratch)/journal") ?? ""
        #expect(journal.split(separator: "\n").count == 2, "\(journal)")
        let after = try await request("GET", "/work?bytes=5", at: masterpool.address)
        #expect(after.body == patternBytes(5))
      }
    }
  }

  /// Half an answer must not look like a whole one.
  @Test(arguments: ["/work?crash=kill&at=amid&bytes=40000", "/work?cut=500&bytes=40000&chunked=1"])
  func anAnswerThatBreaksOffIsCutAtTheAgentToo(target: String) async throws {
    try await withMasterpool(Setup()) { masterpool in
      await #expect(throws: ExchangeFailure.self) {
        try await request("GET", target, at: masterpool.address)
      }
      let after = try await request("GET", "/work?bytes=5", at: masterpool.address)
      #expect(after.status == 200)
    }
  }

  @Test func aKilledProxyIsReplacedAndTheWorkersAreUntouched() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let before = try await masterpool.status()
      let proxy = try #require(before.proxy)
      let workers = try await masterpool.workers().map(\.pid)
      _ = try await request("GET", "/work?bytes=5", at: masterpool.address)
      kill(proxy.pid, SIGKILL)
      // The listener is the supervisor's, so this waits in its backlog rather than being refused.
      let response = try await request("GET", "/work?bytes=5", at: masterpool.address)
      #expect(response.status == 200)
      let after = try await masterpool.status()
      #expect(after.proxy?.generation == proxy.generation + 1)
      #expect(after.proxy?.pid != proxy.pid)
      #expect(try await masterpool.workers().map(\.pid) == workers)

      var plan = Load.Plan(masterpool.address, connections: 4, requests: [.get(bytes: 10), .post(bytes: 100)])
      plan.total = 300
      let report = try await Load(plan).finished()
      #expect(report.failures == 0, "\(report)")
      #expect(masterpool.exits.isEmpty, "no worker ended")
    }
  }

  @Test func aWorkerThatCrashesAtItsStartBacksOffAndTheOthersServe() async throws {
    try await expectOthersToServe(option: "--crash-while", ready: "ready: {timeout: 5s}")
  }

  @Test func aWorkerThatNeverGetsReadyIsGivenUpAndTheOthersServe() async throws {
    try await expectOthersToServe(option: "--deaf-while", ready: "ready: {timeout: 2s}")
  }

  private func expectOthersToServe(option: String, ready: String) async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      setup.workers = 3
      setup.stubOptions = [option, "\(scratch)/broken"]
      setup.pool = [ready, "stop: {drain: 5s, terminate: 1s}"]
      try await withMasterpool(setup) { masterpool in
        try "".write(toFile: "\(scratch)/broken")
        let load = Load(Load.Plan(masterpool.address, connections: 3, requests: [.get(bytes: 100, "&ms=2")]))
        try await killWorker(slot: 1, of: masterpool)
        try await masterpool.events(3, "times backing off") { $0.kind == .backOff }
        #expect(try await readySlots(of: masterpool) == [0, 2])
        let failed = try await load.stop()
        #expect(failed.failures == 0, "\(failed)")

        unlink("\(scratch)/broken")
        try await masterpool.events(4, "workers ready") { $0.kind == .ready }
        #expect(try await readySlots(of: masterpool) == [0, 1, 2])
      }
    }
  }

  private func readySlots(of masterpool: Masterpool) async throws -> [Int] {
    try await masterpool.workers().filter { $0.state == "ready" }.map(\.slot)
  }

  private func killWorker(slot: Int, of masterpool: Masterpool) async throws {
    let workers = try await masterpool.workers().filter { $0.slot == slot && $0.state == "ready" }
    kill(try #require(workers.first?.pid), SIGKILL)
  }
}
