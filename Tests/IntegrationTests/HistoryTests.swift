import Foundation
import Pool
import TestSupport
import Testing

/// What happened stays known: while it runs, after a restart, and when there is no masterpool any more.
@Suite struct HistoryTests {
  /// Workers end by hand, by a crash and by a shutdown, over two lives: the ledger has each of them once.
  @Test func theLedgerHasEveryExitOfEveryLife() async throws {
    try await withTemporaryDirectory { directory in
      var setup = Setup()
      setup.pool = ["recycle: {every: off}", "stop: {drain: 5s, terminate: 2s}"]
      setup.top = ["history: {sample_every: 1s}"]
      let yaml = setup.yaml(directory: directory)

      let first = try await withMasterpool(yaml: yaml, in: directory, setup) { masterpool in
        try await endSomeWorkers(masterpool)
        let shown = try await history(masterpool)
        #expect(shown.exits == masterpool.exits)
        let samples = try await firstSamples(masterpool)
        #expect(Set(samples.map(\.slot)) == [0])
        #expect(samples.map(\.memoryMeanBytes).min() ?? 0 > 0)
        return shown
      }
      #expect(first.summary.byReason.map(\.reason).contains(.crash) == true)

      let second = try await withMasterpool(yaml: yaml, in: directory, setup) { masterpool in
        let before = try await history(masterpool)
        // The last workers ended with their masterpool.
        let shutdowns = before.exits.filter { $0.exit?.reason == .shutdown }
        #expect(shutdowns.count == 2)
        #expect(Array(before.exits.prefix(first.exits.count)) == first.exits)
        let started = try #require(masterpool.events.first)
        #expect(started.id > before.exits.map(\.id).max() ?? 0, "numbers go on")
        let reply = try await masterpool.cli("restart", "stubs/1", "--wait")
        #expect(reply.status == .exited(0), "\(reply.errors)")
        let after = try await history(masterpool)
        #expect(after.exits.count == before.exits.count + 1)
        #expect(after.exits.last?.exit?.reason == .manual)
        try await expectFilters(masterpool, after)
        return after
      }

      try await expectTheDeadOnes(second, directory)
    }
  }

