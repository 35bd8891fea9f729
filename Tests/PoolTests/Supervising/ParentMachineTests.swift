import Pool
import Seeded
import Testing

/// A parent machine on a clock of the test's, with what came of each event.
private struct ParentScript {
  var machine: ParentMachine
  var now = Instant(nanoseconds: 0)
  var random = SeededGenerator(seed: 1)

  init(_ policy: ParentPolicy = ParentPolicy(readyTimeout: .seconds(60), wait: .seconds(20))) {
    machine = ParentMachine(policy: policy)
  }

  mutating func tell(_ event: ParentEvent, after pause: Duration = .zero) -> [ParentEffect] {
    now = now + pause
    return machine.handle(event, at: now, using: &random)
  }

  /// Started, and its first parent forks.
  mutating func ready() {
    _ = tell(.start)
    _ = tell(.becameReady(1), after: .seconds(1))
  }
}

private func worker(_ index: Int, _ generation: Int = 1) -> WorkerID {
  WorkerID(
    slot: SlotID(pool: PoolName(rawValue: "masters") ?? { preconditionFailure() }(), index: index),
    generation: Generation(rawValue: generation))
}

@Suite struct ParentMachineTests {
  @Test func workersWaitForAParentThatStartsAndAreForkedFromIt() {
    var script = ParentScript()
    let started = script.tell(.start)
    #expect(started == [.spawn(1, environment: nil)])
    let wanted = script.tell(.wanted(worker(0))) + script.tell(.wanted(worker(1)))
    #expect(wanted == [])
    let ready = script.tell(.becameReady(1), after: .seconds(2))
    #expect(ready == [.tookOver(1, nil), .fork(worker(0), from: 1), .fork(worker(1), from: 1)])
    let forked = script.tell(.forked(worker(0), by: 1))
    #expect(forked == [.adopt(worker(0))])
    // Once, and from whom it was asked.
    let again = script.tell(.forked(worker(0), by: 1)) + script.tell(.forked(worker(1), by: 7))
    #expect(again == [])
  }

  @Test func aParentThatIsNotReadyKeepsNobodyWaitingLongerThanSaid() {
    var script = ParentScript()
    _ = script.tell(.start)
    _ = script.tell(.wanted(worker(0)))
    #expect(script.machine.nextDeadline == script.now + .seconds(20))
    let cold = script.tell(.tick, after: .seconds(20))
    #expect(cold == [.startCold(worker(0), why: "the parent was not ready within 20s")])
    let killed = script.tell(.tick, after: .seconds(40))
    #expect(killed.first == .kill(1))
    // In the pause after a failure nobody waits at all.
    let next = script.tell(.wanted(worker(1)))
    #expect(next == [.startCold(worker(1), why: "the parent was not ready within 1m")])
  }

  @Test func oneThatFailsIsStartedAgainAfterAPause() throws {
    var script = ParentScript()
    _ = script.tell(.start)
    _ = script.tell(.wanted(worker(0)))
    let failed = script.tell(.failed(1, "no memory"))
    #expect(failed.contains(.startCold(worker(0), why: "no memory")))
    #expect(failed.contains(.terminate(1)))
    let gone = script.tell(.exited(1, .exited(status: 70)))
    #expect(gone == [])
    let next = try #require(script.machine.nextDeadline)
    let second = script.tell(.tick, after: next - script.now)
    #expect(second == [.spawn(2, environment: nil)])
  }

  @Test func theDeathOfAParentStartsItsUnbornWorkersColdAndAnotherParent() {
    var script = ParentScript()
    script.ready()
    _ = script.tell(.wanted(worker(0)), after: .seconds(100))
    let died = script.tell(.exited(1, .signalled(9)))
    #expect(died.first == .startCold(worker(0), why: "the parent ended (signal 9)"))
    #expect(died.last == .spawn(2, environment: nil))
  }

  enum Silence: CaseIterable { case fork, ping }

  @Test(arguments: Silence.allCases) func aParentThatDoesNotAnswerIsKilled(_ silence: Silence) {
    var script = ParentScript()
    script.ready()
    switch silence {
    case .fork: _ = script.tell(.wanted(worker(0)))
    case .ping:
      let pinged = script.tell(.tick, after: .seconds(10))
      #expect(pinged == [.ping(1)])
    }
    let late = script.tell(.tick, after: .seconds(10))
    #expect(late.contains(.kill(1)))
    let cold = late.contains { if case .startCold = $0 { true } else { false } }
    #expect(cold == (silence == .fork))
  }

