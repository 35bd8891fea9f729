import Pool

extension Loop {
  /// It stands in line no more, or begins to anew.
  @inline(__always) func leaveQueue(_ c: Record) {
    guard c.pointee.request.asked > 0 else { return }
    c.pointee.request.queued &+= now &- c.pointee.request.asked
    c.pointee.request.asked = 0
  }

  /// At a request's end. What found no route is in no pool's account.
  @inline(__always) func countDurations(_ c: Record) {
    guard c.pointee.request.isRouted else { return }
    leaveQueue(c)
    let (pool, priority) = (c.pointee.request.pool, c.pointee.request.priority)
    let durations = door.durations
    durations.count(now &- c.pointee.request.began, .whole, priority, pool: pool)
    if c.pointee.request.hasAsked { durations.count(c.pointee.request.queued, .queue, priority, pool: pool) }
    if c.pointee.request.hadWorker { durations.count(c.pointee.request.work, .worker, priority, pool: pool) }
  }
}
