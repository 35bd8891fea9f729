import Pool

/// One worker's process and what is known of it.
struct ManagedWorker {
  let id: WorkerID
  let endpoint: Endpoint
  let directory: String
  /// What is wiped once it is gone: as it was when it started, whatever the settings say by then.
  let wipe: [String]
  let child: ChildProcess
  let spawned: Instant
  /// The proxies, by generation, that were told of it and have not given its final counters.
  var admittedTo: Set<Int> = []
  /// Those that have not said that it is drained.
  var drainingAt: Set<Int> = []
  /// Those whose final counters are awaited.
  var retiringAt: Set<Int> = []
  var memoryAtBirth: ByteCount?
  var memory: ByteCount?
  /// Totals of proxies that are gone.
  var earlier: WorkerCounters
  /// What the living proxies counted, by generation.
  var counted: [Int: WorkerCounters] = [:]
  /// Nil: the machine gives us no control groups.
  var group: WorkerGroup?
  /// Nil until it ended.
  var exit: ExitStatus?
  var lastProbe: Instant?
  /// What a proxy said last of a request that it may be stuck with.
  var suspicion: HeardSuspect?
  /// It was counted as stuck.
  var isStuck = false
  /// What it was seen doing before it was stopped.
  var capture: String?
  /// The proxy that holds a claim for a probe, or was asked to.
  var probedAt: Int?

  init(
    id: WorkerID, endpoint: Endpoint, directory: String, wipe: [String], child: ChildProcess, spawned: Instant
  ) {
    self.id = id
    self.endpoint = endpoint
    self.directory = directory
    self.wipe = wipe
    self.child = child
    self.spawned = spawned
    earlier = WorkerCounters(worker: id)
  }

  var requestsTotal: Int { counted.values.reduce(earlier.requestsTotal) { $0 + $1.requestsTotal } }
  var lostTotal: Int { counted.values.reduce(earlier.lostTotal) { $0 + $1.lostTotal } }
  var requestsInFlight: Int { counted.values.reduce(0) { $0 + $1.requestsInFlight } }

  /// Of all proxies' requests the one that it has been at for longest.
  var current: CurrentRequest? { counted.values.compactMap(\.current).min { $0.started < $1.started } }

  /// Totals only grow: a proxy that has forgotten the worker knows less than it said before.
  mutating func note(_ counters: WorkerCounters, from generation: Int) {
    var latest = counters
    if let before = counted[generation] {
      latest.requestsTotal = max(before.requestsTotal, counters.requestsTotal)
      latest.lostTotal = max(before.lostTotal, counters.lostTotal)
    }
    counted[generation] = latest
  }

  /// The proxy that counted is gone, and what was in flight with it is lost.
  mutating func keepCounters(of generation: Int) {
    if let last = counted.removeValue(forKey: generation) {
      earlier.requestsTotal += last.requestsTotal
      earlier.lostTotal += last.lostTotal + last.requestsInFlight
      earlier.lastAnswered = [earlier.lastAnswered, last.lastAnswered].compactMap { $0 }.max()
    }
    admittedTo.remove(generation)
    if probedAt == generation { probedAt = nil }
  }

  /// It answered, or was probed, not longer than `limit` ago.
  func showedLife(within limit: Duration, at now: Instant) -> Bool {
    let signs =
      [earlier.lastAnswered, lastProbe, spawned].compactMap { $0 } + counted.values.compactMap(\.lastAnswered)
    return signs.contains { now - $0 < limit }
  }
}
