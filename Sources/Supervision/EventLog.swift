import Logging
import Pool

/// The last events, in rising numbers, and those who follow them; the ledger has the earlier ones.
struct EventLog {
  /// Older ones are forgotten.
  static let capacity = 10_000
  /// A follower that is so many events behind is let go.
  static let followerBacklog = 1_000

  /// For so long a wipe that failed is a problem of today.
  static let wipeMemory = Duration.seconds(3600)

  /// What was seen of a stuck worker is long, and kept for so many events.
  static let captures = 100

  /// Occurrences that nobody has taken yet; more are lost.
  static let occurrenceBacklog = 1_000

  private var events: [Event] = []
  /// What somebody may be told of, since it was taken last.
  private var occurrences: [Notice] = []
  /// The events that have one.
  private var capturing: [Int] = []
  private var failedWipes: [(at: Instant, event: Event)] = []
  private var nextID = 1
  private var followers: [Int: AsyncStream<Event>.Continuation] = [:]
  private var nextFollower = 0
  private let logger: Logger
  private let ledger: (any LedgerKeeping)?

  init(logger: Logger, ledger: (any LedgerKeeping)? = nil) {
    self.logger = logger
    self.ledger = ledger
  }

  /// Numbers go on where an earlier life left off.
  mutating func begin(at id: Int) { nextID = max(nextID, id) }

  mutating func append(
    _ kind: Event.Kind, _ message: String, worker: WorkerID? = nil, pool: PoolName? = nil, exit: ExitRow? = nil,
    capture: String? = nil
  ) {
    var event = Event(
      id: nextID, at: Clock.timestamp(), kind: kind, message: message, worker: worker, exit: exit, capture: capture,
      by: kind.isAskedFor ? Asking.caller?.description : nil)
    event.pool = event.pool ?? pool
    nextID += 1
    events.append(event)
    if capture != nil { noteCapture(event.id) }
    if kind == .wipeFailed { failedWipes.append((Clock.now(), event)) }
    if failedWipes.count > Self.capacity { failedWipes.removeFirst(Self.capacity / 10) }
    if let notice = Notice(event) { occur(notice) }
    if events.count > Self.capacity { events.removeFirst(Self.capacity / 10) }
    log(event)
    ledger?.keep(event)
    for (number, follower) in followers {
      switch follower.yield(event) {
      case .enqueued: continue
      case .dropped, .terminated:
        follower.finish()
        followers[number] = nil
      @unknown default: continue
      }
    }
  }

  mutating func occur(_ notice: Notice) {
    if occurrences.count < Self.occurrenceBacklog { occurrences.append(notice) }
  }

  mutating func takeOccurrences() -> [Notice] {
    defer { occurrences = [] }
    return occurrences
  }

  private mutating func noteCapture(_ id: Int) {
    capturing.append(id)
    guard capturing.count > Self.captures else { return }
    let oldest = capturing.removeFirst()
    if let index = events.firstIndex(where: { $0.id == oldest }) { events[index].capture = nil }
  }

  /// At most `limit` events: the first after `id`, or without one the last.
  func events(after id: Int?, limit: Int) -> [Event] {
    guard let id else { return Array(events.suffix(max(0, limit))) }
    return Array(events.drop { $0.id <= id }.prefix(max(0, limit)))
  }

  /// The same of those that fit, and the number of the oldest that is here.
  func events(_ filter: EventFilter, after id: Int?, limit: Int) -> RecentEvents {
    let oldest = events.first?.id ?? nextID
    guard let id else {
      let fitting = events.reversed().lazy.filter(filter.matches).prefix(max(0, limit))
      return RecentEvents(events: fitting.reversed(), oldest: oldest)
    }
    let fitting = events.lazy.drop { $0.id <= id }.filter(filter.matches).prefix(max(0, limit))
    return RecentEvents(events: Array(fitting), oldest: oldest)
  }

  /// Those of the last hour; nil: none.
  func failedWipes(at now: Instant) -> StatusDocument.FailedWipes? {
    let recent = failedWipes.reversed().prefix { now - $0.at < Self.wipeMemory }
    return recent.first.map { last in
      StatusDocument.FailedWipes(
        count: recent.count, withinSeconds: Self.wipeMemory.inSeconds, message: last.event.message, at: last.event.at)
    }
  }

  mutating func follow() -> AsyncStream<Event> {
    let (stream, continuation) = AsyncStream<Event>.makeStream(
      bufferingPolicy: .bufferingOldest(Self.followerBacklog))
    followers[nextFollower] = continuation
    nextFollower += 1
    return stream
  }

  func finish() {
    for follower in followers.values { follower.finish() }
  }

  private func log(_ event: Event) {
    var metadata: Logger.Metadata = ["event": "\(event.kind.rawValue)"]
    if let by = event.by { metadata["by"] = "\(by)" }
    if let pool = event.pool { metadata["pool"] = "\(pool)" }
    if let slot = event.slot { metadata["slot"] = "\(slot)" }
    if let generation = event.generation { metadata["generation"] = "\(generation)" }
    if let exit = event.exit {
      metadata["reason"] = "\(exit.reason.rawValue)"
      metadata["requests_served"] = "\(exit.requestsServed)"
      metadata["requests_lost"] = "\(exit.requestsLost)"
    }
    logger.log(level: event.kind.level, "\(event.message)", metadata: metadata)
  }
}

extension Event.Kind {
  /// True where it tells of what someone has asked for, rather than of what follows from it.
  fileprivate var isAskedFor: Bool {
    switch self {
    case .command, .reload: true
    case .spawn, .ready, .drain, .exit, .wipe, .wipeFailed, .backOff, .proxy, .decision, .ledger, .stuck, .quarantine,
      .node, .notify, .parent, .deploy, .deployFailed, .supervisor:
      false
    }
  }

  fileprivate var level: Logger.Level {
    switch self {
    case .spawn, .drain: .debug
    case .decision, .ready, .exit, .wipe, .proxy, .command, .reload, .supervisor, .parent, .deploy: .info
    case .wipeFailed, .backOff, .ledger, .stuck, .quarantine, .node, .notify: .warning
    case .deployFailed: .error
    }
  }
}
