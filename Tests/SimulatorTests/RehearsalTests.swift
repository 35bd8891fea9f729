import Pool
import Testing

@testable import Simulator

@Suite struct RehearsalTests {
  /// Everything goes wrong now and then.
  private static var rough: Scenario {
    var scenario = Scenario()
    scenario.agents = AgentModel(
      count: 400, interval: .seconds(300), splay: .seconds(20), jitter: .seconds(3), oldShare: 0.2)
    scenario.run = RunModel(node: .always(.milliseconds(15)), files: 3)
    scenario.pool.size = 3
    scenario.pool.queue = QueuePolicy(limit: 40, ceiling: 60, timeout: .seconds(30))
    scenario.pool.requestTimeout = .seconds(60)
    scenario.pool.recycle = RecyclePolicy(
      every: .seconds(200), memory: .mebibytes(250), memoryLimit: .mebibytes(400), requests: 900)
    scenario.worker.growth.leak = Leak(perRequest: 0x1p19, perHour: 0x1p25)
    scenario.worker.crashes = Rate(perRequest: 0.001, perHour: 1)
    scenario.worker.hangs = Rate(perRequest: 0.001)
    scenario.length = .seconds(3600)
    return scenario
  }

  @Test func theSameSeedIsTheSameLifeAndAnotherIsAnother() {
    let first = lived(Self.rough)
    #expect(lived(Self.rough) == first)
    var pieces = Rehearsal(Self.rough)
    for minute in 1...60 { pieces.run(until: .seconds(minute * 60)) }
    #expect(pieces.finished() == first, "in pieces too")
    var other = Self.rough
    other.seed = 2
    #expect(lived(other) != first)
    #expect(lived(Self.rough, box: 1) != first)
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>) func everyRunIsAccountedFor(seed: UInt64) {
    var scenario = Self.rough
    scenario.seed = seed
    let outcome = lived(scenario)
    let runs = outcome.runs
    #expect(runs.started > 1000)
    #expect(runs.started == runs.finished + runs.failedTotal + runs.underWay)
    #expect(outcome.requests >= runs.finished * 9, "node, plugins, catalog, files and report of each")
    for reason in [RecycleReason.timer, .memory, .crash, .stuck] {
      #expect(outcome.restarts[reason, default: .init()].count > 0, "\(reason)")
    }
    #expect(runs.failed[RunFailure.refused.rawValue] > 0)
    #expect(runs.toldToComeBack > 0)
    #expect(outcome.sheds.reduce(0, +) > 0)
    #expect(outcome.lostWorkers > 0)
  }

  /// Each worker lives for `every` less half of its jitter on the average, whatever else there is.
  @Test func timersComeAsOftenAsTheyShould() {
    var scenario = Scenario()
    scenario.agents.count = 50
    scenario.length = .seconds(86400)
    let outcome = lived(scenario)
    let expected = 8 * 86400 / (900 * 0.9)
    let timers = Double(outcome.restarts[.timer, default: .init()].count)
    #expect(abs(timers - expected) < 0.06 * expected, "\(timers), expected \(expected)")
    #expect(Array(outcome.restarts.keys) == [.timer])
    #expect(outcome.timeline.whole.readyLeast == 8, "a successor is ready first")
    #expect(outcome.runs.failedTotal == 0)
  }

  @Test func aLeakIsRecycledBeforeItIsTooMuch() {
    var scenario = Scenario()
    scenario.agents.count = 3000
    scenario.pool.recycle = RecyclePolicy(every: nil, memory: .mebibytes(405), minAge: .zero)
    scenario.worker.growth.leak = Leak(perRequest: 2 * 0x1p20)
    scenario.length = .seconds(6 * 3600)
    let outcome = lived(scenario)
    // From 105 MiB, when it is warm, to 405 in 150 requests.
    let expected = Double(outcome.requests) / 150
    let count = Double(outcome.restarts[.memory, default: .init()].count)
    #expect(abs(count - expected) < 0.05 * expected, "\(count), expected \(expected)")
    let most = outcome.timeline.whole.memoryMost / 0x1p20
    #expect(most > 8 * 105 && most < 9 * 415, "\(most) MiB")
    scenario.pool.recycle.memory = nil
    scenario.pool.recycle.requests = 500
    let counted = lived(scenario)
    let byRequests = Double(counted.restarts[.requests, default: .init()].count)
    #expect(abs(byRequests - Double(counted.requests) / 500) < 0.05 * byRequests, "\(byRequests)")
  }

