import Foundation
import Pool
import TestSupport
import Testing

/// The access log of the whole program.
@Suite struct AccessLogTests {
  private struct Line: Decodable {
    var id: String
    var status: Int
    var slot: Int?
    var ended: String?
  }

  private func lines(_ texts: [String?]) throws -> [Line] {
    try texts.flatMap { text in
      try (text ?? "").split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }
  }

  /// Renamed five times under load, with workers recycled meanwhile: each request has its line, in one of the files.
  @Test func losesNoLineThroughRotations() async throws {
    try await withTemporaryDirectory { directory in
      let log = "\(directory)/access.log"
      var setup = Setup()
      setup.workers = 2
      setup.concurrency = 4
      setup.pool = ["recycle: {every: 2s}"]
      setup.proxy = ["threads: 2"]
      setup.top = ["access_log: {to: \(log)}"]
      var answered = 0
      try await withMasterpool(yaml: setup.yaml(directory: directory), in: directory, setup) { masterpool in
        let load = Load(
          Load.Plan(masterpool.address, connections: 6, requests: [.get(bytes: 200), .post(bytes: 500)]))
        for turn in 1...5 {
          try await load.reached(turn * 300)
          try FileManager.default.moveItem(atPath: log, toPath: "\(log).\(turn)")
          masterpool.process.send(SIGUSR1)
          try await untilExists(log)
        }
        let report = try await load.stop()
        #expect(report.completed == report.ok, "\(report)")
        answered = report.completed
        let proxy = try #require(try await masterpool.status().proxy)
        #expect(proxy.accessLinesDroppedTotal == 0)
        let metrics = try await request("GET", "/metrics", at: .unix(masterpool.controlSocket))
        #expect(metrics.text.contains("masterpool_proxy_access_lines_dropped_total 0\n"))
      }
      // The proxy has ended in good order, so all lines are out.
      let all = try lines([text(ofFile: log)] + (1...5).map { text(ofFile: "\(log).\($0)") })
      #expect(all.count == answered)
      #expect(Set(all.map(\.id)).count == answered)
      let endedWell = all.allSatisfy { $0.status == 200 && $0.ended == nil && $0.slot != nil }
      #expect(endedWell)
    }
  }

  /// A reload starts a proxy beside the one that still has requests: both append to one file, and both open it anew.
  @Test func overlappingProxiesLoseNoLine() async throws {
    try await withTemporaryDirectory { directory in
      let (log, go) = ("\(directory)/access.log", "\(directory)/go")
      var setup = Setup()
      setup.workers = 2
      setup.concurrency = 4
      setup.proxy = ["threads: 2"]
      setup.top = ["access_log: {to: \(log)}"]
      var answered = 0
      try await withMasterpool(yaml: setup.yaml(directory: directory), in: directory, setup) { masterpool in
        let load = Load(
          Load.Plan(masterpool.address, connections: 4, requests: [.get(bytes: 200), .post(bytes: 500)]))
        let address = masterpool.address
        for turn in 1...3 {
          let held = Task { try await request("GET", "/work?until=\(go)\(turn)", at: address) }
          try await load.reached(load.report.completed + 100)
          setup.proxy = ["threads: \(turn % 2 == 1 ? 1 : 2)"]
          try masterpool.rewrite(setup)
          let reloaded = try await masterpool.cli("reload")
          #expect(reloaded.status == .exited(0), "\(reloaded)")
          try await masterpool.status("two proxies") { $0.proxy?.draining.isEmpty == false }
          try await load.reached(load.report.completed + 100)
          try FileManager.default.moveItem(atPath: log, toPath: "\(log).\(turn)")
          masterpool.process.send(SIGUSR1)
          try await untilExists(log)
          try await load.reached(load.report.completed + 100)
          try "".write(toFile: "\(go)\(turn)")
          let last = try await held.value
          #expect(last.status == 200)
          try await masterpool.status("one proxy") { $0.proxy?.draining.isEmpty == true }
        }
        let report = try await load.stop()
        #expect(report.completed == report.ok, "\(report)")
        answered = report.completed + 3
      }
      let all = try lines([text(ofFile: log)] + (1...3).map { text(ofFile: "\(log).\($0)") })
      #expect(all.count == answered)
      #expect(Set(all.map(\.id)).count == answered)
    }
  }

  /// The supervisor's own words go to standard error; standard output has the lines and nothing else.
  @Test func writesWholeLinesToStandardOutput() async throws {
    var setup = Setup()
    setup.top = ["access_log: {to: stdout}"]
    try await withMasterpool(setup) { masterpool in
      for _ in 0..<20 { _ = try await request("GET", "/work", at: masterpool.address) }
      try await masterpool.stop(within: .seconds(30))
      let all = try lines([masterpool.process.standardOutput])
      #expect(all.count == 20)
      #expect(!masterpool.process.standardError.contains("\"request_line\""))
    }
  }

  /// The signal means nothing where there is nothing to open, and not the end.
  @Test func aSignalWithoutALogIsHarmless() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let proxy = try #require(try await masterpool.status().proxy)
      kill(proxy.pid, SIGUSR1)
      masterpool.process.send(SIGUSR1)
      try await masterpool.process.says("opening the access log anew")
      #expect(try await request("GET", "/work", at: masterpool.address).status == 200)
      let after = try #require(try await masterpool.status().proxy)
      #expect(after.pid == proxy.pid)
    }
  }

  private func untilExists(_ path: String) async throws {
    let deadline = Deadline.patient
    while !FileManager.default.fileExists(atPath: path) {
      guard !deadline.passed else { throw TimedOut("a new \(path)") }
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}
