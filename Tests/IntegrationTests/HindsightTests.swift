import Foundation
import History
import Pool
import TestSupport
import Testing

/// `masterpool simulate --from-history`: a ledger as masterpool writes it, read from its file and from a supervisor.
@Suite struct HindsightTests {
  private struct Taken: Decodable {
    struct Value: Decodable {
      var option: String
      var value: String
      var source: String
      var overridden: Bool
    }

    var pool: String
    var nodes: Int
    var found: [Value]
    var assumed: [Value]

    func value(of option: String) -> Value? { found.first { $0.option == option } }
  }

  private struct Document: Decodable {
    struct Input: Decodable {
      var agents: Int
      var workers: Int
      var everySeconds: Double?
      var intervalSeconds: Double
    }

    var input: Input
    var takenFrom: Taken?
    var requests: Int
  }

  private func simulate(_ arguments: String...) async throws -> CommandResult {
    try await run(Programs.masterpool, ["simulate"] + arguments)
  }

  private func document(_ result: CommandResult) throws -> Document {
    #expect(result.status == .exited(0), "\(result.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Document.self, from: Data(result.output.utf8))
  }

  @Test func aLedgerAndItsCopyTellTheSame() async throws {
    try await withTemporaryDirectory { directory in
      try await Ledger().write(in: "\(directory)/state")
      let printed = try await simulate("--from-history", "--history", "\(directory)/state", "--hours", "1", "--json")
      let document = try document(printed)
      let taken = try #require(document.takenFrom)
      #expect(taken.pool == "stubs" && taken.nodes == 60)
      #expect(document.input.agents == 60 && document.input.intervalSeconds == 600)
      #expect(document.input.workers == 2 && document.input.everySeconds == 1800)
      #expect(abs(document.requests - 720) < 72, "two of each run: \(document.requests)")
      #expect(taken.value(of: "--compile")?.value == "1.5s±0ms" || taken.value(of: "--compile")?.value == "1.5s")

      for suffix in ["", "-wal"] where access("\(directory)/state/history.sqlite\(suffix)", F_OK) == 0 {
        try move("\(directory)/state/history.sqlite\(suffix)", to: "\(directory)/copy.db\(suffix)")
      }
      let copied = try await simulate(
        "--from-history", "stubs", "--history", "\(directory)/copy.db", "--hours", "1", "--json")
      #expect(copied.output == printed.output, "\(copied.errors)")
      let words = try await simulate(
        "--from-history", "--history", "\(directory)/copy.db", "--hours", "1", "--every", "2h")
      for word in [
        "taken from 3 hours of pool stubs", "overridden; the latest of", "not in the ledger, so as usual:",
      ] {
        #expect(words.output.contains(word), "\(word) in \(words.output)")
      }
    }
  }

  @Test func theSettingsOfAFileCountMoreThanWhatTheyLeft() async throws {
    try await withTemporaryDirectory { directory in
      var setup = Setup()
      setup.workers = 5
      setup.pool = ["recycle: {every: 3h}"]
      try setup.yaml(directory: directory).write(toFile: "\(directory)/masterpool.yaml")
      try await Ledger().write(in: "\(directory)/state")
      let document = try document(
        await simulate(
          "--from-history", "stubs", "--config", "\(directory)/masterpool.yaml", "--hours", "1", "--json"))
      #expect(document.input.workers == 5 && document.input.everySeconds == 10_800)
      #expect(document.takenFrom?.value(of: "--workers")?.source == "\(directory)/masterpool.yaml")
    }
  }

  @Test func aYoungSupervisorSaysWhatIsMissing() async throws {
    try await withMasterpool(Setup()) { pool in
      let young = try await pool.cli("simulate", "--from-history")
      #expect(young.status == .exited(1), "\(young)")
      for words in [
        "the ledger does not tell enough:", "--agents 1200 says it instead", "--interval 30m", "--compile",
      ] {
        #expect(young.errors.contains(words), "\(words) in \(young.errors)")
      }
      let unknown = try await pool.cli("simulate", "--from-history", "others")
      #expect(unknown.status == .exited(64) && unknown.errors.contains("there is stubs"), "\(unknown)")
    }
  }

