import Pool
import Testing

@Suite struct PoolMachineTests {
  typealias Script = PoolScript
  private func worker(_ slot: Int, _ generation: Int) -> WorkerID { Script.worker(slot, generation) }

  @Test func startFillsEverySlotAndAdmitsOnlyWhatIsReady() {
    var script = Script(PoolPolicy(size: 3))
    let starts = (0..<3).map { PoolEffect.start(worker($0, 1)) }
    #expect(script.send(.start) == starts)
    #expect(script.send(.becameReady(worker(1, 1))) == [.admit(worker(1, 1))])
    #expect(script.machine.readyCount == 1)
  }

  @Test func aSuccessorIsReadyBeforeTheOldWorkerDrains() {
    var script = Script.running(PoolPolicy(size: 2, recycle: .quiet()))
    #expect(script.send(.restart(slot: 0, .manual)) == [.start(worker(0, 2))])
    #expect(script.states(0) == ["ready", "starting"])
    #expect(script.send(.becameReady(worker(0, 2))) == [.admit(worker(0, 2)), .drain(worker(0, 1))])
    #expect(script.send(.drained(worker(0, 1))) == [.retire(worker(0, 1)), .terminate(worker(0, 1))])
    #expect(
      script.send(.exited(worker(0, 1), .exited(status: 0)))
        == [.wipe(worker(0, 1), Departure(reason: .manual, drained: .zero))])
    #expect(script.send(.wiped(worker(0, 1))) == [])
    #expect(script.states(0) == ["ready"])
  }

  @Test func aRollingRestartGoesOneByOne() {
    var script = Script.running(PoolPolicy(size: 3, recycle: .quiet()))
    #expect(script.send(.restart(slot: nil, .manual)) == [.start(worker(0, 2))])
    for slot in 0..<3 {
      script.send(.becameReady(worker(slot, 2)))
      #expect(script.send(.drained(worker(slot, 1))).count == 2)
      let next = script.end(worker(slot, 1))
      #expect(next.contains(.start(worker(slot + 1, 2))) == (slot < 2))
    }
    let generations = script.machine.slots.map { $0.workers.map(\.generation.rawValue) }
    #expect(generations == [[2], [2], [2]])
  }

  @Test func withoutSurgeNoDrainGoesBelowMinReady() {
    var script = Script.running(PoolPolicy(size: 4, recycle: .quiet(surge: 0, minReady: .count(3))))
    #expect(script.send(.restart(slot: nil, .manual)) == [.drain(worker(0, 1))])
    script.send(.drained(worker(0, 1)))
    #expect(script.end(worker(0, 1)).contains(.start(worker(0, 2))))
    #expect(script.send(.becameReady(worker(0, 2))) == [.admit(worker(0, 2)), .drain(worker(1, 1))])
  }

  @Test func agesAreStaggeredFromTheStart() {
    let policy = PoolPolicy(size: 4, recycle: RecyclePolicy(every: .seconds(400), jitter: 0))
    let script = Script.running(policy)
    let dues = script.machine.slots.map { slot -> Duration? in
      guard case .ready(_, let due?) = slot.workers[0].state else { return nil }
      return due - script.now
    }
    #expect(dues == [.seconds(100), .seconds(200), .seconds(300), .seconds(400)])
  }

  @Test func theTimerReplacesAWorkerAndSaysItsAge() {
    var script = Script.running(PoolPolicy(size: 1, recycle: RecyclePolicy(every: .seconds(900), jitter: 0)))
    #expect(script.machine.nextDeadline == script.now + .seconds(900))
    #expect(script.advance(.seconds(899)) == [])
    #expect(script.advance(.seconds(2)) == [.start(worker(0, 2))])
    script.send(.becameReady(worker(0, 2)))
    script.send(.drained(worker(0, 1)))
    let departure = Departure(
      reason: .timer, measurement: .age(.seconds(901), limit: .seconds(900)), drained: .zero)
    #expect(script.send(.exited(worker(0, 1), .exited(status: 0))) == [.wipe(worker(0, 1), departure)])
  }

  @Test func memoryOverItsGracefulLimitWaitsForASuccessorAndOverItsHardOneDoesNot() {
    var policy = PoolPolicy(size: 1, recycle: .quiet())
    policy.recycle.memory = .mebibytes(600)
    policy.recycle.memoryLimit = .mebibytes(1000)
    var script = Script.running(policy)
    #expect(script.send(.sampled(worker(0, 1), memory: .mebibytes(600))) == [])
    #expect(script.send(.sampled(worker(0, 1), memory: .mebibytes(601))) == [.start(worker(0, 2))])
    #expect(
      script.send(.sampled(worker(0, 1), memory: .mebibytes(1001)))
        == [.retire(worker(0, 1)), .terminate(worker(0, 1)), .kill(worker(0, 1))])
    #expect(
      script.send(.exited(worker(0, 1), .signalled(9)))
        == [
          .wipe(
            worker(0, 1),
            Departure(
              reason: .memoryLimit, measurement: .memory(.mebibytes(1001), limit: .mebibytes(1000))))
        ])
  }

  @Test func theMoreUrgentRecycleGoesFirst() {
    var policy = PoolPolicy(size: 3, recycle: .quiet())
    policy.recycle.requests = 100
    policy.recycle.memory = .mebibytes(10)
    var script = Script.running(policy)
    script.send(.restart(slot: 0, .manual))
    #expect(script.send(.served(worker(1, 1), requests: 100)) == [])
    #expect(script.send(.sampled(worker(2, 1), memory: .mebibytes(11))) == [])
    script.send(.becameReady(worker(0, 2)))
    script.send(.drained(worker(0, 1)))
    #expect(script.end(worker(0, 1)).contains(.start(worker(2, 2))))
  }

  @Test func aStuckWorkerIsStoppedAtOnceAndReplacedAtOnceWhereThereIsRoom() {
    var script = Script.running(PoolPolicy(size: 2, recycle: .quiet()))
    #expect(
      script.send(.overdue(worker(1, 1), age: .seconds(601)))
        == [.retire(worker(1, 1)), .terminate(worker(1, 1)), .start(worker(1, 2))])
    #expect(script.advance(.seconds(10)) == [.kill(worker(1, 1))])
    #expect(script.advance(.seconds(10)) == [])
  }

  @Test func failedProbesInARowEndAWorkerAndAPassForgivesThem() {
    var script = Script.running(PoolPolicy(size: 1, alive: AlivePolicy(failures: 2), recycle: .quiet()))
    #expect(script.send(.probed(worker(0, 1), passed: false)) == [])
    #expect(script.send(.probed(worker(0, 1), passed: true)) == [])
    #expect(script.send(.probed(worker(0, 1), passed: false)) == [])
    #expect(script.send(.probed(worker(0, 1), passed: false)).contains(.terminate(worker(0, 1))))
  }

  @Test func crashesBackOffLongerAndLonger() {
    var script = Script(PoolPolicy(size: 1, recycle: .quiet()))
    script.send(.start)
    var waits: [Duration] = []
    for generation in 1...9 {
      for effect in script.end(worker(0, generation), .exited(status: 1)) {
        guard case .backOff(_, let failures, let delay, _) = effect else { continue }
        #expect(failures == generation)
        waits.append(delay)
      }
      #expect(script.machine.nextDeadline != nil)
      #expect(script.advance(waits.last ?? .zero).contains(.start(worker(0, generation + 1))))
    }
    let full = (0..<9).map { min(BackOff.longest, BackOff.first * (1 << $0)) }
    for (wait, longest) in zip(waits, full) { #expect((longest.scaled(by: 0.749)...longest).contains(wait)) }
  }

  @Test func aCrashAfterALongLifeIsRespawnedAtOnce() {
    var script = Script.running(PoolPolicy(size: 2, recycle: .quiet()))
    _ = script.advance(BackOff.stableAfter)
    #expect(script.send(.exited(worker(0, 1), .signalled(11))).contains(.start(worker(0, 2))))
  }

  @Test func anIncumbentServesOnWhileItsSuccessorsFail() {
    var script = Script.running(PoolPolicy(size: 1, recycle: .quiet()))
    script.send(.restart(slot: 0, .manual))
    #expect(script.send(.notReady(worker(0, 2), "no answer")) == [.retire(worker(0, 2)), .terminate(worker(0, 2))])
    let effects = script.end(worker(0, 2))
    let backsOff = effects.contains { if case .backOff = $0 { true } else { false } }
    #expect(backsOff)
    #expect(script.states(0) == ["ready"])
    #expect(script.advance(.seconds(1)) == [.start(worker(0, 3))])
  }

  @Test func aDrainThatTakesTooLongEndsInStopAndKill() {
    var script = Script.running(
      PoolPolicy(size: 1, recycle: .quiet(), stop: StopPolicy(drain: .seconds(60), terminate: .seconds(10))))
    script.send(.restart(slot: 0, .manual))
    script.send(.becameReady(worker(0, 2)))
    #expect(script.advance(.seconds(59)) == [])
    #expect(script.advance(.seconds(1)) == [.retire(worker(0, 1)), .terminate(worker(0, 1))])
    #expect(script.advance(.seconds(10)) == [.kill(worker(0, 1))])
  }

  @Test func aHeldSlotGetsNoTrafficUntilItIsReleased() {
    var script = Script.running(PoolPolicy(size: 2, recycle: .quiet()))
    #expect(script.send(.hold(slot: 1)) == [.drain(worker(1, 1))])
    #expect(script.send(.drained(worker(1, 1))) == [])
    #expect(script.machine.readyCount == 1)
    #expect(script.send(.release(slot: 1)) == [.admit(worker(1, 1))])
  }

  @Test func scalingDownDrainsTheHighestAndScalingUpNeverReusesAGeneration() {
    var script = Script.running(PoolPolicy(size: 3, recycle: .quiet()))
    #expect(script.send(.scale(2)) == [.drain(worker(2, 1))])
    script.send(.drained(worker(2, 1)))
    _ = script.end(worker(2, 1))
    #expect(script.send(.scale(3)) == [.start(worker(2, 2))])
  }

  @Test func newsOfTheDeadIsDropped() {
    var script = Script.running(PoolPolicy(size: 1, recycle: .quiet()))
    script.send(.restart(slot: 0, .manual))
    script.send(.becameReady(worker(0, 2)))
    script.send(.drained(worker(0, 1)))
    _ = script.end(worker(0, 1))
    for event: PoolEvent in [
      .exited(worker(0, 1), .signalled(9)), .drained(worker(0, 1)), .wiped(worker(0, 1)),
      .becameReady(worker(0, 1)), .overdue(worker(0, 1), age: .seconds(1)), .probed(worker(0, 7), passed: false),
    ] {
      #expect(script.send(event) == [], "\(event)")
    }
  }

  @Test func shutdownDrainsEverythingStartsNothingAndSaysWhenItIsOver() {
    var script = Script.running(PoolPolicy(size: 2, recycle: .quiet()))
    script.send(.restart(slot: 0, .manual))
    #expect(
      script.send(.shutdown)
        == [.drain(worker(0, 1)), .retire(worker(0, 2)), .terminate(worker(0, 2)), .drain(worker(1, 1))])
    _ = script.end(worker(0, 2))
    for slot in 0..<2 {
      script.send(.drained(worker(slot, 1)))
      let effects = script.end(worker(slot, 1))
      #expect(effects.contains(.finished) == (slot == 1))
    }
    #expect(script.send(.tick) == [])
  }

  @Test func hurryEndsDrainsAtOnceAndKillsSoon() {
    var script = Script.running(PoolPolicy(size: 1, recycle: .quiet()))
    script.send(.shutdown)
    #expect(script.send(.hurry) == [.retire(worker(0, 1)), .terminate(worker(0, 1))])
    #expect(script.advance(.seconds(1)) == [.kill(worker(0, 1))])
  }
}