  @Test func oneThatAnswersItsPingsLivesOn() {
    var script = ParentScript()
    script.ready()
    for _ in 0..<10 {
      let pinged = script.tell(.tick, after: .seconds(10))
      #expect(pinged == [.ping(1)])
      _ = script.tell(.answered(1), after: .milliseconds(5))
    }
  }

  @Test func theOldParentForksUntilTheNewOneIsReadyAndEndsWhenItOwesNothing() {
    var script = ParentScript()
    script.ready()
    let begun = script.tell(.renew(.deploy(environment: "staging")))
    #expect(begun == [.spawn(2, environment: "staging")])
    let forked = script.tell(.wanted(worker(0)))
    #expect(forked == [.fork(worker(0), from: 1)])
    let over = script.tell(.becameReady(2))
    #expect(over == [.tookOver(2, .deploy(environment: "staging"))])
    let last = script.tell(.forked(worker(0), by: 1))
    #expect(last == [.adopt(worker(0)), .terminate(1)])
    let next = script.tell(.wanted(worker(1)))
    #expect(next == [.fork(worker(1), from: 2)])
  }

  @Test func aDeployThatFailsLeavesTheOldParent() {
    var script = ParentScript()
    script.ready()
    _ = script.tell(.renew(.deploy(environment: nil)))
    let failed = script.tell(.failed(2, "it does not compile"))
    #expect(failed == [.terminate(2), .notRenewed(.deploy(environment: nil), why: "it does not compile")])
    _ = script.tell(.exited(2, .exited(status: 70)))
    let forked = script.tell(.wanted(worker(0)))
    #expect(forked == [.fork(worker(0), from: 1)])
    let later = script.tell(.tick, after: .seconds(9))
    #expect(later == [], "the deploy is not tried again by itself")
  }