  private func endSomeWorkers(_ masterpool: Masterpool) async throws {
    _ = try await request("GET", "/work?bytes=10", at: masterpool.address)
    let reply = try await masterpool.cli("restart", "stubs", "--wait")
    #expect(reply.status == .exited(0), "\(reply.errors)")
    let victim = try await masterpool.workers().compactMap(\.pid).first
    kill(try #require(victim), SIGKILL)
    try await masterpool.event("the killed one's exit") { $0.exit?.reason == .crash }
    try await masterpool.events(5, "workers ready again") { $0.kind == .ready }
  }

  /// The first come within a second.
  private func firstSamples(_ masterpool: Masterpool) async throws -> [SampleRow] {
    let deadline = Deadline.after(.seconds(60))
    while !deadline.passed {
      let samples: [SampleRow] = try await decoded(masterpool.cli("history", "stubs/0", "--samples", "--json"))
      if !samples.isEmpty { return samples }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw TimedOut("samples of stubs/0")
  }

  private func expectFilters(_ masterpool: Masterpool, _ all: HistoryDocument) async throws {
    let crashes = try await history(masterpool, "--reason", "crash")
    let allCrashes = all.exits.filter { $0.exit?.reason == .crash }
    #expect(crashes.exits == allCrashes)
    let slot: HistoryDocument = try await decoded(masterpool.cli("history", "stubs/0", "--json"))
    let inSlot = all.exits.filter { $0.slot == 0 }
    #expect(slot.exits == inSlot)
    #expect(!slot.exits.isEmpty)
    let events: [Event] = try await decoded(
      masterpool.cli("events", "--json", "--slot", "stubs/1", "--reason", "manual", "--since", "1h"))
    let byHand = all.exits.filter { $0.exit?.reason == .manual }
    let byHandInSlot = byHand.filter { $0.slot == 1 }
    #expect(events == byHandInSlot)
    let decisions: [Event] = try await decoded(masterpool.cli("events", "--json", "--kind", "decision"))
    #expect(decisions.count == byHand.count)
    let future: [Event] = try await decoded(masterpool.cli("events", "--json", "--since", "2100-01-01"))
    #expect(future.isEmpty)
    let nonsense = try await masterpool.cli("events", "--since", "yesterday")
    #expect(nonsense.status == .exited(64))
  }

  private func expectTheDeadOnes(_ last: HistoryDocument, _ directory: String) async throws {
    let control = "\(directory)/run/control.sock"
    for place in [["--state-dir", "\(directory)/state"], ["--config", "\(directory)/masterpool.yaml"]] {
      let left: HistoryDocument = try await decoded(
        run(Programs.masterpool, ["history", "stubs", "--json"] + place))
      #expect(left.exits.count == last.exits.count + 2)
      #expect(Array(left.exits.prefix(last.exits.count)) == last.exits)
      let events: [Event] = try await decoded(
        run(Programs.masterpool, ["events", "--json", "--limit", "1"] + place))
      #expect(events.map(\.message) == ["masterpool stopped"])
    }
    let nobody = try await run(Programs.masterpool, ["history", "stubs", "--control", control])
    #expect(nobody.status == .exited(69))
    let nothing = try await run(Programs.masterpool, ["events", "--state-dir", "\(directory)/nowhere"])
    #expect(nothing.status == .exited(69))
  }

  /// A supervisor that is killed has told its followers things that may not be written: numbers leap over them.
  @Test func aFollowerGoesOnWhereItWas() async throws {
    try await withTemporaryDirectory { directory in
      let setup = Setup()
      let yaml = setup.yaml(directory: directory)
      let seen = try await withMasterpool(yaml: yaml, in: directory, setup) { masterpool in masterpool.events }
      try await withMasterpool(yaml: yaml, in: directory, setup) { masterpool in
        let last = try #require(seen.last).id
        let response = try await request("GET", "/v1/events?after=\(last)", at: .unix(masterpool.controlSocket))
        let missed = try JSONDecoder().decode([Event].self, from: Data(response.body))
        #expect(missed.map(\.message).contains("masterpool stopped"))
        #expect(missed.map(\.message).contains("ready"))
        #expect(missed.map(\.id) == missed.map(\.id).sorted())
        #expect(missed.first?.id == last + 1)
      }
    }
  }

  /// The ledger is of no use, and the agents are served all the same.
  @Test func withoutALedgerItGoesOn() async throws {
    try await withTemporaryDirectory { directory in
      let setup = Setup()
      let state = "\(directory)/state"
      try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: false)
      try FileManager.default.createDirectory(atPath: "\(state)/history.sqlite", withIntermediateDirectories: false)
      try await withMasterpool(yaml: setup.yaml(directory: directory), in: directory, setup) { masterpool in
        try await masterpool.event("that it cannot be written") {
          $0.kind == .ledger && $0.message.contains("cannot be written")
        }
        let response = try await request("GET", "/work?bytes=10", at: masterpool.address)
        #expect(response.status == 200)
        let reply = try await masterpool.cli("restart", "stubs", "--wait")
        #expect(reply.status == .exited(0), "\(reply.errors)")
        let refused = try await masterpool.cli("history", "stubs")
        #expect(refused.status == .exited(1))
        #expect(refused.errors.contains("cannot be read"), "\(refused.errors)")
        let events: [Event] = try await decoded(masterpool.cli("events", "--json", "--kind", "exit"))
        #expect(events.count == 2)
      }
    }
  }

  // MARK: Asking

  private func history(_ masterpool: Masterpool, _ more: String...) async throws -> HistoryDocument {
    let arguments = ["history", "stubs", "--json", "--limit", "1000", "--control", masterpool.controlSocket] + more
    return try await decoded(run(Programs.masterpool, arguments))
  }

  private func decoded<Document: Decodable>(_ result: CommandResult) throws -> Document {
    guard result.status == .exited(0) else { throw HarnessFailure("\(result.status): \(result.errors)") }
    return try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
  }
}
