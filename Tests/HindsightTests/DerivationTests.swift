import Pool
import Simulator
import Testing

@testable import Hindsight

/// Synthetic pasts whose parameters are known: what is derived of them is within the error stated here.
@Suite struct DerivationTests {
  static let rhythms: [(name: String, past: Bygone, interval: Double, splay: Double)] = [
    ("spread over all", Bygone(), 1800, 1800),
    ("every quarter of an hour", Bygone(interval: 900), 900, 900),
    ("every hour", Bygone(interval: 3600, hours: 24), 3600, 3600),
    ("over ten minutes", Bygone(splay: 600), 1800, 600),
    ("all at once", Bygone(splay: 0), 1800, 0),
    ("few", Bygone(agents: 30), 1800, 1800),
    ("late by a minute", Bygone(jitter: 60), 1800, 1800),
    ("seldom seen", Bygone(agents: 60, hours: 2), 1800, 1800),
  ]

  /// Within 3%; of few agents within 10%, and the splay within 5% of the interval.
  @Test(arguments: rhythms.indices) func theIntervalAndTheSplayAreFound(_ index: Int) throws {
    let (name, bygone, interval, splay) = Self.rhythms[index]
    let agents = try Derivation.derive(bygone.past).scenario.agents
    let error = bygone.agents < 100 ? 0.1 : 0.03
    #expect(abs(agents.interval.inSeconds - interval) <= error * interval, "\(name): \(agents.interval)")
    let off = abs(agents.splay.inSeconds - splay)
    #expect(off <= (error + 0.02) * interval, "\(name): \(agents.splay)")
    #expect(agents.count == bygone.agents, "\(name)")
  }

  /// Each of the three ways to tell the interval, alone.
  @Test(arguments: [0, 1, 2]) func eachWayToTellTheIntervalTellsIt(_ way: Int) throws {
    var past = Bygone().past
    if way != 0 { for index in past.nodes.indices { past.nodes[index].runStartedAt = nil } }
    if way == 2 { past.pulse = nil }
    let (scenario, derived) = try Derivation.derive(past)
    let source = derived.found.first { $0.option == "--interval" }?.source ?? ""
    let words = ["two starts in a row", "repeat themselves", "how long ago"]
    #expect(source.contains(words[way]), "\(source)")
    let error = way == 2 ? 0.12 : 0.02
    #expect(abs(scenario.agents.interval.inSeconds - 1800) < error * 1800, "\(scenario.agents.interval)")
  }

  @Test func catalogsAreSpreadAsTheyWere() throws {
    let past = Bygone(catalogs: 0.5...3.5).past
    let (scenario, derived) = try Derivation.derive(past)
    let catalog = scenario.run.catalog
    #expect(abs(catalog.mean.inSeconds - 2) < 0.1, "\(catalog)")
    #expect(abs(catalog.deviation.inSeconds - 3 / 12.0.squareRoot()) < 0.06, "\(catalog)")
    #expect(abs(scenario.run.apply.mean.inSeconds - 19.9) < 1, "\(scenario.run.apply)")
    let source = derived.found.first { $0.option == "--compile" }?.source ?? ""
    #expect(source.contains("400 nodes") && source.contains("99% within 3.4"), "\(source)")
  }

  static let classes: [(name: String, past: Bygone, files: Int, hasReport: Bool)] = [
    ("catalogs alone", Bygone(hasReports: false), 0, false),
    ("with reports", Bygone(), 0, true),
    ("with files", Bygone(files: 20), 17, true),
  ]

  /// Files within one.
  @Test(arguments: classes.indices) func requestsOfARunAreCounted(_ index: Int) throws {
    let (name, bygone, files, hasReport) = Self.classes[index]
    let run = try Derivation.derive(bygone.past).scenario.run
    #expect(abs(run.files - files) <= 1, "\(name): \(run.files)")
    #expect((run.report != nil) == hasReport, "\(name)")
    #expect(run.node == nil)
  }

  /// A supervisor that runs tells the classes and their times.
  @Test func classesAreTakenFromWhoCountsThem() throws {
    var past = Bygone().past
    past.classes = [
      .catalog: .init(count: 2000, meanSeconds: 0.9, deviationSeconds: 0.5),
      .report: .init(count: 1000, meanSeconds: 0.06, deviationSeconds: 0.02),
      .file: .init(count: 12_000, meanSeconds: 0.009, deviationSeconds: 0.004),
    ]
    let run = try Derivation.derive(past).scenario.run
    #expect(run.files == 9)
    #expect(run.report == .about(.milliseconds(60), deviation: .milliseconds(20)))
    #expect(run.file.mean == .milliseconds(9))
    // Two a run take 1.8 s, and a catalog 1.6 s of them.
    let node = try #require(run.node).mean.inSeconds
    #expect(abs(node - 0.2) < 0.1, "\(node)")
  }

