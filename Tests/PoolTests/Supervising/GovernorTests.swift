import Pool
import Testing

private typealias Script = PoolScript
private func worker(_ slot: Int, _ generation: Int) -> WorkerID { PoolScript.worker(slot, generation) }

/// What a recycle waits for, and that it says so.
@Suite struct GovernorTests {
  private func waits(_ script: Script, _ slot: Int) -> Hindrance? {
    script.machine.slots[slot].workers.last?.pending?.hindrance
  }

  private func ready(_ script: Script) -> Int { script.machine.readyCount }

  @Test func scalingDownDoesNotLeaveTooFew() {
    var script = Script.running(PoolPolicy(size: 4, recycle: .quiet(minReady: .percent(100))))
    _ = script.end(worker(0, 1), .exited(status: 1))
    _ = script.end(worker(1, 1), .exited(status: 1))
    // Two back off; of those that are not wanted both serve on.
    #expect(script.send(.scale(2)) == [])
    script.send(.tick)
    #expect(script.advance(.seconds(1)) == [.start(worker(0, 2)), .start(worker(1, 2))])
    #expect(script.send(.becameReady(worker(0, 2))) == [.admit(worker(0, 2)), .drain(worker(2, 1))])
    #expect(script.send(.becameReady(worker(1, 2))) == [.admit(worker(1, 2)), .drain(worker(3, 1))])
  }

  @Test func whatTheOperatorTookOutIsNotCounted() {
    var script = Script.running(PoolPolicy(size: 3, recycle: .quiet(surge: 0, minReady: .count(2))))
    script.send(.hold(slot: 0))
    #expect(script.send(.restart(slot: 1, .manual)) == [])
    #expect(waits(script, 1) == .minReady(2, ready: 2, size: 3))
    #expect(script.send(.release(slot: 0)).contains(.drain(worker(1, 1))))
  }

  @Test func aHindranceIsToldOnceAndShownAsLongAsItLasts() {
    var script = Script.running(PoolPolicy(size: 1, recycle: .quiet(surge: 0, minReady: .count(1))))
    script.send(.restart(slot: 0, .manual))
    for _ in 0..<5 { _ = script.advance(.seconds(1)) }
    let told = script.decisions.map(\.verdict)
    #expect(told == [.waits(.minReady(1, ready: 1, size: 1))])
    #expect(waits(script, 0)?.description == "min_ready 1: 1 of 1 ready")
  }

  @Test func toWaitForOnesTurnIsNoNews() {
    var script = Script.running(PoolPolicy(size: 3, recycle: .quiet()))
    script.send(.restart(slot: nil, .manual))
    #expect(script.decisions.map(\.worker) == [worker(0, 1)])
    #expect(waits(script, 1) == .turn(surge: 1))
  }

  @Test func aYoungWorkerStaysWhateverItHolds() {
    var policy = PoolPolicy(size: 1, recycle: .quiet())
    policy.recycle.minAge = .seconds(60)
    policy.recycle.memory = .mebibytes(100)
    var script = Script.running(policy)
    #expect(script.send(.sampled(worker(0, 1), memory: .mebibytes(150))) == [])
    #expect(script.machine.nextDeadline == script.now + .seconds(60))
    #expect(script.advance(.seconds(59)) == [])
    #expect(script.advance(.seconds(1)) == [.start(worker(0, 2))])
  }

  @Test func theTimerAndTheHardLimitDoNotAskForItsAge() {
    var policy = PoolPolicy(size: 1, recycle: RecyclePolicy(every: .seconds(10), jitter: 0, minAge: .seconds(60)))
    policy.recycle.memoryLimit = .mebibytes(100)
    var script = Script.running(policy)
    let effects = script.send(.sampled(worker(0, 1), memory: .mebibytes(150)))
    #expect(effects.contains(.kill(worker(0, 1))))
    script = Script.running(policy)
    #expect(script.advance(.seconds(10)) == [.start(worker(0, 2))])
  }

  /// Monday, 2026-11-23, midnight in UTC.
  private static let monday: Int64 = 1_795_392_000

