import Foundation
import Pool
import TestSupport
import Testing

/// No worker ever starts on what an earlier one cached.
@Suite struct WipeTests {
  @Test(arguments: ["cache: {wipe: [\"{slot}/cache\"]}", ""])
  func noSuccessorFindsACacheFileInItsSlot(settings: String) async throws {
    var setup = Setup()
    setup.stubOptions = ["--cache", "{slot}/cache"]
    setup.pool = ["recycle: {every: 400ms, jitter: 50%}", "stop: {drain: 5s, terminate: 1s}"]
    if !settings.isEmpty { setup.pool.append(settings) }
    try await withMasterpool(setup) { masterpool in
      let load = Load(
        Load.Plan(masterpool.address, connections: 2, requests: [.get(bytes: 10, "&cache=3"), .get(bytes: 10)]))
      try await masterpool.events(10, "exits") { $0.kind == .exit }
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
      #expect(report.workers.count >= 10)
      #expect(report.foundCaches.isEmpty, "\(report.foundCaches)")
      let unwiped = masterpool.exits.filter { ($0.exit?.wipedEntries ?? 0) < 1 || ($0.exit?.wipedBytes ?? 0) < 1 }
      #expect(unwiped.isEmpty, "every worker left at least one file: \(unwiped)")
    }
  }

  @Test func aSharedCacheIsEmptyForEachNewcomerAndReadersKeepTheirFiles() async throws {
    try await withTemporaryDirectory { scratch in
      let shared = "\(scratch)/site/yaml"
      try FileManager.default.createDirectory(atPath: shared, withIntermediateDirectories: true)
      chmod(shared, 0o750)
      var setup = Setup()
      setup.stubOptions = ["--cache", shared]
      setup.pool = ["cache: {shared: [\(shared)]}", "stop: {drain: 5s, terminate: 1s}"]
      try await withMasterpool(setup) { masterpool in
        for round in 1...3 {
          for slot in 0...1 {
            try "precious to a reader".write(toFile: "\(shared)/left-\(round)-\(slot)")
            let reader = try #require(FileHandle(forReadingAtPath: "\(shared)/left-\(round)-\(slot)"))
            let reply = try await masterpool.cli("restart", "stubs/\(slot)", "--wait")
            #expect(reply.status == .exited(0), "\(reply.errors)")
            #expect(try reader.readToEnd() == Data("precious to a reader".utf8))
            #expect(!FileManager.default.fileExists(atPath: "\(shared)/left-\(round)-\(slot)"))
          }
        }
        // Both are of the fourth generation now, and each started on an empty folder.
        var plan = Load.Plan(masterpool.address, connections: 2, requests: [.get(bytes: 10)])
        plan.total = 40
        let report = try await Load(plan).finished()
        #expect(Set(report.workers.keys) == ["stubs/0#4", "stubs/1#4"])
        #expect(report.foundCaches.isEmpty, "\(report.foundCaches)")
        let mode = try FileManager.default.attributesOfItem(atPath: shared)[.posixPermissions] as? Int
        #expect(mode == 0o750)
      }
    }
  }

  @Test func aLinkInTheCacheLeadsTheWipeNowhere() async throws {
    try await withTemporaryDirectory { scratch in
      let outside = "\(scratch)/outside"
      try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
      try "not a cache".write(toFile: "\(outside)/file")
      var setup = Setup()
      setup.workers = 1
      setup.stubOptions = ["--cache", "{slot}/cache"]
      setup.pool = ["cache: {wipe: [\"{slot}/cache\"]}"]
      try await withMasterpool(setup) { masterpool in
        let cache = try #require(folder(named: "cache", below: "\(masterpool.directory)/state"))
        symlink(outside, "\(cache)/to-a-folder")
        symlink("\(outside)/file", "\(cache)/to-a-file")
        link("\(outside)/file", "\(cache)/another-name")
        mkfifo("\(cache)/fifo", 0o600)
        let reply = try await masterpool.cli("restart", "stubs/0", "--wait")
        #expect(reply.status == .exited(0), "\(reply.errors)")
        let exit = try await masterpool.event("the first one's exit") { $0.kind == .exit }
        // Its own file, two links, the second name and the fifo, and perhaps the folder.
        #expect((5...6).contains(exit.exit?.wipedEntries ?? 0), "\(exit)")
        #expect(text(ofFile: "\(outside)/file") == "not a cache")
        #expect(!FileManager.default.fileExists(atPath: "\(cache)/fifo"))
      }
    }
  }

  private func folder(named name: String, below top: String) -> String? {
    let all = FileManager.default.enumerator(atPath: top)?.allObjects as? [String]
    return all?.first { $0.hasSuffix("/\(name)") }.map { "\(top)/\($0)" }
  }
}
