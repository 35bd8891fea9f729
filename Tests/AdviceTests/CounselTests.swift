import Pool
import Testing

@testable import Advice

/// Synthetic workers whose growth is known: what is told of them is within the error stated here.
@Suite struct CounselTests {
  private static let mib = Herd.mib

  /// True growth in MiB an hour, and what blurs it.
  static let leaks: [(name: String, herd: Herd, leak: Double)] = [
    ("plain", Herd(leak: 20), 20),
    ("slow", Herd(hours: 12, lives: 3, leak: 4), 4),
    ("fast", Herd(hours: 1, lives: 20, leak: 300), 300),
    ("noisy", Herd(leak: 20, noise: 12), 20),
    ("behind a long warm-up", Herd(warmUp: 150, warmUpMinutes: 15, leak: 20), 20),
    ("under a sawtooth", Herd(hours: 6, leak: 30, sawtooth: (25, 20)), 30),
    ("with one large catalog", Herd(hours: 6, leak: 20, step: 60), 20),
    ("by requests", Herd(leakPerRequest: 0.05), 30),
    ("in short lives", Herd(hours: 0.75, lives: 30, warmUpMinutes: 3, leak: 60), 60),
  ]

  @Test(arguments: leaks.indices)
  func aLeakIsMeasuredWithinFifteenPercent(_ index: Int) {
    let (name, herd, leak) = Self.leaks[index]
    let advice = Counsel.advise(herd.evidence)
    let found = (advice.perHour?.bytes ?? 0) / Self.mib
    #expect(advice.verdict == .leak, "\(name): \(advice.sentence)")
    #expect(abs(found - leak) < 0.15 * leak, "\(name): \(found) MiB an hour, not \(leak)")
  }

  static let calm: [(name: String, herd: Herd)] = [
    ("flat", Herd()),
    ("noisy", Herd(hours: 8, noise: 5)),
    ("a large plateau", Herd(hours: 8, warmUp: 300, warmUpMinutes: 8)),
    ("a sawtooth", Herd(hours: 8, sawtooth: (30, 15))),
    ("one large catalog", Herd(hours: 8, step: 80)),
    ("a plateau in short lives", Herd(hours: 1, lives: 12, warmUp: 150, warmUpMinutes: 3, stepSeconds: 20)),
    ("a plateau below the noise", Herd(hours: 2, lives: 12, warmUp: 150, warmUpMinutes: 5, noise: 6)),
  ]

  @Test(arguments: calm.indices)
  func withoutALeakTheTimerIsForNothing(_ index: Int) {
    let (name, herd) = Self.calm[index]
    let advice = Counsel.advise(herd.evidence)
    #expect(advice.verdict == .noLeak, "\(name): \(advice.sentence)")
    #expect(advice.sentence.hasPrefix("No leak: the timer is doing nothing for you"), "\(advice.sentence)")
    #expect(advice.advice.everySeconds == 86400 && advice.advice.requests == nil)
  }

