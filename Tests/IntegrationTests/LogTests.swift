import Foundation
import Pool
import TestSupport
import Testing

/// What masterpool says of its own doings, and what its children write, as one stream.
@Suite struct LogTests {
  /// The option beats the file.
  @Test func everyLineIsAnObjectWhoeverWroteIt() async throws {
    try await withTemporaryDirectory { directory in
      var setup = Setup()
      setup.top = ["log: {format: text, level: error}"]
      let file = "\(directory)/masterpool.yaml"
      try setup.yaml(directory: directory).write(toFile: file)
      let child = try Child(
        Programs.masterpool, ["run", "--config", file, "--log-format", "json", "--log-level", "debug"],
        environment: ["MASTERPOOL_TEST": directory])
      do {
        try await child.says(#""message":"ready","event":"supervisor""#)
        let ready = try await status(in: directory) { $0.pools.allSatisfy { $0.ready == $0.size } }
        let found = ready.listen.first.flatMap { Address($0) }
        let address = try #require(found)
        _ = try await request("GET", "/work?print=2&length=9000", at: address)
        // The proxy says why it is cut off.
        _ = try? await request("GET", "/work?cut=500&bytes=40000&chunked=1", at: address)
        try await child.says(#""label":"proxy""#)
        child.send(SIGTERM)
        #expect(try await child.end() == .exited(0))
      } catch {
        for pid in Processes.marked("MASTERPOOL_TEST=\(directory)") { kill(pid, SIGKILL) }
        throw error
      }
      let lines = try child.standardError.split(separator: "\n").map { line in
        try #require(
          try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line.prefix(300))")
      }
      let labels = Set(lines.compactMap { $0["label"] as? String })
      #expect(labels.isSuperset(of: ["supervisor", "control", "proxy", "worker"]), "\(labels)")
      let isWhole = lines.allSatisfy { $0["time"] is String && $0["level"] is String && $0["message"] is String }
      #expect(isWhole)
      let cut = lines.filter { $0["label"] as? String == "worker" && $0["cut"] as? String == "yes" }
      let areNamed = cut.allSatisfy { $0["pid"] is Int && $0["pool"] as? String == "stubs" }
      #expect(cut.count == 2 && areNamed)
      let spawns = lines.filter { $0["level"] as? String == "debug" && $0["event"] as? String == "spawn" }
      #expect(!spawns.isEmpty)
    }
  }

  @Test func levelsAndFormatChangeWhileItRuns() async throws {
    try await withMasterpool(Setup()) { masterpool in
      _ = try await request("GET", "/work?print=1&length=7", at: masterpool.address)
      try await masterpool.process.says(": xxxxxxx\n")
      #expect(!masterpool.log.contains("event=spawn"))

      let set = try await masterpool.cli("set", "log.level=debug", "log.levels.worker=warning")
      #expect(set.output == "log.level is debug, was info: live\nlog.levels.worker is warning, was not set: live\n")
      #expect(try await masterpool.cli("restart", "stubs/0", "--wait").status == .exited(0))
      try await masterpool.process.says("event=spawn")
      for _ in 0..<2 { _ = try await request("GET", "/work?print=1&length=9", at: masterpool.address) }

      #expect(try await masterpool.cli("set", "log.format=json").status == .exited(0))
      try await masterpool.process.says(#""message":"set: log.format is json, was auto: live""#)
      #expect(!masterpool.log.contains("xxxxxxxxx"))
      let wrong = try await masterpool.cli("set", "log.levels.proxi=debug")
      #expect(wrong.status == .exited(1) && wrong.errors.contains("write proxy"), "\(wrong)")

      // What was set live ends with the next reading of the files.
      #expect(try await masterpool.cli("reload").status == .exited(0))
      try await masterpool.process.says(" info reload by ")
      #expect(masterpool.log.contains("changed: log.format, log.level, log.levels.worker"))
    }
  }
}
