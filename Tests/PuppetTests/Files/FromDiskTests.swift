import Pool
import TestSupport
import Testing

/// Real agents' runs, with their files from disk.
@Suite(.serialized) struct FromDiskTests {
  /// A node's facts, its catalog and its report are a worker's; nearly all else is not.
  @Test func agentsRunsAskWorkersForCatalogsAndReportsOnly() async throws {
    try await withPuppetSite { site, masterpool in
      _ = try await masterpool.events(1, "files from disk") { $0.message.contains("answers for the files of Puppet") }
      for expected in [2, 0] as [Int32] {
        let run = try await site.runAgent(PuppetSite.nodes[0], at: masterpool.address)
        #expect(run.status == .exited(expected), "\(run.output)\(run.errors)")
      }
      // Counters come once a second.
      let deadline = Deadline.patient
      var asked = (of: 0, workers: 0)
      while asked.of < 60 || asked.workers < 4, !deadline.passed {
        let status = try await masterpool.status()
        asked.of = status.proxy?.requestsTotal ?? 0
        asked.workers = status.pools.flatMap(\.workers).map(\.requestsTotal).reduce(0, +)
        try await Task.sleep(for: .milliseconds(50))
      }
      #expect(asked.of >= 60)
      #expect(asked.workers <= 10, "\(asked.workers) of \(asked.of)")
    }
  }

  /// New workers read puppet.conf anew, so the proxy must look where they look.
  @Test func newWorkersSettingsAreTheProxysToo() async throws {
    try await withPuppetSite { site, masterpool in
      _ = try await masterpool.events(1, "files from disk") { $0.message.contains("answers for the files of Puppet") }
      let elsewhere = "\(site.folder)/elsewhere"
      try makeFolder(elsewhere)
      try "[main]\nenvironmentpath = \(elsewhere)\n".write(toFile: "\(site.folder)/puppet/puppet.conf")
      _ = try await masterpool.cli("restart")
      let said = try await masterpool.events(1, "files elsewhere") { $0.message.contains(" in \(elsewhere)") }
      #expect(said[0].message.contains("answers for the files of Puppet"))
    }
  }

  /// What Puppet is told by its environment, the proxy cannot see; its workers go on alone, and somebody is told.
  @Test func filesStayWithTheWorkersWhereTheProxyCannotBeSure() async throws {
    try await withPuppetSite(environment: "{PUPPETLIB: /nonexistent}") { site, masterpool in
      let said = try await masterpool.events(1, "files with workers") {
        $0.message.contains("files stay with the workers")
      }
      #expect(said[0].message.contains("PUPPETLIB is set"))
      let run = try await site.runAgent(PuppetSite.nodes[0], at: masterpool.address)
      #expect(run.status == .exited(2), "\(run.output)\(run.errors)")
    }
  }
}