  private func windowed(_ windows: RecycleWindows, hour: Int64) -> Script {
    var script = Script(
      PoolPolicy(size: 1, recycle: RecyclePolicy(every: .seconds(600), jitter: 0, windows: windows)))
    script.send(.clock(WallClock(at: script.now, seconds: Self.monday + hour * 3600, offset: 0)))
    script.send(.start)
    script.send(.becameReady(worker(0, 1)))
    return script
  }

  @Test func plannedRecyclesWaitForTheirWindow() {
    var script = windowed(RecycleWindows(only: [WeekSpan(days: [0], start: 8 * 60, end: 9 * 60)]), hour: 7)
    #expect(script.advance(.seconds(600)) == [])
    #expect(waits(script, 0)?.description == "its window: only mon 08:00-09:00")
    #expect(script.machine.nextDeadline == script.now + .seconds(3000))
    #expect(script.advance(.seconds(2999)) == [])
    #expect(script.advance(.seconds(1)) == [.start(worker(0, 2))])
  }

  @Test func theOperatorWaitsForNoWindow() {
    var script = windowed(RecycleWindows(never: [WeekSpan(days: Array(0..<7))]), hour: 7)
    #expect(script.advance(.seconds(900)) == [])
    #expect(script.send(.restart(slot: 0, .manual)) == [.start(worker(0, 2))])
  }

  @Test func summerOpensTheWindowAnHourSooner() {
    var script = windowed(RecycleWindows(only: [WeekSpan(days: [0], start: 8 * 60, end: 9 * 60)]), hour: 7)
    #expect(script.advance(.seconds(600)) == [])
    let clock = WallClock(at: script.now, seconds: Self.monday + 7 * 3600 + 600, offset: 3600)
    #expect(script.send(.clock(clock)) == [.start(worker(0, 2))])
  }

  @Test func withoutAClockAWindowIsShut() {
    var script = Script.running(
      PoolPolicy(
        size: 1,
        recycle: RecyclePolicy(every: .seconds(10), windows: RecycleWindows(only: [WeekSpan(days: Array(0..<7))]))))
    #expect(script.advance(.seconds(10)) == [])
    #expect(waits(script, 0)?.kind == .window)
  }

  @Test func aBusyPoolPutsRecyclesOffButNotForEver() {
    var script = Script.running(
      PoolPolicy(size: 1, recycle: RecyclePolicy(every: .seconds(100), jitter: 0, loadBelow: 70)))
    script.send(.load(percent: 70))
    #expect(script.advance(.seconds(100)) == [])
    #expect(waits(script, 0)?.description == "a quiet moment: load 70%, load_below 70%")
    #expect(script.machine.nextDeadline == script.now + .seconds(100))
    var patient = script
    #expect(patient.send(.load(percent: 69)) == [.start(worker(0, 2))])
    #expect(script.advance(.seconds(99)) == [])
    #expect(script.advance(.seconds(1)) == [.start(worker(0, 2))])
  }

  // MARK: Memory

  private func budgeted(_ mebibytes: Int, minReady: Share = .count(1)) -> Script {
    var policy = PoolPolicy(size: 2, recycle: .quiet(minReady: minReady))
    policy.memoryBudget = .mebibytes(mebibytes)
    var script = Script.running(policy)
    for slot in 0..<2 { script.send(.sampled(worker(slot, 1), memory: .mebibytes(100))) }
    return script
  }

  @Test func nearTheBudgetTheLargestGoesAndThenItIsMeasuredAgain() {
    var script = budgeted(1200)
    script.send(.sampled(worker(0, 1), memory: .mebibytes(500)))
    #expect(script.send(.sampled(worker(1, 1), memory: .mebibytes(581))) == [.start(worker(1, 2))])
    #expect(script.send(.sampled(worker(0, 1), memory: .mebibytes(600))) == [])
    script.send(.becameReady(worker(1, 2)))
    script.send(.drained(worker(1, 1)))
    _ = script.end(worker(1, 1))
    #expect(script.send(.sampled(worker(1, 2), memory: .mebibytes(100))) == [])
    #expect(script.send(.sampled(worker(0, 1), memory: .mebibytes(990))) == [.start(worker(0, 2))])
  }

