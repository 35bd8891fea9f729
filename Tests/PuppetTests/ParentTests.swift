import Foundation
import Pool
import TestSupport
import Testing

/// Puppet masters that are forked from a warm parent, which has compiled a canary.
@Suite(.serialized) struct ParentTests {
  @Test func agentsConvergeOverForkedMastersThatAreReplaced() async throws {
    try await withPuppetSite(
      recycle: "{every: 5s, jitter: 10%}", canary: true, pool: ["preload: yes", "parent: {every: 12s}"]
    ) { site, masterpool in
      for round in 1...2 {
        for node in PuppetSite.nodes {
          let run = try await site.runAgent(node, at: masterpool.address)
          #expect(run.status == .exited(0) || run.status == .exited(2), "\(run.output)\(run.errors)")
          // What the first run changed, the second finds.
          if round == 2 { #expect(run.status == .exited(0), "\(run.output)\(run.errors)") }
        }
        _ = try await masterpool.events(3 * round, "exits by timer", within: .seconds(60)) {
          $0.exit?.reason == .timer
        }
      }
      _ = try await masterpool.event("a second parent", within: .seconds(60)) {
        $0.kind == .parent && $0.message.contains("parent 2 is ready")
      }
      try await expectNothingLost(masterpool)
      // One that was asked for no catalog has left nothing.
      let wiped = masterpool.exits.compactMap(\.exit?.wipedEntries).reduce(0, +)
      #expect(wiped > 0)
      let cold = masterpool.events.filter { $0.kind == .spawn && !$0.message.contains(" forked, pid ") }.map(
        \.message)
      #expect(cold.isEmpty, "\(cold)")
      try expectNoCanary(in: site)
    }
  }

  @Test func codeThatDoesNotCompileIsNotDeployed() async throws {
    try await withPuppetSite(
      canary: true, pool: ["preload: yes"],
      code: { folder in
        try FileManager.default.copyItem(atPath: Places.code, toPath: "\(folder)/code")
        return "\(folder)/code"
      }
    ) { site, masterpool in
      let manifest = "\(site.code)/environments/production/manifests/site.pp"
      let sound = try String(contentsOfFile: manifest, encoding: .utf8)
      try "node default { this does not(".write(toFile: manifest)
      let refused = try await masterpool.cli("restart", "--reason", "deploy", "--wait")
      #expect(refused.status == .exited(1))
      #expect(refused.errors.contains("does not compile in production"), "\(refused.errors)")
      #expect(masterpool.exits.isEmpty)
      let served = try await site.runAgent(PuppetSite.nodes[0], at: masterpool.address)
      #expect(served.status == .exited(2), "\(served.output)\(served.errors)")

      let mark = "\(site.folder)/deployed"
      try (sound + "\nnode 'web-1.demo' { file { '\(mark)': content => 'yes' } }\n").write(toFile: manifest)
      let deployed = try await masterpool.cli("restart", "--reason", "deploy", "--environment", "staging", "--wait")
      #expect(deployed.status == .exited(0), "\(deployed.errors)")
      let run = try await site.runAgent(PuppetSite.nodes[0], at: masterpool.address)
      #expect(run.status == .exited(2), "\(run.output)\(run.errors)")
      #expect(FileManager.default.fileExists(atPath: mark))
      try await expectNothingLost(masterpool)
    }
  }

  /// Its facts, its catalog and a report of it are nowhere that a worker sees.
  private func expectNoCanary(in site: PuppetSite) throws {
    let folder = "\(site.folder)/state/slots/masters"
    let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let parents = found.filter { $0.hasPrefix("parent/") && $0.contains(PuppetSite.nodes[0]) }
    #expect(parents.isEmpty, "\(parents)")
  }
}