  @Test func aNewerDeployTakesThePlaceOfOneThatIsUnderWay() {
    var script = ParentScript()
    script.ready()
    _ = script.tell(.renew(.deploy(environment: nil)))
    let newer = script.tell(.renew(.deploy(environment: "b")))
    #expect(
      newer == [
        .notRenewed(.deploy(environment: nil), why: "a newer one has come"), .terminate(2),
        .spawn(3, environment: "b"),
      ])
    let late = script.tell(.becameReady(2))
    #expect(late == [])
  }

  @Test func ageAndMemoryRenewIt() {
    let limit = ByteCount.mebibytes(200)
    var script = ParentScript(ParentPolicy(every: .seconds(3600), memoryLimit: limit, ping: .seconds(100_000)))
    script.ready()
    #expect(script.machine.nextDeadline == script.now + .seconds(3600))
    let aged = script.tell(.tick, after: .seconds(3600))
    #expect(aged == [.spawn(2, environment: nil)])
    _ = script.tell(.becameReady(2))
    let small = script.tell(.sampled(2, limit))
    #expect(small == [])
    let large = script.tell(.sampled(2, .mebibytes(201)))
    #expect(large == [.spawn(3, environment: nil)])
    let again = script.tell(.sampled(2, .mebibytes(202)))
    #expect(again == [], "one is on its way")
  }

  @Test func anotherWayOfStartingIsWaitedFor() {
    var script = ParentScript()
    script.ready()
    let renewed = script.tell(.renew(.reload))
    #expect(renewed == [.spawn(2, environment: nil), .terminate(1)])
    let wanted = script.tell(.wanted(worker(0)))
    #expect(wanted == [], "the old one would fork what is not wanted any more")
  }

  @Test func whoIsNotNeededAnyMoreIsDropped() {
    var script = ParentScript()
    _ = script.tell(.start)
    _ = script.tell(.wanted(worker(0)))
    let waiting = script.tell(.unwanted(worker(0)))
    #expect(waiting == [.drop(worker(0))])
    _ = script.tell(.wanted(worker(1)))
    _ = script.tell(.becameReady(1))
    let asked = script.tell(.unwanted(worker(1)))
    #expect(asked == [])
    let forked = script.tell(.forked(worker(1), by: 1))
    #expect(forked == [.drop(worker(1))])
  }

  @Test func theEndLeavesNobody() {
    var script = ParentScript()
    script.ready()
    _ = script.tell(.wanted(worker(0)))
    let ending = script.tell(.shutdown)
    #expect(ending.last == .terminate(1))
    let wanted = script.tell(.wanted(worker(1)))
    #expect(wanted == [.drop(worker(1))])
    let killed = script.tell(.tick, after: .seconds(1))
    #expect(killed == [.kill(1)])
    _ = script.tell(.exited(1, .signalled(9)))
    #expect(script.machine.isFinished)
    #expect(script.machine.nextDeadline == nil)
  }

  /// Whatever comes in whatever order: each wanted worker is forked, started cold or dropped once, there is at most one
  /// parent that forks, and there is always something to wait for while somebody waits.
  @Test(arguments: 0..<200) func noWorkerIsForgotten(seed: Int) {
    var script = ParentScript(
      ParentPolicy(every: .seconds(300), memoryLimit: .mebibytes(100), readyTimeout: .seconds(30), wait: .seconds(10))
    )
    var chance = SeededGenerator(seed: UInt64(seed))
    var open: Set<WorkerID> = []
    var asked: [WorkerID: Int] = [:]
    var alive: Set<Int> = []
    var next = 0
    func check(_ effects: [ParentEffect]) {
      for effect in effects {
        switch effect {
        case .spawn(let generation, _): alive.insert(generation)
        case .fork(let id, let generation): asked[id] = generation
        case .adopt(let id), .drop(let id), .startCold(let id, _):
          #expect(open.remove(id) != nil, "seed \(seed): \(id) a second time")
          asked[id] = nil
        case .ping, .terminate, .kill, .tookOver, .notRenewed, .backOff: break
        }
      }
      let forking = script.machine.parents.filter { $0.state.name == "ready" }
      #expect(forking.count <= 1, "seed \(seed)")
      #expect(open.isEmpty || script.machine.nextDeadline != nil, "seed \(seed)")
    }
    check(script.tell(.start))
    for _ in 0..<300 {
      let generation = alive.randomElement(using: &chance) ?? 0
      let pause = Duration.milliseconds(Int.random(in: 0...4000, using: &chance))
      let event: ParentEvent
      switch Int.random(in: 0..<12, using: &chance) {
      case 0, 1:
        next += 1
        open.insert(worker(next))
        event = .wanted(worker(next))
      case 2, 3: event = .becameReady(generation)
      case 4, 5, 6:
        guard let (id, by) = asked.min(by: { $0.key < $1.key }) else { continue }
        event = Bool.random(using: &chance) ? .forked(id, by: by) : .notForked(id, by: by, "no")
      case 7:
        alive.remove(generation)
        event = .exited(generation, .exited(status: 1))
      case 8: event = .failed(generation, "no")
      case 9: event = .renew(Bool.random(using: &chance) ? .reload : .deploy(environment: nil))
      case 10: event = open.randomElement(using: &chance).map { .unwanted($0) } ?? .answered(generation)
      default: event = .sampled(generation, .mebibytes(Int.random(in: 50...150, using: &chance)))
      }
      check(script.tell(event, after: pause))
    }
    // With nothing but time, everything comes to its end.
    for _ in 0..<200 where !open.isEmpty { check(script.tell(.tick, after: .seconds(5))) }
    #expect(open.isEmpty, "seed \(seed): \(open)")
  }

  @Test func whatIsWrittenDownOfParentsIsWhatTheNextGoesOnWith() {
    var script = ParentScript(ParentPolicy(every: .seconds(600), readyTimeout: .seconds(60), wait: .seconds(20)))
    script.ready()
    _ = script.tell(.renew(.deploy(environment: nil)))
    let memory = script.machine.memory
    #expect(memory.lastGeneration == 2)
    #expect(memory.parents.map(\.generation) == [1], "the one that was to prove itself is asked for again")

    let now = script.now + .seconds(30)
    var next = ParentMachine(policy: script.machine.policy, remembering: memory, living: [1], at: now)
    #expect(next.current?.generation == 1)
    let asked = next.handle(.reconfigure(script.machine.policy), at: now, using: &script.random)
    #expect(asked == [.ping(1)])
    let forked = next.handle(.wanted(worker(0)), at: now, using: &script.random)
    #expect(forked == [.fork(worker(0), from: 1)])
    let renewed = next.handle(.tick, at: script.now + .seconds(600), using: &script.random)
    #expect(renewed.contains(.kill(1)), "it did not answer: \(renewed)")

    var alone = ParentMachine(policy: script.machine.policy, remembering: memory, living: [], at: now)
    let begun = alone.handle(.reconfigure(script.machine.policy), at: now, using: &script.random)
    #expect(begun == [.spawn(3, environment: nil)], "numbers go on")
  }
}