  @Test func whatMakesNoSenseIsRefused() async throws {
    try await withTemporaryDirectory { directory in
      let refusals: [([String], Int32, String)] = [
        (["--history", "x"], 64, "go with --from-history"),
        (["--since", "2d"], 64, "go with --from-history"),
        (["--from-history", "no such"], 64, "no such"),
        (["--from-history", "--since", "soon", "--history", directory], 64, "--since takes"),
        (["--from-history", "--history", "\(directory)/none"], 69, "there is no"),
        (["--from-history", "--control", "\(directory)/none.sock"], 69, "none.sock"),
      ]
      for (arguments, status, words) in refusals {
        let refused = try await run(Programs.masterpool, ["simulate"] + arguments)
        #expect(refused.status == .exited(status) && refused.errors.contains(words), "\(arguments): \(refused)")
      }
    }
  }
}

/// Three hours of two workers that are replaced every half an hour, and of sixty agents that run every ten minutes.
private struct Ledger {
  private static let begin = 1_795_428_000
  private static let length = 3 * 3600
  private static let life = 1800
  private let pool: PoolName

  init() throws { pool = try #require(PoolName(rawValue: "stubs")) }

  func write(in folder: String) async throws {
    mkdir(folder, 0o700)
    let history = History(stateDirectory: folder, policy: LedgerPolicy(keep: .seconds(3650 * 86400)))
    _ = await history.open()
    for start in stride(from: 0, to: Self.length, by: Self.life) {
      for slot in 0..<2 { live(slot, from: start, history) }
      await history.settle()
    }
    history.keep(gone: [], nodes: (0..<60).map(node))
    await history.settle()
    await history.close()
  }

  private func live(_ slot: Int, from start: Int, _ history: History) {
    let worker = WorkerID(
      slot: SlotID(pool: pool, index: slot), generation: Generation(rawValue: 1 + start / Self.life))
    let samples = stride(from: start, to: start + Self.life, by: 10).map { second in
      WorkerSample(
        worker: worker, pid: 100, at: Self.begin + second, bornAt: Self.begin + start,
        memory: ByteCount(bytes: 80 << 20), requestsTotal: requests(from: start, to: second))
    }
    history.keep(samples)
    let row = ExitRow(
      reason: .timer, measured: "age 30m", limit: "30m", status: "exit 0", pid: 100, memoryAtBirthBytes: 80 << 20,
      memoryAtDeathBytes: 80 << 20, ageSeconds: Double(Self.life),
      requestsServed: requests(from: start, to: start + Self.life), requestsLost: 0, drainSeconds: 0, wipedEntries: 0,
      wipedBytes: 0)
    let id = 1 + start / Self.life * 2 + slot
    history.keep(
      Event(
        id: id, at: written(Self.begin + start + Self.life), kind: .exit, message: "ended", worker: worker, exit: row)
    )
  }

  /// Half of what the agents ask for: sixty runs in ten minutes, each a catalog and a report.
  private func requests(from start: Int, to second: Int) -> Int { (second - start) * 60 / 600 }

  private func node(_ number: Int) -> NodeRow {
    let started = (Self.begin + Self.length - 600 + number * 10) * 1000
    var row = NodeRow(name: "node\(number).example", seenAt: started + 20_000)
    (row.lastRunStartedAt, row.reportedAt) = (started, started + 20_000)
    row.runStartedAt = number < 6 ? started + 600_000 : nil
    row.catalogMilliseconds = 1500
    row.version = "8.10.0"
    row.requests = 36
    return row
  }

  private func written(_ seconds: Int) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }
}