  @Test func aSuccessorThatDoesNotFitStartsWhenTheOldOneIsGone() {
    var script = budgeted(250)
    #expect(script.send(.restart(slot: 0, .manual)) == [.drain(worker(0, 1))])
    #expect(script.decisions.last?.verdict == .oldFirst)
    #expect(script.send(.tick) == [])
    script.send(.drained(worker(0, 1)))
    #expect(script.end(worker(0, 1)).contains(.start(worker(0, 2))))
  }

  @Test func whereNoneMayGoFirstItWaitsForTheBudget() {
    var script = budgeted(250, minReady: .percent(100))
    #expect(script.send(.restart(slot: 0, .manual)) == [])
    #expect(waits(script, 0) == .budget(expected: .mebibytes(100), left: .mebibytes(50)))
    #expect(script.send(.sampled(worker(1, 1), memory: .mebibytes(40))) == [.start(worker(0, 2))])
  }

  @Test func whatAWarmParentHoldsCounts() {
    var script = budgeted(350)
    script.send(.sampledOthers(.mebibytes(100)))
    #expect(script.machine.memoryInUse == .mebibytes(300))
    #expect(script.send(.restart(slot: 0, .manual)) == [.drain(worker(0, 1))])
  }

  @Test func aBudgetThatIsNoLongerNeededIsForgotten() {
    var script = budgeted(250, minReady: .percent(100))
    script.send(.sampled(worker(0, 1), memory: .mebibytes(150)))
    #expect(script.machine.slots[0].workers[0].pending?.reason == .memory)
    script.send(.sampled(worker(0, 1), memory: .mebibytes(60)))
    #expect(script.machine.slots[0].workers[0].pending == nil)
  }

  // MARK: Timers

  private func dues(_ script: Script) -> [Instant] {
    script.machine.slots.flatMap(\.workers).compactMap { worker in
      guard case .ready(_, let due) = worker.state else { return nil }
      return due
    }.sorted()
  }

  private func smallestGap(_ script: Script) -> Duration? {
    let dues = dues(script)
    return zip(dues, dues.dropFirst()).map { $1 - $0 }.min()
  }

  @Test func timersAreSpreadAgainAfterAllHaveCrashedAtOnce() throws {
    var script = Script.running(PoolPolicy(size: 4, recycle: RecyclePolicy(every: .seconds(400), jitter: 0)))
    _ = script.advance(.seconds(40))
    for slot in 0..<4 { _ = script.end(worker(slot, 1), .signalled(9)) }
    for slot in 0..<4 { script.send(.becameReady(worker(slot, 2))) }
    let gap = try #require(smallestGap(script))
    #expect(gap >= .seconds(50))
    let latest = try #require(dues(script).last)
    #expect(latest <= script.now + .seconds(400), "every is a promise")
  }

  @Test func timersAreSpreadAfterScaling() throws {
    var script = Script.running(PoolPolicy(size: 2, recycle: RecyclePolicy(every: .seconds(400), jitter: 0)))
    script.send(.scale(8))
    for slot in 2..<8 { script.send(.becameReady(worker(slot, 1))) }
    let gap = try #require(smallestGap(script))
    #expect(gap >= .seconds(25))
  }

  @Test func theOlderOfTwoThatAskedTogetherGoesFirst() {
    var script = Script(PoolPolicy(size: 2, recycle: .quiet()))
    script.send(.start)
    script.send(.becameReady(worker(0, 1)))
    script.send(.becameReady(worker(1, 1)))
    _ = script.end(worker(0, 1), .signalled(9))
    _ = script.advance(.seconds(1))
    script.send(.becameReady(worker(0, 2)))
    #expect(script.send(.restart(slot: nil, .manual)) == [.start(worker(1, 2))])
  }
}
