import FoundationEssentials
import Glibc
import Pool

/// What the ledger is told, and what it tells.
extension Supervisor {
  func beginLedger() async {
    guard let ledger else { return }
    log.begin(at: await ledger.open())
  }

  /// Its own news are events too.
  func followLedger() async {
    guard let ledger else { return }
    for await sentence in ledger.news {
      log.append(.ledger, sentence)
      // It may be about a new file, which has none of them.
      nodes.markAll()
    }
  }

  public func recentEvents(_ filter: EventFilter, after id: Int?, limit: Int) -> RecentEvents {
    log.events(filter, after: id, limit: limit)
  }

  /// Every `history.sample_every`: what each of these workers holds and has done.
  func noteSamples(of workers: [WorkerID]) {
    guard let ledger else { return }
    let now = Clock.now()
    if let lastSampled, now - lastSampled < plan.ledger.sampleEvery - Self.watchInterval / 2 { return }
    lastSampled = now
    let at = time(nil)
    let samples = workers.compactMap { id -> WorkerSample? in
      guard let worker = pools[id.pool]?.workers[id], let memory = worker.memory else { return nil }
      return WorkerSample(
        worker: id, pid: worker.child.pid, at: at, bornAt: at - Int((now - worker.spawned).components.seconds),
        memory: memory, requestsTotal: worker.requestsTotal, requestsLost: worker.lostTotal,
        requestsInFlight: worker.requestsInFlight)
    }
    if !samples.isEmpty { ledger.keep(samples) }
  }
}
