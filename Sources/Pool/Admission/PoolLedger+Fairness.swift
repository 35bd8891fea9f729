/// Who may wait, for how long, and what the others are told.
extension PoolLedger {
  func standing(of asker: Asker, at now: Instant) -> RunTable.Standing {
    asker.node == 0 ? .unknown : runs.standing(of: asker.node, at: now)
  }

  /// Nil: it may wait. A run that was let in is never refused; a place that was promised is kept; who fails at a
  /// refusal waits while there is room for anybody; the others while the line is short.
  func objection(
    to asker: Asker, _ standing: RunTable.Standing, at now: Instant, behind waiting: Int
  ) -> ShedCause? {
    let queue = policy.queue
    guard queue.limit > 0 else { return .ceiling }
    if asker.isUnderWay(standing) || waiting < queue.limit { return nil }
    switch (standing, asker.patience) {
    case (.promised(let place), _) where place > now && asker.patience != .fails: return .early
    case (.promised, _), (_, .fails): return waiting < queue.ceiling ? nil : .ceiling
    case (.unknown, _), (.underWay, _): return waiting < queue.ceiling ? .limit : .ceiling
    }
  }

  /// A run that was let in, or an agent for which any refusal is the end, waits as long as a request may take at all.
  func deadline(of asker: Asker, _ standing: RunTable.Standing, from now: Instant) -> Instant {
    let isPatient = asker.isUnderWay(standing) || asker.patience == .fails
    return now + (isPatient ? max(policy.queue.timeout, policy.requestTimeout) : policy.queue.timeout)
  }

  /// Counts it, and gives its node the next free place.
  mutating func refuse(_ asker: Asker, _ cause: ShedCause, at now: Instant) -> Refusal {
    sheds[cause.rawValue] += 1
    guard asker.patience != .fails else { return Refusal(cause: cause, retryAfter: nil) }
    return Refusal(cause: cause, retryAfter: schedule.retryAfter(place(for: asker, at: now), at: now))
  }

  /// The one that its node has already, or the next.
  private mutating func place(for asker: Asker, at now: Instant) -> Instant {
    let standing = standing(of: asker, at: now)
    // Its run goes on as soon as there is a worker: no place later on is needed.
    if asker.isUnderWay(standing) { return now }
    if case .promised(let place) = standing, place > now { return place }
    let place = schedule.next(
      backlog: backlog, spacing: spacing, outstanding: runs.promised, at: now)
    if asker.node != 0 { runs.promise(asker.node, place, at: now) }
    return place
  }

  /// How much of the pool's time one more run takes.
  var spacing: Int64 { run / Int64(places) }

  /// Before the first run has ended its first requests would tell too little.
  private var run: Int64 {
    if !runs.runWork.isEmpty { return runs.runWork.nanoseconds }
    return runs.underWay > 0 ? max(request, ReturnSchedule.guess) : request
  }

  private var request: Int64 { service.isEmpty ? ReturnSchedule.guess : service.nanoseconds }

  /// How long the line takes. New runs bring all their requests along.
  private var backlog: Int64 {
    let fresh = line.count(of: .newRun)
    return Int64(fresh) &* spacing &+ Int64(line.count - fresh) &* (request / Int64(places))
  }

  /// Requests that the pool can serve at once.
  private var places: Int {
    max(1, seats.reduce(0) { $1.state == .open ? $0 + max(0, concurrency - $1.stuck) : $0 })
  }

  /// A claim's end tells what requests and runs take, and whether the run is over.
  mutating func learn(_ outcome: ClaimOutcome, from asker: Asker, took time: Int64, at now: Instant) {
    if outcome == .answered { ages.add(time, of: asker) }
    switch outcome {
    case .answered, .abandoned:
      service.add(time)
      guard asker.isOfRun else { return }
      runs.hear(asker.node, work: time, at: now)
      if asker.priority == .report, outcome == .answered { runs.end(asker.node, at: now) }
    case .unused, .unreachable, .stale, .cut, .overdue: break
    }
  }

  var counters: PoolCounters {
    var counters = PoolCounters(pool: policy.name)
    counters.queueLength = line.count + line.confinedCount
    counters.quarantinedWaiting = line.confinedCount
    counters.waiting = QueueClass.allCases.map { line.count(of: $0) }
    counters.sheds = sheds
    counters.shedTotal = sheds.reduce(0, +)
    counters.runsUnderWay = runs.underWay
    return counters
  }
}

extension Asker {
  /// A report ends a run whether or not its beginning was seen.
  func isUnderWay(_ standing: RunTable.Standing) -> Bool {
    switch priority {
    case .report: true
    case .file, .catalog: standing == .underWay
    case .normal: false
    }
  }
}

extension RoutePriority {
  func `class`(_ standing: RunTable.Standing) -> QueueClass {
    switch (self, standing) {
    case (.report, _): .report
    case (.file, .underWay): .file
    case (.catalog, .underWay): .catalog
    case (.file, .unknown), (.file, .promised), (.catalog, .unknown), (.catalog, .promised), (.normal, _): .newRun
    }
  }
}
