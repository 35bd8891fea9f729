import Pool

/// A pool as it is: the machine that decides, and the processes that it decides about.
struct ManagedPool {
  var plan: PoolPlan
  var machine: PoolMachine
  var workers: [WorkerID: ManagedWorker] = [:]
  var lastRecycles: [SlotID: StatusDocument.LastRecycle] = [:]
  /// Counted by proxies that are gone.
  var earlier: PoolCounters
  var quarantine = QuarantineBook()
  /// Requests that were suspect, and workers that were stuck.
  var suspectsTotal = 0
  var stuckTotal = 0
  var tally = PoolTally()
  /// Nil: its workers are started one by one.
  var parents: ParentDesk?
  /// Wakes the machine at its next deadline.
  var alarm: (at: Instant, task: Task<Void, Never>)?

  init(plan: PoolPlan) {
    self.plan = plan
    machine = PoolMachine(name: plan.name, policy: plan.policy)
    earlier = PoolCounters(pool: plan.name)
  }
}
