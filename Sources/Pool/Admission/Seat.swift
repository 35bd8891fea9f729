/// One worker's place in its pool's ledger: what it may take, what it holds, what it has done.
struct Seat: Sendable {
  enum State: Sendable, Hashable {
    case vacant
    case open
    /// No new claims. `announced`: the drain was answered.
    case draining(announced: Bool)
    /// Waits for the last of its claims.
    case retiring
  }

  enum Place: Sendable {
    case free
    case claimed(since: Instant, by: Asker)
    /// Lost to a request that was never answered.
    case stuck

    var isFree: Bool {
      switch self {
      case .free: true
      case .claimed, .stuck: false
      }
    }

    var claimedSince: Instant? {
      switch self {
      case .claimed(let since, _): since
      case .free, .stuck: nil
      }
    }

    var asker: Asker? {
      switch self {
      case .claimed(_, let asker): asker
      case .free, .stuck: nil
      }
    }
  }

  var state = State.vacant
  var occupant: UInt32 = 0
  /// Held for a liveness probe.
  var isReserved = false
  /// No claims before this.
  var suspendedUntil = Instant(nanoseconds: .min)
  var idleSince = Instant(nanoseconds: .min)
  /// Places held by claims, and places lost to requests that it never answered.
  var inFlight = 0
  var stuck = 0
  /// Places that requests of other proxies hold.
  var elsewhere = 0
  var places: [Place] = []
  var kept: [KeptConnection] = []
  var endpoint = Endpoint.tcp(port: 0)
  var counters: WorkerCounters?

  func takesClaims(concurrency: Int, at now: Instant) -> Bool {
    state == .open && !isReserved && inFlight + stuck + elsewhere < concurrency && suspendedUntil <= now
  }

  mutating func occupy(_ worker: WorkerID, at endpoint: Endpoint, concurrency: Int) {
    state = .open
    occupant &+= 1
    isReserved = false
    suspendedUntil = Instant(nanoseconds: .min)
    idleSince = Instant(nanoseconds: .min)
    inFlight = 0
    stuck = 0
    elsewhere = 0
    places = Array(repeating: .free, count: concurrency)
    kept = []
    self.endpoint = endpoint
    counters = WorkerCounters(worker: worker)
  }

  /// Registers a claim; the place it takes and the connection that goes with it.
  mutating func take(for asker: Asker, concurrency: Int, at now: Instant) -> (place: Int, KeptConnection?) {
    let place = places.firstIndex(where: \.isFree)
    precondition(place != nil, "a claim on a worker without a free place")
    places[place ?? 0] = .claimed(since: now, by: asker)
    let connection = takeConnection(for: asker.ticket.loop, concurrency: concurrency)
    inFlight += 1
    return (place ?? 0, connection)
  }

  /// The loop's own first: another's must change its epoll set. But never more connections than places, since a
  /// single-threaded master may serve one connection at a time.
  private mutating func takeConnection(for loop: UInt16, concurrency: Int) -> KeptConnection? {
    if let own = kept.lastIndex(where: { $0.loop == loop }) {
      let connection = kept[own]
      kept.swapAt(own, kept.count - 1)
      kept.removeLast()
      return connection
    }
    return inFlight + stuck + kept.count < concurrency ? nil : kept.popLast()
  }

  mutating func record(_ outcome: ClaimOutcome, place: Int, at now: Instant, suspension: Duration) {
    precondition(inFlight > 0 && places[place].claimedSince != nil, "a claim was released twice")
    inFlight -= 1
    idleSince = now
    places[place] = .free
    switch outcome {
    case .answered:
      counters?.requestsTotal += 1
      counters?.lastAnswered = now
    case .abandoned:
      counters?.requestsTotal += 1
    case .unused, .stale: break
    case .unreachable(let lost):
      suspendedUntil = now + suspension
      if lost { countLoss() }
    case .cut: countLoss()
    case .overdue(let lost):
      places[place] = .stuck
      stuck += 1
      if lost { countLoss() } else { counters?.requestsTotal += 1 }
    }
  }

  private mutating func countLoss() {
    counters?.requestsTotal += 1
    counters?.lostTotal += 1
  }

  /// Totals and gauges, as reported.
  var report: WorkerCounters? {
    guard var report = counters else { return nil }
    report.requestsInFlight = inFlight
    report.oldestRequestStarted = places.compactMap(\.claimedSince).min()
    return report
  }
}
