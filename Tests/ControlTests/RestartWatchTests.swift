import Pool
import Testing

@testable import Control

@Suite struct RestartWatchTests {
  /// Slot, generation, state; a pid where the state is one of a process.
  private static func status(_ workers: [(Int, Int, String)], size: Int = 2) -> StatusDocument {
    var status = StatusDocument.sample
    status.pools[0].size = size
    status.pools[0].workers = workers.map { slot, generation, state in
      StatusDocument.Worker(
        slot: slot, generation: generation, pid: state == "empty" || state == "backing_off" ? nil : 500, state: state,
        ageSeconds: 1, memoryBytes: nil, requestsTotal: 0, requestsInFlight: 0, lastRecycle: nil)
    }
    return status
  }

  @Test func aRollingRestartIsDoneWhenAllSuccessorsServeAndTheOldOnesAreGone() {
    var watch = RestartWatch([worker(0, 1), worker(1, 1)])
    let steps: [([(Int, Int, String)], [String])] = [
      ([(0, 1, "ready"), (1, 1, "ready")], []),
      ([(0, 1, "ready"), (0, 2, "starting"), (1, 1, "ready")], []),
      ([(0, 1, "draining"), (0, 2, "ready"), (1, 1, "ready")], []),
      ([(0, 2, "ready"), (1, 1, "ready")], ["masters/0#2, pid 500, took over from masters/0#1 (1 of 2)"]),
      ([(0, 2, "ready"), (1, 1, "empty")], []),
      ([(0, 2, "ready"), (1, 2, "starting")], []),
      ([(0, 2, "ready"), (1, 2, "ready")], ["masters/1#2, pid 500, took over from masters/1#1 (2 of 2)"]),
    ]
    for (workers, lines) in steps {
      #expect(watch.outcome == .waiting)
      #expect(watch.observe(Self.status(workers)) == lines)
    }
    #expect(watch.outcome == .replaced)
  }

  @Test func aDeployThatFailsEndsTheWaitForItsPoolAlone() {
    var watch = RestartWatch([worker(0, 1), worker(1, 1)])
    var failed = Event(id: 1, at: "", kind: .deployFailed, message: "it does not compile")
    failed.pool = PoolName(rawValue: "others")
    #expect(watch.observe([failed]) == [])
    #expect(watch.outcome == .waiting)
    failed.pool = PoolName(rawValue: "masters")
    #expect(watch.observe([failed]) == ["it does not compile"])
    #expect(watch.outcome == .failed(["it does not compile", "it does not compile"]))
  }

  @Test func oneThatDoesNotComeUpFailsAndTheOthersAreWaitedFor() {
    var watch = RestartWatch([worker(0, 1), worker(1, 1)])
    let events = [
      Event(id: 1, at: "", kind: .spawn, message: "started", worker: worker(0, 2)),
      Event(id: 2, at: "", kind: .exit, message: "ended", worker: worker(0, 2)),
      Event(id: 3, at: "", kind: .backOff, message: "masters/0 waits 1s", worker: worker(0, 2)),
      Event(id: 4, at: "", kind: .exit, message: "another's", worker: worker(7, 2)),
      Event(id: 5, at: "", kind: .proxy, message: "the proxy's"),
    ]
    #expect(watch.observe(events) == ["ended", "masters/0 waits 1s"])
    #expect(watch.outcome == .waiting)
    #expect(watch.observe(Self.status([(0, 1, "ready"), (1, 2, "ready")])).count == 1)
    #expect(watch.outcome == .failed(["masters/0 waits 1s"]))
  }

  @Test func aSlotThatWasScaledAwayIsNotWaitedFor() {
    var watch = RestartWatch([worker(0, 1), worker(1, 1)])
    #expect(watch.observe(Self.status([(0, 2, "ready"), (1, 1, "draining")], size: 1)).count == 1)
    #expect(
      watch.observe(Self.status([(0, 2, "ready")], size: 1)) == [
        "masters/1#1 is gone: masters has 1 workers now (2 of 2)"
      ])
    #expect(watch.outcome == .replaced)
  }

  @Test func nothingToReplaceIsDone() {
    #expect(RestartWatch([]).outcome == .replaced)
  }

  @Test func aDrainedSuccessorHasCome() {
    var watch = RestartWatch([worker(0, 1)])
    #expect(watch.observe(Self.status([(0, 2, "drained")])).count == 1)
  }
}
