import Pool
import TestSupport
import Testing

/// Real agents run while the masters behind them are replaced, again and again, for one reason at a time.
@Suite(.serialized) struct RecyclingTests {
  struct Cause: Sendable, CustomTestStringConvertible {
    var reason: RecycleReason
    var recycle: String
    var testDescription: String { "by \(reason)" }
  }

  static let causes = [
    Cause(reason: .timer, recycle: "{every: 4s, jitter: 10%}"),
    // More than a master has at birth, less than after its first catalog.
    Cause(reason: .memory, recycle: "{every: off, memory: 60MiB, min_age: 0s}"),
    Cause(reason: .manual, recycle: "{every: off}"),
  ]

  @Test(arguments: causes) func agentsConvergeWhileMastersAreReplaced(_ cause: Cause) async throws {
    try await withPuppetSite(recycle: cause.recycle) { site, masterpool in
      let exits = 4
      let replaced = Monitor(false)
      async let runs = agentsInLoops(site, masterpool) { replaced.read { $0 } }
      if cause.reason == .timer { try await expectNoGrowth(of: masterpool, until: exits) }
      if cause.reason == .manual { try await restartAgainAndAgain(masterpool, until: exits) }
      _ = try await masterpool.events(exits, "exits by \(cause.reason)", within: .seconds(150)) {
        $0.exit?.reason == cause.reason
      }
      replaced.update { $0 = true }
      for run in try await runs {
        #expect(run.status == .exited(0) || run.status == .exited(2), "\(run.output)\(run.errors)")
      }
      try await expectNothingLost(masterpool)
      expectEveryWipe(masterpool.exits)
      let kinds = masterpool.events.map(\.kind)
      #expect(!kinds.contains(.wipeFailed))
    }
  }

  /// Two agents side by side, each at least twice: the second run finds things as the first one left them.
  private func agentsInLoops(
    _ site: PuppetSite, _ masterpool: Masterpool, _ enough: @escaping @Sendable () -> Bool
  ) async throws -> [CommandResult] {
    try await withThrowingTaskGroup(of: [CommandResult].self) { group in
      for node in PuppetSite.nodes {
        group.addTask {
          var runs: [CommandResult] = []
          while runs.count < 2 || !enough() {
            runs.append(try await site.runAgent(node, at: masterpool.address))
          }
          return runs
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
  }

  /// From the first master's end to the last one's; scripts/soak looks for longer.
  private func expectNoGrowth(of masterpool: Masterpool, until exits: Int) async throws {
    try await masterpool.events(1, "exits", within: .seconds(150)) { $0.kind == .exit }
    let proxy = try #require(try await masterpool.status().proxy).pid
    let pids = [masterpool.process.pid, proxy]
    let before = pids.map { Processes.pss($0) ?? 0 }
    try await masterpool.events(exits, "exits", within: .seconds(150)) { $0.kind == .exit }
    let after = pids.map { Processes.pss($0) ?? 0 }
    let grown = zip(after, before).map { $0 - $1 }
    let isFlat = grown.allSatisfy { $0 < 12 << 20 }
    #expect(isFlat, "supervisor and proxy grew by \(grown) bytes")
  }

  private func restartAgainAndAgain(_ masterpool: Masterpool, until exits: Int) async throws {
    while masterpool.exits.count < exits {
      let restarted = try await masterpool.cli("restart", "masters", "--wait")
      #expect(restarted.status == .exited(0), "\(restarted.errors)")
    }
  }
}

/// Neither the front nor a master dropped or refused anything.
func expectNothingLost(_ masterpool: Masterpool) async throws {
  let proxy = try #require(try await masterpool.status().proxy)
  #expect(proxy.responsesTotal["5xx"] == 0)
  #expect(proxy.responsesTotal["none"] == 0)
  let losses = Set(masterpool.exits.map { $0.exit?.requestsLost })
  #expect(losses.isSubset(of: [0]))
}

/// Every master that ended left its caches behind, and they were counted away.
func expectEveryWipe(_ exits: [Event]) {
  for event in exits {
    #expect((event.exit?.wipedEntries ?? 0) > 0, "\(event.message)")
  }
}
