import Pool
import Testing

@testable import Supervision

@Suite struct ManagedWorkerTests {
  private let id: WorkerID

  init() throws {
    id = WorkerID(
      slot: SlotID(pool: try #require(PoolName(rawValue: "stubs")), index: 0), generation: Generation(rawValue: 3))
  }

  @Test func whatAProxyCountedIsNotTakenBackByOneThatHasForgotten() throws {
    var worker = ManagedWorker(
      id: id, endpoint: .unix(path: "/run/w.sock"), directory: "/state/w", wipe: [],
      child: .departed(pid: 1, startTime: 1), spawned: Instant(nanoseconds: 0))
    var counters = WorkerCounters(worker: id)
    (counters.requestsTotal, counters.lostTotal, counters.requestsInFlight) = (27, 2, 1)
    worker.note(counters, from: 1)
    worker.note(WorkerCounters(worker: id), from: 1)
    #expect(worker.requestsTotal == 27 && worker.lostTotal == 2 && worker.requestsInFlight == 0)

    // Another proxy counts for itself.
    counters.requestsTotal = 5
    worker.note(counters, from: 2)
    #expect(worker.requestsTotal == 32)
    counters.requestsTotal = 6
    worker.note(counters, from: 2)
    #expect(worker.requestsTotal == 33)
  }
}
