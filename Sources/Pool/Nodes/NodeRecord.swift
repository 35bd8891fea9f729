/// What is known of one node, by its verified certificate's name.
public struct NodeRecord: Hashable, Sendable {
  public var name: String
  /// When its latest request was over.
  public var seen: Instant
  /// The first request of the run that is under way; nil: none is.
  public var runStarted: Instant?
  /// The latest run that ended in a report: its first request, nil where nobody saw it, and the report.
  public var lastRunStarted: Instant?
  public var reported: Instant?
  /// What that report says; nil: nothing that can be read.
  public var status: RunStatus?
  /// A worker's time for its latest catalog.
  public var catalog: Duration?
  public var version: AgentVersion?
  public var requests = 0
  public var bytes = 0
  public var refused = 0

  /// A run of which nothing was heard for so long is over, whether its report came or not. What applies a catalog in
  /// silence for longer has its run told from its next request on.
  public static let quiet = Duration.seconds(900)

  public init(name: String, seen: Instant) {
    self.name = name
    self.seen = seen
  }

  /// From the first request to the report; nil where one of them was not seen.
  public var lastRun: Duration? {
    guard let lastRunStarted, let reported else { return nil }
    return max(.zero, reported - lastRunStarted)
  }

  /// What one proxy saw; other loops and proxies may tell of earlier moments later.
  mutating func learn(_ deeds: NodeDeeds) {
    requests &+= max(0, deeds.requests)
    bytes &+= max(0, deeds.bytes)
    refused &+= max(0, deeds.refused)
    if let asked = deeds.asked { noteAsking(asked, isBeginning: deeds.began) }
    if let moment = deeds.reported { noteReport(moment, deeds.status) }
    if let asked = deeds.askedAgain { noteAsking(asked, isBeginning: true) }
    if let catalog = deeds.catalog { self.catalog = catalog }
    if let version = deeds.version { self.version = version }
    seen = max(seen, deeds.seen)
  }

  private mutating func noteAsking(_ at: Instant, isBeginning: Bool) {
    if let reported, at <= reported {
      // Of the run that this report ended, and nobody had said so yet.
      if lastRunStarted == nil, reported - at < Self.quiet { lastRunStarted = at }
      return
    }
    guard let started = runStarted, !isBeginning, at - seen < Self.quiet else {
      runStarted = at
      return
    }
    runStarted = min(started, at)
  }

  private mutating func noteReport(_ at: Instant, _ status: RunStatus?) {
    if let reported, at <= reported { return }
    reported = at
    self.status = status
    lastRunStarted = nil
    guard let started = runStarted, started <= at else { return }
    lastRunStarted = started
    runStarted = nil
  }
}

/// The same on the clock of the wall, in milliseconds since 1970, for what outlives the machine's uptime.
public struct NodeRow: Hashable, Sendable {
  public var name: String
  public var seenAt: Int
  public var runStartedAt: Int?
  public var lastRunStartedAt: Int?
  public var reportedAt: Int?
  public var status: RunStatus?
  public var catalogMilliseconds: Int?
  public var version: String?
  public var requests = 0
  public var bytes = 0
  public var refused = 0

  public init(name: String, seenAt: Int) {
    self.name = name
    self.seenAt = seenAt
  }
}

/// What the wall's clock shows when the machine's monotonic one stands at zero, in milliseconds since 1970.
public struct WallOffset: Hashable, Sendable {
  public var milliseconds: Int

  public init(milliseconds: Int) { self.milliseconds = milliseconds }

  public func wall(_ instant: Instant) -> Int {
    let (sum, overflow) = Int(instant.nanoseconds / 1_000_000).addingReportingOverflow(milliseconds)
    return overflow ? milliseconds : sum
  }

  public func instant(_ wall: Int) -> Instant {
    let (difference, overflow) = wall.subtractingReportingOverflow(milliseconds)
    return Instant(nanoseconds: 0) + .milliseconds(overflow ? 0 : difference)
  }
}

extension NodeRow {
  public init(_ record: NodeRecord, _ offset: WallOffset) {
    self.init(name: record.name, seenAt: offset.wall(record.seen))
    runStartedAt = record.runStarted.map(offset.wall)
    lastRunStartedAt = record.lastRunStarted.map(offset.wall)
    reportedAt = record.reported.map(offset.wall)
    status = record.status
    catalogMilliseconds = record.catalog.map { Int($0.wholeNanoseconds / 1_000_000) }
    version = record.version?.description
    requests = record.requests
    bytes = record.bytes
    refused = record.refused
  }
}

extension NodeRecord {
  /// - Parameter now: what seems to be of later, since the clock was set back, is of now.
  public init(_ row: NodeRow, _ offset: WallOffset, now: Instant) {
    func instant(_ wall: Int) -> Instant { min(now, offset.instant(wall)) }
    self.init(name: row.name, seen: instant(row.seenAt))
    runStarted = row.runStartedAt.map(instant)
    lastRunStarted = row.lastRunStartedAt.map(instant)
    reported = row.reportedAt.map(instant)
    status = row.status
    catalog = row.catalogMilliseconds.map { .milliseconds($0) }
    version = row.version.flatMap { AgentVersion($0) }
    requests = max(0, row.requests)
    bytes = max(0, row.bytes)
    refused = max(0, row.refused)
  }
}
