import Pool
import Testing

private typealias Script = PoolScript
private func worker(_ slot: Int, _ generation: Int) -> WorkerID { PoolScript.worker(slot, generation) }

/// New numbers for a pool that runs.
@Suite struct ReconfiguringTests {
  private func due(_ script: Script, _ slot: Int) -> Duration? {
    guard case .ready(let since, let due?) = script.machine.slots[slot].workers[0].state else { return nil }
    return due - since
  }

  private func dues(_ script: Script) -> [Duration?] { (0..<4).map { due(script, $0) } }

  @Test func timersKeepTheirShareOfTheNewInterval() throws {
    var script = Script.running(PoolPolicy(size: 4, recycle: RecyclePolicy(every: .seconds(400), jitter: 0)))
    #expect(dues(script) == [.seconds(100), .seconds(200), .seconds(300), .seconds(400)])
    script.send(.reconfigure(PoolPolicy(size: 4, recycle: RecyclePolicy(every: .seconds(40), jitter: 0))))
    #expect(dues(script) == [.seconds(10), .seconds(20), .seconds(30), .seconds(40)])
    script.send(.reconfigure(PoolPolicy(size: 4, recycle: .quiet())))
    #expect(dues(script) == [nil, nil, nil, nil])
    script.send(.reconfigure(PoolPolicy(size: 4, recycle: RecyclePolicy(every: .seconds(400), jitter: 0))))
    #expect(dues(script) == [.seconds(100), .seconds(200), .seconds(300), .seconds(400)])
  }

  /// All are past their new time at once, and still go one after the other.
  @Test func aShorterIntervalTakesNoTwoAtATime() {
    var script = Script.running(PoolPolicy(size: 3, recycle: RecyclePolicy(every: .seconds(3000), jitter: 0)))
    _ = script.advance(.seconds(500))
    let effects = script.send(
      .reconfigure(PoolPolicy(size: 3, recycle: RecyclePolicy(every: .seconds(30), jitter: 0))))
    #expect(effects == [.start(worker(0, 2))])
  }

  @Test func aLimitThatIsGoneRecyclesNobody() {
    var policy = PoolPolicy(size: 1, recycle: .quiet(surge: 0, minReady: .percent(100)))
    policy.recycle.memory = .mebibytes(100)
    var script = Script.running(policy)
    #expect(script.send(.sampled(worker(0, 1), memory: .mebibytes(150))) == [])
    #expect(script.machine.slots[0].workers[0].pending?.reason == .memory)
    policy.recycle.memory = .mebibytes(200)
    policy.recycle.minReady = .percent(0)
    #expect(script.send(.reconfigure(policy)) == [])
    policy.recycle.memory = .mebibytes(100)
    script.send(.reconfigure(policy))
    #expect(script.send(.sampled(worker(0, 1), memory: .mebibytes(150))) == [.drain(worker(0, 1))])
  }

  @Test func anotherSizeStartsOrDrains() {
    var script = Script.running(PoolPolicy(size: 2, recycle: .quiet()))
    #expect(script.send(.reconfigure(PoolPolicy(size: 3, recycle: .quiet()))) == [.start(worker(2, 1))])
    script.send(.becameReady(worker(2, 1)))
    #expect(
      script.send(.reconfigure(PoolPolicy(size: 1, recycle: .quiet())))
        == [.drain(worker(1, 1)), .drain(worker(2, 1))])
  }

  @Test func anotherWayToStartIsARollingRecycle() {
    var script = Script.running(PoolPolicy(size: 2, recycle: .quiet()))
    script.send(.reconfigure(script.machine.policy))
    #expect(script.send(.restart(slot: nil, .reload)) == [.start(worker(0, 2))])
    #expect(script.send(.becameReady(worker(0, 2))) == [.admit(worker(0, 2)), .drain(worker(0, 1))])
    let ending = script.send(.drained(worker(0, 1))) + script.end(worker(0, 1))
    #expect(ending.contains(.start(worker(1, 2))))
    #expect(ending.contains(.wipe(worker(0, 1), Departure(reason: .reload, drained: .zero))))
  }

  @Test func aPoolThatWasGoingGoesOnWithItsGenerations() {
    let policy = PoolPolicy(size: 1, recycle: .quiet())
    var script = Script.running(policy)
    script.send(.shutdown)
    script.send(.drained(worker(0, 1)))
    #expect(script.end(worker(0, 1)).last == .finished)
    #expect(script.send(.reconfigure(policy)) == [.start(worker(0, 2))])
    #expect(!script.machine.isFinished)
  }

  @Test func whoIsToHurryTakesNoNewNumbers() {
    var script = Script.running(PoolPolicy(size: 1, recycle: .quiet()))
    script.send(.hurry)
    script.send(.reconfigure(PoolPolicy(size: 5, recycle: .quiet())))
    #expect(script.machine.policy.size == 1)
  }
}
