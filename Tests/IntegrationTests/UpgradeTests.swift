import Foundation
import Pool
import TestSupport
import Testing

/// Another program in place of the one that runs.
@Suite struct UpgradeTests {
  /// Installs a program as another one than was there, as package managers do. By another process: what a test beside
  /// this one starts meanwhile must not hold the file open for writing, or it could not be run.
  private func install(_ source: String, as path: String) async throws {
    let copied = try await run("/bin/cp", [source, "\(path).new"])
    #expect(copied.status == .exited(0), "\(copied)")
    try move("\(path).new", to: path)
  }

  private func upgrade(in directory: String) async throws -> CommandResult {
    try await run(Programs.masterpool, ["upgrade", "--control", "\(directory)/run/control.sock"])
  }

  /// Of agents that ask and send, once it is under way.
  private func load(on status: StatusDocument) async throws -> Load {
    let load = Load(
      Load.Plan(
        try address(status), connections: 4,
        requests: [.get(bytes: 100, "&ms=3"), .get(bytes: 30000), .post(bytes: 5000)]))
    try await load.reached(200)
    return load
  }

  @Test func anotherBuildTakesOverUnderLoadAndNothingIsLost() async throws {
    try await withTemporaryDirectory { directory in
      let program = "\(directory)/masterpool"
      try await install(Programs.masterpool, as: program)
      let (supervisor, before) = try await startFirst(
        Setup().yaml(directory: directory), in: directory, program: program)
      let load = try await load(on: before)

      try await install(Programs.nextMasterpool, as: program)
      let upgraded = try await upgrade(in: directory)
      #expect(upgraded.status == .exited(0), "\(upgraded)")
      try await load.reached(load.report.completed + 300)
      let after = try await status(in: directory) { $0.proxy?.draining.isEmpty == true }
      #expect(after.version != before.version)
      #expect(after.pid == before.pid, "the service manager knows it by its pid")
      #expect(after.uptimeSeconds < before.uptimeSeconds + 60 && after.proxy?.generation == 2)
      #expect(pids(after) == pids(before))
      let links = [after.pid, after.proxy?.pid ?? 0].map { try? readLink("/proc/\($0)/exe") }
      #expect(links == [program, program], "both are the new one: the old one's file is deleted")

      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")

      // Its workers are its children still: their ends are known.
      kill(try #require(pids(after).first), SIGKILL)
      _ = try await status(in: directory) {
        $0.pools.flatMap(\.workers).contains { $0.generation == 2 && $0.state == "ready" }
      }
      let events = try await run(
        Programs.masterpool, ["events", "--control", "\(directory)/run/control.sock"])
      #expect(events.output.contains("crash, signal 9; SIGKILL") || events.output.contains("SIGKILL"), "\(events)")
      supervisor.send(SIGTERM)
      #expect(try await supervisor.end() == .exited(0))
      let left = Processes.marked("MASTERPOOL_TEST=\(directory)")
      #expect(left.isEmpty)
    }
  }

  /// What `systemctl restart` does by the unit's RestartKillSignal.
  @Test func aRestartOfTheServiceMovesToAnotherBuildUnderLoadAndNothingIsLost() async throws {
    try await withTemporaryDirectory { directory in
      let program = "\(directory)/masterpool"
      try await install(Programs.masterpool, as: program)
      let yaml = Setup().yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory, program: program)
      let load = try await load(on: before)

      try await install(Programs.nextMasterpool, as: program)
      first.send(SIGUSR2)
      #expect(try await first.end() == .exited(0))
      try await load.reached(load.report.completed + 300)
      let (second, _) = try await startFirst(yaml, in: directory, program: program)
      try await load.reached(load.report.completed + 300)
      let after = try await status(in: directory) { $0.proxy?.generation == 2 && $0.proxy?.draining.isEmpty == true }
      #expect(after.version != before.version && pids(after) == pids(before))
      let link = try? readLink("/proc/\(after.proxy?.pid ?? 0)/exe")
      #expect(link == program, "the proxy is the new one too")

      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
      second.send(SIGTERM)
      #expect(try await second.end() == .exited(0))
      let left = Processes.marked("MASTERPOOL_TEST=\(directory)")
      #expect(left.isEmpty)
    }
  }

  @Test func aProgramThatCannotUseTheSettingsIsRefusedAndNothingChanges() async throws {
    try await withTemporaryDirectory { directory in
      let program = "\(directory)/masterpool"
      try await install(Programs.masterpool, as: program)
      let (supervisor, before) = try await startFirst(
        Setup().yaml(directory: directory), in: directory, program: program)
      try await install("/bin/false", as: program)
      let refused = try await upgrade(in: directory)
      #expect(refused.status == .exited(1) && refused.errors.contains("its check ended with exit 1"), "\(refused)")
      let after = try await status(in: directory)
      #expect(after.uptimeSeconds > before.uptimeSeconds && pids(after) == pids(before))
      supervisor.send(SIGTERM)
      #expect(try await supervisor.end() == .exited(0))
    }
  }

  private func readLink(_ path: String) throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: path)
  }
}
