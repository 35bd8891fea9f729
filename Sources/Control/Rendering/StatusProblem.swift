import Pool

/// What an operator should look at first, as sentences, the worst first.
public enum StatusProblem {
  public static func all(in status: StatusDocument) -> [String] {
    let proxy = status.proxy == nil && status.state == "running" ? ["no proxy is running: agents get no answer"] : []
    return proxy + status.pools.flatMap(tooFew) + status.pools.flatMap(backingOff) + status.pools.flatMap(quarantines)
      + wipes(status.failedWipes) + status.pools.flatMap(overBudget)
      + (status.notify?.receivers ?? []).compactMap(untold)
  }

  /// More names say nothing that the first do not.
  private static let maxNames = 5

  private static func quarantines(_ pool: StatusDocument.Pool) -> [String] {
    guard let first = pool.quarantined.first else { return [] }
    let others = pool.quarantined.count - maxNames
    let names = pool.quarantined.prefix(maxNames).joined(separator: ", ") + (others > 0 ? " and \(others) more" : "")
    let (verb, what) = pool.quarantined.count == 1 ? ("is", "it wedged workers") : ("are", "they wedged workers")
    return [
      "\(pool.name): \(names) \(verb) quarantined, since \(what); see why: masterpool events --kind quarantine; mended: "
        + "masterpool release \(first)"
    ]
  }

  private static func wipes(_ failed: StatusDocument.FailedWipes?) -> [String] {
    guard let failed else { return [] }
    let count = failed.count == 1 ? "a wipe" : "\(failed.count) wipes"
    return [
      "\(count) failed within the last \(StatusText.span(failed.withinSeconds)), the last one: \(failed.message); see all: "
        + "masterpool events --kind wipe_failed"
    ]
  }

  private static func untold(_ receiver: StatusDocument.Notify.Receiver) -> String? {
    receiver.trouble.map {
      "\(receiver.name) does not take notifications: \($0); try it: masterpool notify test \(receiver.name)"
    }
  }

  private static func tooFew(_ pool: StatusDocument.Pool) -> [String] {
    if pool.ready == 0, pool.size > 0 { return ["\(pool.name): none of \(pool.size) workers is ready"] }
    guard let floor = pool.limits?.minReady, pool.ready < floor else { return [] }
    return ["\(pool.name): \(pool.ready) of \(pool.size) ready, below min_ready \(floor)"]
  }

  private static func backingOff(_ pool: StatusDocument.Pool) -> [String] {
    let slots = pool.workers.filter { $0.state == "backing_off" }.map { "\(pool.name)/\($0.slot)" }
    guard !slots.isEmpty else { return [] }
    let verb = slots.count == 1 ? "does" : "do"
    return [
      "\(slots.joined(separator: ", ")) \(verb) not come up; see why: masterpool events --slot \(slots[0])"
    ]
  }

  private static func overBudget(_ pool: StatusDocument.Pool) -> [String] {
    guard let budget = pool.memoryBudgetBytes, pool.memoryBytes > budget else { return [] }
    return [
      "\(pool.name): \(ByteCount(bytes: pool.memoryBytes)) in use, over its budget of \(ByteCount(bytes: budget))"
    ]
  }
}
