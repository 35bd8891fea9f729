import Foundation
import History
import Pool
import Seeded
import Testing

/// Most of a day of workers whose memory is known, as the ledger would have kept it. Sizes in MiB, times in seconds.
struct Past {
  static let mib = 0x1p20
  private static let pool = "stubs"
  /// Between two samples.
  private static let tick = 10
  /// Samples that the ledger is given before it is waited for.
  private static let batch = 20_000
  /// It ends at a multiple of this, so that the ledger's steps fall alike whenever the test is run.
  private static let grid = 4200

  var workers: Int
  /// As in the settings; what happens is said by `every` and `memory`.
  var recycle: String
  var concurrency = 1
  var hours = 22.0
  /// How long ago it ended.
  var ago = 0
  var base = 80.0
  var warmUp = 40.0
  /// In which two thirds of that are done.
  var warmUpMinutes = 4.0
  /// An hour; of each worker another, by up to a share; and a request.
  var leak = 0.0
  var leakVaries = 0.0
  var leakPerRequest = 0.0
  var noise = 1.0
  var requestsPerHour = 600.0
  /// By up to this share more and less, from hour to hour.
  var unevenness = 0.0
  /// Requests that a worker is at, on the average.
  var busy = 0.2
  var every: Int?
  var memory: Double?
  /// How long a place has nobody after a restart.
  var gap = 0
  var seed: UInt64 = 0

  /// What happened, to hold advice against.
  struct Account {
    /// Restarts by that, a day.
    var timer = 0.0
    var memory = 0.0
    /// A day.
    var requests = 0.0
    var leaks: [Double] = []

    var medianLeak: Double { leaks.sorted()[leaks.count / 2] }
  }

  init(workers: Int, recycle: String) {
    self.workers = workers
    self.recycle = recycle
  }

  func write(in folder: String) async throws -> Account {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let history = History(stateDirectory: folder, policy: LedgerPolicy(keep: .seconds(3650 * 86400)))
    let first = await history.open()
    var account = Account()
    var events: [Event] = []
    for slot in 0..<workers {
      let samples = try live(slot, &account, &events)
      for start in stride(from: 0, to: samples.count, by: Self.batch) {
        history.keep(Array(samples[start..<min(samples.count, start + Self.batch)]))
        await history.settle()
      }
    }
    for (number, event) in events.sorted(by: { $0.at < $1.at }).enumerated() {
      var event = event
      event.id = first + number
      history.keep(event)
    }
    await history.settle()
    #expect(history.trouble == nil)
    await history.close()
    return account
  }

  /// One slot from the beginning to the end.
  private func live(_ slot: Int, _ account: inout Account, _ events: inout [Event]) throws -> [WorkerSample] {
    let pool = try #require(PoolName(rawValue: Self.pool))
    var random = SeededGenerator(seed: seed * 1000 + UInt64(slot) + 1)
    let end = (Int(Date().timeIntervalSince1970) - ago) / Self.grid * Self.grid
    let begin = end - Int(hours * 3600)
    var samples: [WorkerSample] = []
    // Slots are not recycled all at once.
    var (generation, born) = (1, begin)
    var life = newLife(first: slot, &random)
    account.leaks.append(life.leak)
    for now in stride(from: begin + Self.tick, to: end, by: Self.tick) where now > born {
      let worker = WorkerID(slot: SlotID(pool: pool, index: slot), generation: Generation(rawValue: generation))
      life.requests += rate(slot, hour: (now - begin) / 3600) * Double(Self.tick) / 3600
      let held = memory(of: life, age: Double(now - born), &random)
      samples.append(
        WorkerSample(
          worker: worker, pid: 100, at: now, bornAt: born, memory: ByteCount(bytes: Int(held * Self.mib)),
          requestsTotal: Int(life.requests), requestsInFlight: inFlight(&random)))
      guard let reason = reason(age: now - born + life.headStart, held: held) else { continue }
      if reason == .memory { account.memory += 24 / hours } else { account.timer += 24 / hours }
      account.requests += life.requests * 24 / hours
      events.append(exit(of: worker, at: now, reason, age: now - born, held, Int(life.requests)))
      generation += 1
      born = now + gap
      events.append(
        Event(
          id: 0, at: written(born), kind: .ready, message: "ready",
          worker: WorkerID(slot: worker.slot, generation: Generation(rawValue: generation))))
      life = newLife(&random)
      account.leaks.append(life.leak)
    }
    account.requests += life.requests * 24 / hours
    return samples
  }

  private struct Life {
    var leak: Double
    /// Of the first one of a slot, so that slots take turns.
    var headStart = 0
    var requests = 0.0
  }

  private func newLife(first slot: Int? = nil, _ random: inout SeededGenerator) -> Life {
    let headStart = slot.map { (every ?? 0) * $0 / workers / 600 * 600 } ?? 0
    return Life(
      leak: leak * (1 + leakVaries * Double.random(in: -1...1, using: &random)), headStart: headStart)
  }

  private func rate(_ slot: Int, hour: Int) -> Double {
    // Each slot and hour of its own, and as much above as below.
    let share = Double((hour * 7 + slot * 3) % 11) / 5 - 1
    return requestsPerHour * (1 + unevenness * share)
  }

  private func memory(of life: Life, age: Double, _ random: inout SeededGenerator) -> Double {
    // The sum of several is about normal, with `noise` as its deviation.
    let blur = (0..<6).reduce(0.0) { sum, _ in sum + Double.random(in: -1...1, using: &random) } / 1.41
    let warm = warmUp * (1 - exp(-age / 60 / warmUpMinutes))
    return base + warm + life.leak * age / 3600 + leakPerRequest * life.requests + noise * blur
  }

  /// As many of the places as are busy, each by chance.
  private func inFlight(_ random: inout SeededGenerator) -> Int {
    (0..<concurrency).count { _ in Double.random(in: 0..<1, using: &random) < busy / Double(concurrency) }
  }

  private func reason(age: Int, held: Double) -> RecycleReason? {
    if let memory, held > memory { return .memory }
    if let every, age >= every { return .timer }
    return nil
  }

  private func exit(
    of worker: WorkerID, at now: Int, _ reason: RecycleReason, age: Int, _ held: Double, _ requests: Int
  ) -> Event {
    let row = ExitRow(
      reason: reason, measured: "", limit: "", status: "exit 0", pid: 100,
      memoryAtBirthBytes: Int(base * Self.mib), memoryAtDeathBytes: Int(held * Self.mib), ageSeconds: Double(age),
      requestsServed: requests, requestsLost: 0, drainSeconds: 0, wipedEntries: 0, wipedBytes: 0)
    return Event(id: 0, at: written(now), kind: .exit, message: "ended", worker: worker, exit: row)
  }

  private func written(_ seconds: Int) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }
}