  @Test(arguments: [0.0, 30, 120]) func leaksAreThoseOfAdvice(leak: Double) throws {
    let bygone = Bygone(hours: 24, every: 4 * 3600, leakPerHour: leak)
    let growth = try Derivation.derive(bygone.past).scenario.worker.growth
    let found = growth.leak.perHour / Bygone.mib
    #expect(abs(found - leak) <= 0.15 * leak, "\(found) MiB an hour")
    #expect(growth.leak.perRequest == 0)
    #expect(growth.birth == .mebibytes(70))
    let plateau = Double(growth.plateau.bytes) / Bygone.mib
    #expect(abs(plateau - 50) < 12, "\(plateau) MiB")
  }

  @Test func crashesAreCountedByTheHour() throws {
    let bygone = Bygone(hours: 48, slots: 8, crashesPerHour: 0.3)
    let scenario = try Derivation.derive(bygone.past).scenario
    #expect(abs(scenario.worker.crashes.perHour - 0.3) < 0.075, "\(scenario.worker.crashes)")
    #expect(scenario.worker.hangs == Rate())
  }

  @Test func settingsAreInferredFromHowWorkersEnded() throws {
    let (pool, derived) = try Self.pool(Bygone(slots: 5).past)
    #expect(pool.size == 5)
    let every = try #require(pool.recycle.every).inSeconds
    #expect(abs(every - 7200) < 0.03 * 7200, "\(every)")
    #expect(abs(pool.recycle.jitter - 0.2) < 0.04, "\(pool.recycle.jitter)")
    #expect(pool.recycle.memory == nil)
    let assumed = derived.assumed.map(\.option)
    #expect(assumed.contains("--concurrency"), "\(assumed)")

    var byMemory = Bygone(every: nil).past
    byMemory.exits = [
      .init(slot: 0, generation: 1, at: Bygone.begin + 9, reason: .memory, ageSeconds: 9, limit: "600 MiB"),
      .init(slot: 0, generation: 2, at: Bygone.begin + 20, reason: .memory, ageSeconds: 9, limit: "700MiB"),
      .init(slot: 0, generation: 3, at: Bygone.begin + 30, reason: .requests, ageSeconds: 9, limit: "5000"),
    ]
    let limited = try Self.pool(byMemory).pool.recycle
    #expect(limited.every == nil && limited.memory == .mebibytes(700) && limited.requests == 5000)
  }

  @Test func settingsThatAreToldCount() throws {
    var past = Bygone().past
    past.settings = Past.Settings(
      PoolPolicy(size: 12, recycle: RecyclePolicy(every: .seconds(60))), source: "masterpool.yaml")
    let (pool, derived) = try Self.pool(past)
    #expect(pool.size == 12 && pool.recycle.every == .seconds(60))
    let sources = derived.found.filter { $0.option == "--workers" }.map(\.source)
    #expect(sources == ["masterpool.yaml"])
  }

  private static func pool(_ past: Past) throws -> (pool: PoolPolicy, derived: Derived) {
    let (scenario, derived) = try Derivation.derive(past)
    return (scenario.pool, derived)
  }

  @Test func oldAndGoneAgentsAreToldFromOthers() throws {
    let scenario = try Derivation.derive(Bygone(oldAgents: 100, gone: 50).past).scenario
    #expect(scenario.agents.count == 350)
    #expect(abs(scenario.agents.oldShare - 50.0 / 350) < 0.001, "\(scenario.agents.oldShare)")
  }

  @Test func aWeekThatHasNightsIsLivedWithThem() throws {
    let (scenario, derived) = try Derivation.derive(
      Bygone(agents: 200, hours: 8 * 24, every: 86400, nightShare: 0.3, stepSeconds: 600).past)
    let week = scenario.agents.week
    try #require(week.count == 168)
    let (night, day) = (week[0..<12].reduce(0, +) / 12, week[12..<24].reduce(0, +) / 12)
    #expect(abs(night / day - 0.3) < 0.05, "\(night / day)")
    #expect(derived.week != nil)
    #expect(scenario.run.files == 0, "fewer runs, not fewer requests of each")
    #expect(try Derivation.derive(Bygone().past).scenario.agents.week.isEmpty)
  }
}
