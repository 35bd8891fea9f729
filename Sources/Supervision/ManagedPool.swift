import Pool

/// A pool as it is: the machine that decides, and the processes that it decides about.
struct ManagedPool {
  let plan: PoolPlan
  var machine: PoolMachine
  var workers: [WorkerID: ManagedWorker] = [:]
  var lastRecycles: [SlotID: StatusDocument.LastRecycle] = [:]
  var counters: PoolCounters
  /// Sheds counted by proxies that are gone.
  var earlierSheds = 0
  /// Of these by cause.
  var earlierShedsByCause = PoolCounters.noSheds
  /// Wakes the machine at its next deadline.
  var alarm: (at: Instant, task: Task<Void, Never>)?

  init(plan: PoolPlan) {
    self.plan = plan
    machine = PoolMachine(name: plan.name, policy: plan.policy)
    counters = PoolCounters(pool: plan.name)
  }
}

/// One worker's process and what is known of it.
struct ManagedWorker {
  let endpoint: Endpoint
  let directory: String
  let child: ChildProcess
  let spawned: Instant
  /// The living proxy was told of it.
  var isAdmitted = false
  /// The living proxy has given its final counters.
  var isRetired = false
  var memoryAtBirth: ByteCount?
  var memory: ByteCount?
  /// Totals of earlier proxies, to which the living one's are added.
  var earlier: WorkerCounters
  /// The living proxy's.
  var current: WorkerCounters
  /// Nil until it ended.
  var exit: ExitStatus?
  var lastProbe: Instant?
  var isProbed = false

  init(id: WorkerID, endpoint: Endpoint, directory: String, child: ChildProcess, spawned: Instant) {
    self.endpoint = endpoint
    self.directory = directory
    self.child = child
    self.spawned = spawned
    earlier = WorkerCounters(worker: id)
    current = WorkerCounters(worker: id)
  }

  var requestsTotal: Int { earlier.requestsTotal + current.requestsTotal }
  var lostTotal: Int { earlier.lostTotal + current.lostTotal }

  /// The proxy that counted is gone, and what was in flight with it is lost.
  mutating func keepCounters() {
    earlier.requestsTotal += current.requestsTotal
    earlier.lostTotal += current.lostTotal + current.requestsInFlight
    current = WorkerCounters(worker: current.worker)
    isAdmitted = false
    isProbed = false
  }

  /// It answered, or was probed, not longer than `limit` ago.
  func showedLife(within limit: Duration, at now: Instant) -> Bool {
    let signs = [current.lastAnswered, lastProbe, spawned].compactMap { $0 }
    return signs.contains { now - $0 < limit }
  }
}
