import Foundation
import Pool
import TestSupport
import Testing

@Suite struct StartTests {
  @Test func checkNamesEveryProblemWithItsPlace() async throws {
    try await withTemporaryDirectory { directory in
      let file = "\(directory)/masterpool.yaml"
      try """
      state_dir: \(directory)/state
      run_dir: \(directory)/run
      listen:
        - address: 127.0.0.1:0
      pools:
        stubs:
          master: command
          command: [stub]
          workers: 0
          recycel: {every: 15}
      routes:
        - {path: /, allow: any, pool: stubs}
      """.write(toFile: file)
      for command in ["check", "run"] {
        let result = try await run(Programs.masterpool, [command, "--config", file])
        #expect(result.status == .exited(78))
        #expect(result.errors.contains("\(file):9:14: pools.stubs.workers"), "\(result.errors)")
        #expect(result.errors.contains("\(file):10:5: pools.stubs.recycel"), "\(result.errors)")
        #expect(result.errors.contains("recycle"), "the nearest known key")
      }
      let good = "\(directory)/good.yaml"
      try Setup().yaml(directory: directory).write(toFile: good)
      let result = try await run(Programs.masterpool, ["check", "--config", good])
      #expect(result.status == .exited(0), "\(result.errors)")
      #expect(result.output.contains("stubs"))
    }
  }

  @Test func certificatesAreTriedBeforeTheyAreNeeded() async throws {
    try await withTemporaryDirectory { directory in
      let certificates = try await Certificates.make(in: "\(directory)/ca", clients: ["a.example"])
      var setup = Setup()
      setup.certificates = certificates
      let file = "\(directory)/masterpool.yaml"
      try setup.yaml(directory: directory).write(toFile: file)
      let good = try await run(Programs.masterpool, ["check", "--config", file])
      #expect(good.status == .exited(0), "\(good.errors)")
      try move("\(certificates.folder)/a.example.key", to: certificates.serverKey)
      let bad = try await run(Programs.masterpool, ["check", "--config", file])
      #expect(bad.status == .exited(78) && bad.output.isEmpty)
      #expect(bad.errors.hasPrefix("\(file): listen[0].tls: private_key \(certificates.serverKey) does not belong"))
    }
  }

  @Test func aSecondSupervisorOnTheSameFoldersIsRefused() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let second = try await run(Programs.masterpool, ["run", "--config", masterpool.settingsFile])
      #expect(second.status == .exited(1), "\(second.errors)")
      #expect(second.errors.contains("\(masterpool.directory)/"), "it names what is taken: \(second.errors)")
      #expect(try await request("GET", "/work", at: masterpool.address).status == 200)
      #expect(try await masterpool.cli("status").status == .exited(0))
    }
  }

  @Test func aWorkerWhoseProgramIsMissingIsReportedByName() async throws {
    try await withTemporaryDirectory { directory in
      var setup = Setup()
      setup.pools = [
        "  missing:", "    master: command", "    command: [/nonexistent/master, \"{socket}\"]", "    workers: 1",
      ]
      setup.routes = ["{path: /missing/, allow: any, pool: missing}", "{path: /, allow: any, pool: stubs}"]
      let file = "\(directory)/masterpool.yaml"
      try setup.yaml(directory: directory).write(toFile: file)
      let result = try await run(Programs.masterpool, ["check", "--config", file])
      #expect(result.status == .exited(78))
      #expect(result.errors.contains("/nonexistent/master"), "\(result.errors)")
    }
  }

  @Test func workersOutputIsLoggedByLineWithTheirName() async throws {
    try await withMasterpool(Setup()) { masterpool in
      _ = try await request("GET", "/work?print=2&length=50", at: masterpool.address)
      _ = try await request("GET", "/work?print=1&length=200000", at: masterpool.address)
      try await masterpool.process.says(String(repeating: "x", count: 50))
      let lines = masterpool.log.split(separator: "\n").filter { $0.contains(String(repeating: "x", count: 50)) }
      #expect(lines.count >= 2)
      for line in lines {
        #expect(line.contains("stubs/"), "\(line.prefix(200))")
        #expect(line.utf8.count < 100_000, "a line has a limit")
      }
    }
  }
}