  @Test func thePlateauIsToldFromTheLeak() throws {
    let advice = Counsel.advise(Herd(base: 100, warmUp: 60, leak: 25).evidence)
    let plateau = Double(try #require(advice.plateauBytes)) / Self.mib
    let warmUp = try #require(advice.warmUpSeconds)
    #expect((120...4000).contains(warmUp), "\(warmUp)")
    // What it holds when it is warm, by then with what it has leaked.
    #expect(abs(plateau - 160 - 25 * warmUp / 3600) < 10, "\(plateau)")
  }

  /// 1 GiB of limit, 120 MiB warm, 100 MiB an hour: nine hours.
  @Test func theTimeToTheLimitAndWhatIsSafe() throws {
    let advice = Counsel.advise(Herd(hours: 2, lives: 10, leak: 100).evidence)
    let time = try #require(advice.secondsToLimit)
    #expect(abs(time.seconds / 3600 - 9.04) < 0.6, "\(time)")
    #expect(time.low <= time.seconds && time.seconds <= time.high)
    let every = try #require(advice.advice.everySeconds)
    #expect((6...8).contains(every / 3600), "eight tenths of the way, rounded down: \(every / 3600) h")
    #expect(advice.advice.memoryBytes == 810 << 20)
    #expect(advice.sentence.contains("is the longest safe interval"), "\(advice.sentence)")
  }

  /// Lives of three quarters of an hour tell of 18 hours, not of a week.
  @Test(arguments: [6.0, 0])
  func noIntervalIsTrustedThatIsMuchLongerThanAnyLife(_ leak: Double) throws {
    let advice = Counsel.advise(Herd(hours: 0.75, lives: 30, warmUpMinutes: 3, leak: leak, stepSeconds: 20).evidence)
    #expect(advice.verdict == (leak > 0 ? .leak : .noLeak), "\(advice.sentence)")
    #expect(try #require(advice.advice.everySeconds) / 3600 == 16)
    let why = advice.reasons.contains { $0.contains("no worker was watched for more than") }
    #expect(why, "\(advice.reasons)")
    #expect(!advice.sentence.contains("longest safe interval"))
  }

  /// One crash in an hour is one, not 24.
  @Test func restartsOfLessThanADayAreToldAsTheyWere() {
    var document = PoolAdvice(pool: .masters, verdict: .notEnoughData, sentence: "Not enough.")
    document.restartsPerDay = [.init(reason: .crash, count: 24, capacitySeconds: 48)]
    document.days = 1.0 / 24
    let hour = AdviceText.render(AdviceDocument(pools: [document]))
    #expect(hour.contains("crash in 1h  1, 2s of a worker's time lost"), "\(hour)")
    document.days = 3
    let days = AdviceText.render(AdviceDocument(pools: [document]))
    #expect(days.contains("crash a day  24, 48s of a worker's time lost"), "\(days)")
  }

  @Test func whereNothingFitsItSaysSo() {
    var evidence = Herd(leak: 50).evidence
    evidence.settings.memoryLimit = 100 * Self.mib
    let advice = Counsel.advise(evidence)
    #expect(advice.verdict == .leak && advice.advice.everySeconds == nil && advice.advice.memoryBytes == nil)
    #expect(advice.sentence.contains("leaves it no room"), "\(advice.sentence)")
  }

  @Test func requestsAreTheBetterLimitWhereLoadComesAndGoes() throws {
    let uneven = Counsel.advise(Herd(lives: 12, leakPerRequest: 0.1, unevenness: 0.8).evidence)
    let each = try #require(uneven.perRequest).bytes / Self.mib
    #expect(abs(each - 0.1) < 0.015, "\(each)")
    // 900 MiB of room, of which eight tenths, at 0.1 MiB each.
    let requests = try #require(uneven.advice.requests)
    #expect((6000...7300).contains(requests), "\(requests)")
    #expect(Counsel.advise(Herd(lives: 12, leak: 60, unevenness: 0.8).evidence).advice.requests == nil)
  }

  @Test func tooLittleIsSaidToBeTooLittle() throws {
    let none = Counsel.advise(Herd(hours: 0.05, lives: 1).evidence)
    #expect(none.verdict == .notEnoughData && none.advice.everySeconds == nil)
    #expect(none.sentence.hasPrefix("Not enough data yet: 1 hour more."), "\(none.sentence)")

    let few = Counsel.advise(Herd(slots: 2, hours: 0.5, lives: 1, leak: 100).evidence)
    #expect(few.verdict == .notEnoughData, "\(few.sentence)")

    // So noisy that a leak may be there or not.
    let blurred = Counsel.advise(Herd(slots: 2, hours: 1, lives: 3, leak: 1, noise: 60).evidence)
    #expect(blurred.verdict == .notEnoughData && (blurred.hoursMore ?? 0) >= 1, "\(blurred.sentence)")

    // Lives that end while the worker is still warming up.
    let cold = Counsel.advise(Herd(hours: 0.25, lives: 40, warmUp: 200, warmUpMinutes: 9, stepSeconds: 20).evidence)
    #expect(cold.verdict == .notEnoughData && cold.sentence.contains("before they are warm"), "\(cold.sentence)")

    let empty = Counsel.advise(
      Evidence(
        pool: .masters, lives: [], ends: [], settings: .init(workers: 2), machine: .init(cores: 2, bytes: 8e9)))
    #expect(empty.verdict == .notEnoughData && empty.restartsPerDay.isEmpty && empty.advice.workers == nil)
  }

  @Test func restartsAreCountedByTheDayWithWhatTheyCost() throws {
    let advice = Counsel.advise(Herd(leak: 20, reason: .crash, gap: 3).evidence)
    let crashes = try #require(advice.restartsPerDay.first)
    // Each of four slots, six times a day.
    #expect(crashes.reason == .crash && abs(crashes.count - 24) < 1.5, "\(crashes)")
    #expect(abs(crashes.capacitySeconds - 3 * crashes.count) < 0.01)
  }

  /// The ledger keeps events for longer than it has samples.
  @Test func whatEndedWhileNobodyWatchedDoesNotCount() throws {
    var evidence = Herd(slots: 8, leak: 20).evidence
    let whole = Counsel.advise(evidence).restartsPerDay.first?.count
    evidence.lives.removeAll { $0.generation <= 3 }
    let half = Counsel.advise(evidence).restartsPerDay.first?.count
    #expect(
      abs(try #require(half) - (try #require(whole))) < 8,
      "\(String(describing: half)), not twice \(String(describing: whole))")
  }

  /// As many as it takes that one request in five waits at most; by Erlang's tables.
  @Test(arguments: [
    (0.0, nil, 8, 2), (0.05, nil, 8, 2), (0.3, nil, 8, 3), (0.6, nil, 8, 5), (1.0, nil, 8, 7), (1.0, nil, 3, 3),
    (1.0, 4, 8, 2), (2.5, 4, 8, 4), (4.0, 4, 8, 6), (2.5, nil, 8, 5),
  ])
  func workersAreAdvisedByWhatIsBusy(_ busy: Double, _ concurrency: Int?, _ cores: Int, _ workers: Int) {
    var evidence = Herd(busy: busy, concurrency: concurrency).evidence
    evidence.machine.cores = cores
    let advice = Counsel.advise(evidence)
    #expect(advice.advice.workers == workers, "\(advice.reasons)")
    let isFull = advice.reasons.contains { $0.contains("all were at work nearly always") }
    #expect(isFull == (busy >= Double(concurrency ?? Int(busy.rounded(.up))) && busy > 0))
  }

  @Test(arguments: [
    (1, 0.5, 0.5), (2, 1.0, 1.0 / 3), (5, 4.0, 0.5541), (10, 8.0, 0.4092), (3, 3.0, 1.0), (3, 0.0, 0.0),
  ])
  func howManyWaitIsErlangs(_ places: Int, _ load: Double, _ share: Double) {
    #expect(abs(Demand.waiting(places: places, load: load) - share) < 0.0001)
  }

  /// What was asked in the night, or the day before, does not count, nor how long a step of the ledger is.
  @Test func theBusiestHourOfTheLastDayCounts() throws {
    func demand(step: Double, busy: (Double) -> Double) throws -> Demand {
      let points = stride(from: 0, to: 48 * 3600, by: step).map { at in
        Evidence.Point(at: at, bytes: 1, requests: 0, inFlight: busy(at / 3600), samples: Int(step / 10))
      }
      let lives = (0..<4).map { Evidence.Life(slot: $0, generation: 1, points: points) }
      let demand = Demand(
        Evidence(
          pool: .masters, lives: lives, ends: [], settings: .init(workers: 4), machine: .init(cores: 8, bytes: 1)))
      return try #require(demand)
    }
    for step in [20.0, 60, 600] {
      let found = try demand(step: step) { $0 < 24 ? 1 : (39..<40).contains($0) ? 0.5 : 0.1 }
      #expect(abs(found.load - 2) < 0.01, "\(step): \(found.load)")
    }
  }

  /// Nobody is told a number on no grounds.
  @Test func withoutAVerdictNoWorkersAreAdvised() {
    for herd in [Herd(hours: 0.05, lives: 1), Herd(slots: 2, hours: 0.5, lives: 1, leak: 100)] {
      let advice = Counsel.advise(herd.evidence)
      #expect(advice.verdict == .notEnoughData)
      #expect(advice.advice == PoolAdvice.Values() && advice.reasons.isEmpty)
    }
  }
}
