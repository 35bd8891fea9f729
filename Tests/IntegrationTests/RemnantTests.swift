import Glibc
import Pool
import TestSupport
import Testing

/// What a supervisor that was killed leaves behind: served on, and ended by the next one.
@Suite struct RemnantTests {
  @Test func aKilledSupervisorsProcessesServeOnUntilTheNextOneEndsThem() async throws {
    try await withTemporaryDirectory { directory in
      let port = try freePort()
      let yaml = Setup().yaml(directory: directory).replacing("127.0.0.1:0", with: "127.0.0.1:\(port)")
      let file = "\(directory)/masterpool.yaml"
      try yaml.write(toFile: file)
      let first = try Child(
        Programs.masterpool, ["run", "--config", file], environment: ["MASTERPOOL_TEST": directory])
      try await first.says("ready event=supervisor")
      let left = Processes.marked("MASTERPOOL_TEST=\(directory)").filter { $0 != first.pid }
      #expect(left.count >= 2, "a proxy and at least one worker")
      first.send(SIGKILL)
      #expect(try await first.end() == .signalled(SIGKILL))
      #expect(try await request("GET", "/work", at: .port(port)).status == 200, "the proxy serves on")

      try await withMasterpool(yaml: yaml, in: directory) { second in
        let living = Set(Processes.marked("MASTERPOOL_TEST=\(directory)"))
        #expect(living.isDisjoint(with: left), "what was left is gone")
        let tells = second.events.contains { $0.message.contains("left by an earlier supervisor") }
        #expect(tells)
        let response = try await request("GET", "/work", at: second.address)
        #expect(response.status == 200)
      }
    }
  }
}
