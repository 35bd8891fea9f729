import Foundation
import Pool
import TestSupport
import Testing

/// `masterpool advise` over the ledger of workers whose growth is known.
@Suite struct AdviseLedgerTests {
  private struct Comparison: Decodable {
    struct Replay: Decodable {
      var restartsPerDay: [Restarts]
      var workerPeakBytes: Double
      var byRequest: Bool

      func count(_ reason: String) -> Double { restartsPerDay.first { $0.reason == reason }?.count ?? 0 }
    }

    struct Restarts: Decodable {
      var reason: String
      var count: Double
    }

    var asItIs: Replay
    var then: Replay
  }

  /// A ledger of these workers, and settings for them.
  private func withPast(_ past: Past, _ body: (Asking, Past.Account) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let account = try await past.write(in: "\(folder)/state")
      var setup = Setup()
      setup.workers = past.workers
      setup.concurrency = past.concurrency
      setup.pool = ["recycle: \(past.recycle)"]
      let file = "\(folder)/masterpool.yaml"
      try setup.yaml(directory: folder).write(toFile: file)
      try await body(Asking(places: ["--state-dir", "\(folder)/state", "--config", file]), account)
    }
  }

  private struct Asking {
    var places: [String]

    func advise(_ more: String...) async throws -> String {
      let printed = try await run(Programs.masterpool, ["advise"] + places + more)
      #expect(printed.status == .exited(0), "\(printed.errors)")
      return printed.output
    }

    func advice() async throws -> PoolAdvice {
      let document = try JSONDecoder().decode(AdviceDocument.self, from: Data(try await advise("--json").utf8))
      #expect(document.pools.count == 1)
      return try #require(document.pools.first)
    }

    func whatIf(_ change: String) async throws -> Comparison {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let printed = Data(try await advise("--what-if", change, "--json").utf8)
      return try #require(try decoder.decode([Comparison].self, from: printed).first)
    }
  }

  /// Within so much of the truth.
  private func expect(
    _ found: Double?, _ truth: Double, within share: Double, _ what: String,
    at place: SourceLocation = #_sourceLocation
  ) {
    let isNear = found.map { abs($0 - truth) <= share * truth } ?? false
    #expect(isNear, "\(what): \(String(describing: found)), in truth \(truth)", sourceLocation: place)
  }

  private func workers(_ wanted: Int) -> Int { min(wanted, max(1, ProcessInfo.processInfo.activeProcessorCount)) }

  /// 120 MiB warm and 20 MiB an hour, to 400 MiB: fourteen hours.
  @Test func aLeakByTheHour() async throws {
    var past = Past(workers: 4, recycle: "{every: 4h, memory_limit: 400MiB}")
    (past.leak, past.noise, past.every, past.gap, past.busy) = (20, 4, 4 * 3600, 5, 0.3)
    try await withPast(past) { ledger, account in
      let advice = try await ledger.advice()
      #expect(advice.verdict == .leak, "\(advice.sentence)")
      let growth = try #require(advice.perHour)
      expect(growth.bytes / Past.mib, 20, within: 0.15, "growth")
      #expect(growth.low <= 20 * Past.mib && 20 * Past.mib <= growth.high, "\(growth)")
      #expect(advice.limitBytes == 400 << 20)
      let time = try #require(advice.secondsToLimit)
      expect(time.seconds / 3600, 14, within: 0.15, "hours to the limit")
      #expect(time.low <= time.seconds && time.seconds <= time.high)
      #expect(advice.advice.everySeconds == 28_800, "four fifths of the way, as a person would write it")
      #expect(advice.advice.memoryBytes == 320 << 20 && advice.advice.requests == nil)
      #expect(advice.advice.workers == workers(3), "1.2 at work: \(advice.reasons)")
      #expect(advice.restartsPerDay.map(\.reason) == [.timer])
      expect(advice.restartsPerDay.first?.count, account.timer, within: 0.1, "restarts")
      expect(advice.restartsPerDay.first?.capacitySeconds, 5 * account.timer, within: 0.1, "their cost")

      let longer = try await ledger.whatIf("every=8h")
      expect(longer.asItIs.count("timer"), account.timer, within: 0.1, "restarts as it is")
      expect(longer.asItIs.workerPeakBytes / Past.mib, 200, within: 0.1, "largest worker as it is")
      expect(longer.then.count("timer"), account.timer / 2, within: 0.1, "restarts then")
      expect(longer.then.workerPeakBytes / Past.mib, 280, within: 0.1, "largest worker then")
      let words = try await ledger.advise()
      for line in ["growth an hour", "recycle: {every: 8h, memory: 320MiB}", "  timer in 2"] {
        #expect(words.contains(line), "\(line) in \(words)")
      }
      #expect(try await ledger.advise("--what-if", "every=8h").contains("  largest worker"))
    }
  }

  /// A tenth of a MiB each, at some times four times as often as at others; restarts by memory.
  @Test func aLeakByTheRequest() async throws {
    var past = Past(workers: 3, recycle: "{every: off, memory: 300MiB, memory_limit: 400MiB}")
    (past.leakPerRequest, past.unevenness, past.memory, past.busy) = (0.1, 0.6, 300, 0.1)
    try await withPast(past) { ledger, account in
      let advice = try await ledger.advice()
      #expect(advice.verdict == .leak, "\(advice.sentence)")
      let each = try #require(advice.perRequest)
      expect(each.bytes / Past.mib, 0.1, within: 0.15, "growth a request")
      #expect(each.low <= 0.1 * Past.mib && 0.1 * Past.mib <= each.high, "\(each)")
      // Of 280 MiB of room four fifths.
      expect(advice.advice.requests.map(Double.init), 2240, within: 0.15, "requests")
      #expect(advice.advice.memoryBytes == 320 << 20)
      #expect(advice.restartsPerDay.map(\.reason) == [.memory])
      expect(advice.restartsPerDay.first?.count, account.memory, within: 0.1, "restarts")
      #expect(advice.advice.workers == workers(2), "\(advice.reasons)")

      let sooner = try await ledger.whatIf("memory=off,requests=900")
      expect(sooner.asItIs.count("memory"), account.memory, within: 0.1, "restarts as it is")
      #expect(sooner.then.byRequest && sooner.then.count("memory") == 0)
      expect(sooner.then.count("requests"), account.requests / 900, within: 0.1, "restarts then")
      expect(sooner.then.workerPeakBytes / Past.mib, 210, within: 0.1, "largest worker then")
    }
  }

  /// Some reach the limit before their time is over.
  @Test func restartsByMemoryAndByTheTimer() async throws {
    var past = Past(workers: 4, recycle: "{every: 4h, memory: 300MiB, memory_limit: 400MiB}")
    (past.leak, past.leakVaries, past.noise, past.every, past.memory) = (45, 0.3, 8, 4 * 3600, 300)
    try await withPast(past) { ledger, account in
      let advice = try await ledger.advice()
      #expect(advice.verdict == .leak, "\(advice.sentence)")
      expect(advice.perHour.map { $0.bytes / Past.mib }, account.medianLeak, within: 0.15, "growth")
      #expect(account.memory > 3 && account.timer > 3, "\(account)")
      for (reason, count) in [(RecycleReason.memory, account.memory), (.timer, account.timer)] {
        let found = advice.restartsPerDay.first { $0.reason == reason }
        expect(found?.count, count, within: 0.1, "restarts by \(reason)")
      }
      let shorter = try await ledger.whatIf("every=2h,memory=off")
      expect(shorter.then.count("timer"), 48, within: 0.1, "restarts then")
      #expect(shorter.then.count("memory") == 0)
    }
  }

  /// Warming up takes a quarter of an hour and 150 MiB; each worker can do four things at once, and does one.
  @Test func aPlateauWithNoiseIsNoLeak() async throws {
    var past = Past(workers: 2, recycle: "{every: 2h, memory_limit: 400MiB}")
    (past.warmUp, past.warmUpMinutes, past.noise, past.every) = (150, 5, 6, 2 * 3600)
    (past.concurrency, past.busy) = (4, 1)
    try await withPast(past) { ledger, account in
      let advice = try await ledger.advice()
      #expect(advice.verdict == .noLeak, "\(advice.sentence)")
      #expect(advice.sentence.hasPrefix("No leak: the timer is doing nothing for you"), "\(advice.sentence)")
      expect(advice.plateauBytes.map { Double($0) / Past.mib }, 230, within: 0.05, "warm")
      #expect(advice.advice.everySeconds == 86400 && advice.advice.requests == nil)
      #expect(advice.advice.workers == workers(2), "of four requests each: \(advice.reasons)")
      let longer = try await ledger.whatIf("every=1d")
      expect(longer.then.workerPeakBytes / Past.mib, 230, within: 0.1, "largest worker then")
      expect(longer.then.count("timer"), 2, within: 0.2, "restarts then")
    }
  }

  @Test func twentyMinutesAreNotEnough() async throws {
    var past = Past(workers: 2, recycle: "{every: 4h, memory_limit: 400MiB}")
    (past.hours, past.leak, past.busy) = (1.0 / 3, 200, 1)
    try await withPast(past) { ledger, _ in
      let advice = try await ledger.advice()
      #expect(advice.verdict == .notEnoughData && (advice.hoursMore ?? 0) >= 1, "\(advice.sentence)")
      #expect(advice.advice == PoolAdvice.Values() && advice.reasons.isEmpty)
      let words = try await ledger.advise()
      #expect(!words.contains("Set, under") && !words.contains("workers:"), "\(words)")
    }
  }

  /// What a machine left that is gone: the last week is the one before the ledger's end, and pools are those it knows.
  @Test func anOldLedgerIsReadFromItsEnd() async throws {
    var past = Past(workers: 2, recycle: "{every: 2h}")
    (past.hours, past.leak, past.every, past.ago) = (8, 60, 2 * 3600, 20 * 86400)
    try await withTemporaryDirectory { folder in
      _ = try await past.write(in: folder)
      let printed = try await run(Programs.masterpool, ["advise", "--state-dir", folder, "--json"])
      let document = try JSONDecoder().decode(AdviceDocument.self, from: Data(printed.output.utf8))
      let advice = try #require(document.pools.first)
      #expect(advice.pool.rawValue == "stubs" && advice.verdict == .leak, "\(advice.sentence)")
      expect(advice.perHour.map { $0.bytes / Past.mib }, 60, within: 0.15, "growth")
    }
  }
}