  /// A budget holds for all of them together.
  @Test func aBudgetIsKept() {
    var scenario = Scenario()
    scenario.agents.count = 200
    scenario.pool.memoryBudget = .mebibytes(2000)
    scenario.pool.recycle = RecyclePolicy(every: nil, minAge: .zero)
    scenario.worker.growth.leak = Leak(perHour: 200 * 0x1p20)
    scenario.length = .seconds(6 * 3600)
    let outcome = lived(scenario)
    #expect(outcome.restarts[.memory, default: .init()].count > 20)
    #expect(outcome.timeline.whole.memoryMost < 2000 * 0x1p20)
  }

  @Test func whatIsTooMuchIsNeverDone() {
    var scenario = Scenario()
    scenario.agents = AgentModel(count: 1000, interval: .seconds(100), splay: .seconds(100))
    scenario.run = RunModel(catalog: .always(.seconds(1)), report: nil)
    scenario.length = .seconds(3600)
    let outcome = lived(scenario)
    #expect(scenario.demand == 1.25)
    #expect(outcome.utilisation > 0.98)
    #expect(abs(Double(outcome.runs.finished) / 3600 - 8) < 0.2)
    #expect(outcome.runs.missed + outcome.sheds.reduce(0, +) > 0)
    #expect(outcome.runs.started == outcome.runs.finished + outcome.runs.failedTotal + outcome.runs.underWay)
    #expect(ForecastText.render(Forecast(scenario, outcome)).contains("It does not hold"))
  }

  /// All at once they take little longer than their work does: an eighth by the schedule of those that are told to come
  /// back, and as much again for those whom the line's timeout sends away a second time.
  @Test func aHerdIsDoneWhenItsWorkIs() {
    var scenario = Scenario()
    scenario.agents = AgentModel(count: 3000, splay: .zero, jitter: .seconds(2))
    scenario.pool.recycle.every = nil
    scenario.length = .seconds(1800)
    let outcome = lived(scenario)
    let work = 3000 * scenario.run.work.inSeconds / 8
    #expect(outcome.runs.finished == 3000)
    #expect(outcome.sheds[ShedCause.limit.rawValue] > 0)
    let last = outcome.delays.quantileSeconds(0.99)
    #expect(last > work * 0.9 && last < work * 1.4, "\(last) for \(work)")
  }

  @Test func withoutASuccessorFirstOneIsMissing() {
    var scenario = Scenario()
    scenario.agents.count = 100
    scenario.pool.recycle.surge = 0
    scenario.worker.start = .always(.seconds(4))
    scenario.length = .seconds(6 * 3600)
    let outcome = lived(scenario)
    let timers = outcome.restarts[.timer, default: .init()]
    #expect(outcome.timeline.whole.readyLeast == 7)
    #expect(timers.count > 100)
    let missing = timers.idleSeconds / Double(timers.count)
    #expect(missing > 3.9 && missing < 6, "\(missing) s each")
  }

  @Test func aWeekHasItsHours() {
    var scenario = Scenario()
    scenario.agents.count = 300
    scenario.agents.week = (0..<168).map { $0 % 24 < 12 ? 0.2 : 1 }
    scenario.length = .seconds(86400)
    scenario.spans = 2
    let spans = lived(scenario).timeline.spans
    #expect(abs(spans[0].workingMean / spans[1].workingMean - 0.2) < 0.03)
  }

  @Test func fewCoresMakeManyWorkersSlow() {
    var scenario = Scenario()
    scenario.agents.count = 3000
    scenario.length = .seconds(3600)
    let fast = lived(scenario)
    scenario.cores = 2
    let slow = lived(scenario)
    #expect(slow.catalogs.quantileSeconds(0.5) > fast.catalogs.quantileSeconds(0.5) * 1.3)
  }

  @Test func boxesShareTheAgents() {
    var scenario = Scenario()
    scenario.agents.count = 10_000
    scenario.boxes = 20
    let counts = scenario.agentsOfBoxes()
    #expect(counts.count == 20 && counts.reduce(0, +) == 10_000)
    let (fewest, most) = (counts.min() ?? 0, counts.max() ?? 0)
    #expect(fewest > 380 && most < 620, "\(counts)")
    scenario.length = .seconds(1800)
    let outcomes = (0..<3).map { lived(scenario, box: $0, agents: counts[$0]) }
    let together = outcomes.dropFirst().reduce(into: outcomes[0]) { $0.merge($1) }
    let (started, waits) = outcomes.reduce((0, 0)) { ($0.0 + $1.runs.started, $0.1 + $1.waits.count) }
    #expect(together.boxes == 3 && together.runs.started == started && together.waits.count == waits)
    let mean = outcomes.reduce(0) { $0 + $1.utilisation } / 3
    #expect(abs(together.utilisation - mean) < 1e-9)
  }
}
