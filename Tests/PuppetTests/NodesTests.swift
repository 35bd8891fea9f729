import Foundation
import Pool
import TestSupport
import Testing

/// What is told of real agents is what their own reports say.
@Suite(.serialized) struct NodesTests {
  private func node(
    _ name: String, _ masterpool: Masterpool, _ waitedFor: String, until isSo: (NodesDocument.Node) -> Bool
  ) async throws -> NodesDocument.Node {
    let deadline = Deadline.after(.seconds(60))
    var last = ""
    while !deadline.passed {
      let reply = try await masterpool.cli("nodes", name, "--json")
      last = reply.output + reply.errors
      if reply.status == .exited(0),
        let found = try JSONDecoder().decode(NodesDocument.self, from: Data(reply.output.utf8)).nodes.first,
        isSo(found)
      {
        return found
      }
      try await Task.sleep(for: .milliseconds(200))
    }
    throw HarnessFailure("\(waitedFor) did not come: \(last)")
  }

  @Test func anAgentsRunsAreToldAsItReportsThem() async throws {
    try await withPuppetSite { site, masterpool in
      let name = PuppetSite.nodes[0]
      let first = try await site.runAgent(name, at: masterpool.address)
      #expect(first.status == .exited(2), "\(first.output)\(first.errors)")
      let changed = try await node(name, masterpool, "its first report") { $0.lastStatus != nil }
      #expect(changed.lastStatus == .changed)
      #expect(try #require(changed.catalogSeconds) > 0)
      #expect(try #require(changed.lastRunSeconds) > (try #require(changed.catalogSeconds)))
      #expect(changed.runStartedAt == nil)
      let version = try await run(try Places.puppet(), ["--version"])
      #expect(changed.agentVersion == version.output.split(separator: "\n").first.map(String.init))
      let second = try await site.runAgent(name, at: masterpool.address)
      #expect(second.status == .exited(0), "\(second.output)\(second.errors)")
      // Times of one moment may be told a millisecond apart; the runs are seconds apart.
      let firstReport = try #require(changed.lastReportAt)
      let unchanged = try await node(name, masterpool, "its second report") {
        ($0.lastRunStartedAt ?? "") > firstReport
      }
      #expect(unchanged.lastStatus == .unchanged)
      #expect(unchanged.requestsTotal > changed.requestsTotal)
    }
  }
}
