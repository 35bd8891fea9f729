import Foundation
import Pool
import TestSupport
import Testing

/// New code reaches the workers, or the old generation goes on serving.
@Suite struct DeployTests {
  private func withCode(
    preload: Bool, pool: [String] = [], _ body: (Masterpool, String) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { scratch in
      let code = "\(scratch)/site/code"
      try FileManager.default.createDirectory(atPath: "\(scratch)/site", withIntermediateDirectories: true)
      try "one\n".write(toFile: code)
      var setup = Setup()
      setup.stubOptions = ["--code", code]
      setup.pool =
        ["recycle: {every: off}", "preload: \(preload ? "yes" : "no")"]
        + pool.map {
          $0.replacing("SITE", with: "\(scratch)/site")
        }
      try await withMasterpool(setup) { try await body($0, code) }
    }
  }

  private func versions(_ masterpool: Masterpool) async throws -> Set<String> {
    var found: Set<String> = []
    for _ in 0..<10 {
      found.insert(try await request("GET", "/work?bytes=10&close=1", at: masterpool.address).header("X-Code") ?? "")
    }
    return found
  }

  @Test(arguments: [true, false]) func newCodeReachesEveryWorker(preload: Bool) async throws {
    try await withCode(preload: preload) { masterpool, code in
      let load = Load(Load.Plan(masterpool.address, connections: 3, requests: [.get(bytes: 500), .post(bytes: 900)]))
      try "two\n".write(toFile: code)
      let deployed = try await masterpool.cli("restart", "--reason", "deploy", "--wait")
      #expect(deployed.status == .exited(0), "\(deployed.errors)")
      #expect(try await versions(masterpool) == ["two"])
      let reasons = Set(masterpool.exits.map(\.exit?.reason))
      #expect(reasons == [.deploy])
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
    }
  }

  @Test func withAParentWorkersKeepTheOldCodeUntilADeploy() async throws {
    try await withCode(preload: true) { masterpool, code in
      try "two\n".write(toFile: code)
      let restarted = try await masterpool.cli("restart", "--wait")
      #expect(restarted.status == .exited(0), "\(restarted.errors)")
      #expect(try await versions(masterpool) == ["one"])
    }
  }

  @Test(arguments: [true, false]) func brokenCodeLeavesTheOldGenerationServing(preload: Bool) async throws {
    try await withCode(preload: preload) { masterpool, code in
      let before = try await masterpool.workers().map(\.pid)
      try "broken\n".write(toFile: code)
      let deployed = try await masterpool.cli("restart", "--reason", "deploy", "--environment", "staging", "--wait")
      #expect(deployed.status == .exited(1))
      #expect(deployed.errors.contains("the old generation goes on"), "\(deployed.errors)")
      if preload { #expect(deployed.errors.contains("is broken in staging"), "\(deployed.errors)") }
      let failed = try await masterpool.event("a failed deploy") { $0.kind == .deployFailed }
      #expect(failed.pool?.rawValue == "stubs")
      #expect(try await versions(masterpool) == ["one"])
      let after = try await masterpool.workers().filter { $0.state == "ready" }.map(\.pid)
      #expect(after == before)
      // A parent still forks what it has, whatever lies on disk.
      if preload {
        let restarted = try await masterpool.cli("restart", "--wait")
        #expect(restarted.status == .exited(0), "\(restarted.errors)")
        #expect(try await versions(masterpool) == ["one"])
      }
      try "three\n".write(toFile: code)
      let mended = try await masterpool.cli("restart", "--reason", "deploy", "--wait")
      #expect(mended.status == .exited(0), "\(mended.errors)")
      #expect(try await versions(masterpool) == ["three"])
    }
  }

  @Test func aChangedFileIsADeployOnceItHasSettled() async throws {
    try await withCode(preload: true, pool: ["deploy: {watch: [\"SITE\"], settle: 300ms}"]) { masterpool, code in
      try await masterpool.event("the watch") { $0.message.contains("watching") }
      // Moved into place, in a folder that is new.
      try FileManager.default.createDirectory(atPath: "\(code).d/deep", withIntermediateDirectories: true)
      try "two\n".write(toFile: "\(code).d/deep/new")
      try move("\(code).d/deep/new", to: code)
      try await masterpool.events(2, "workers replaced") { $0.exit?.reason == .deploy }
      #expect(try await versions(masterpool) == ["two"])
      let deploys = masterpool.events.filter { $0.message.contains("a deploy by changed files") }
      #expect(deploys.count == 1)
    }
  }

  /// Killed while the new parent loads, and while the first new worker starts.
  @Test(arguments: [true, false]) func oneThatWasUnderWayWhenTheSupervisorDiedIsFinishedByTheNext(
    preload: Bool
  ) async throws {
    try await withTemporaryDirectory { directory in
      let (code, deaf) = ("\(directory)/code", "\(directory)/deaf")
      try "one\n".write(toFile: code)
      var setup = Setup()
      setup.stubOptions = ["--code", code, preload ? "--parent-deaf-while" : "--deaf-while", deaf]
      setup.pool = ["recycle: {every: off}", "preload: \(preload ? "yes" : "no")"]
      let yaml = setup.yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      try "two\n".write(toFile: code)
      try "".write(toFile: deaf)
      let asked = try await run(
        Programs.masterpool, ["restart", "--reason", "deploy", "--control", "\(directory)/run/control.sock"])
      #expect(asked.status == .exited(0), "\(asked)")
      if !preload {
        _ = try await status(in: directory) { $0.pools.flatMap(\.workers).contains { $0.generation == 2 } }
      }
      try await murder(first)
      unlink(deaf)
      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        try await second.events(2, "workers replaced") { $0.exit?.reason == .deploy }
        #expect(try await versions(second) == ["two"])
        let after = try await second.status("all are ready") { $0.pools.allSatisfy { $0.ready == $0.size } }
        let generations = after.pools.flatMap(\.workers).map(\.generation)
        #expect(generations == [2, 2], "each is replaced once: \(generations), \(pids(before))")
        let resumed = second.events.filter { $0.message.contains("that was under way goes on") }
        #expect(resumed.count == 1)
      }
    }
  }
}
