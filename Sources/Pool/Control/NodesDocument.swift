/// `GET /v1/nodes`: who asked, when, and how their runs went.
public struct NodesDocument: Hashable, Sendable, Codable {
  /// Those that were asked for, in the order that was asked for.
  public var nodes: [Node]
  /// All that are known, and of these those that are overdue.
  public var total: Int
  public var overdueTotal: Int
  /// After how long a silence a node is: `nodes.overdue`.
  public var overdueSeconds: Double
  /// How many fit what was asked; `nodes` may be the first of them.
  public var fitting: Int

  public struct Node: Hashable, Sendable, Codable {
    /// Of the verified certificate.
    public var name: String
    /// RFC 3339, UTC, as all times here.
    public var lastSeenAt: String
    public var silentSeconds: Double
    public var overdue: Bool
    /// The first request of the run that is under way; nil: none is.
    public var runStartedAt: String?
    /// The last run that ended in a report.
    public var lastRunStartedAt: String?
    public var lastReportAt: String?
    public var lastRunSeconds: Double?
    /// `changed`, `unchanged` or `failed`, by the report itself.
    public var lastStatus: RunStatus?
    /// A worker's time for the latest catalog.
    public var catalogSeconds: Double?
    public var agentVersion: String?
    public var requestsTotal: Int
    /// Of HTTP, both ways.
    public var bytesTotal: Int
    /// Requests that were shed or forbidden.
    public var refusedTotal: Int
    /// It gets one worker of some pool at most.
    public var quarantined: Bool

    enum CodingKeys: String, CodingKey {
      case name, overdue, quarantined
      case lastSeenAt = "last_seen_at"
      case silentSeconds = "silent_seconds"
      case runStartedAt = "run_started_at"
      case lastRunStartedAt = "last_run_started_at"
      case lastReportAt = "last_report_at"
      case lastRunSeconds = "last_run_seconds"
      case lastStatus = "last_status"
      case catalogSeconds = "catalog_seconds"
      case agentVersion = "agent_version"
      case requestsTotal = "requests_total"
      case bytesTotal = "bytes_total"
      case refusedTotal = "refused_total"
    }
  }

  enum CodingKeys: String, CodingKey {
    case nodes, total, fitting
    case overdueTotal = "overdue_total"
    case overdueSeconds = "overdue_seconds"
  }
}

/// Which nodes are wanted, and in which order.
public struct NodeQuery: Hashable, Sendable {
  /// No other than this.
  public var name: String?
  /// Only those that were silent for longer.
  public var silentFor: Duration?
  public var sort: Sort
  public var limit: Int

  public enum Sort: String, Hashable, Sendable, Codable, CaseIterable {
    case name
    /// Who was seen last comes first; who was silent for longest.
    case seen, silent
    /// The longest run, and the slowest catalog.
    case run, catalog
    case requests, bytes, refused
    /// Those whose last run failed, changed something, changed nothing.
    case status
    /// The oldest first, as texts.
    case version
  }

  public init(name: String? = nil, silentFor: Duration? = nil, sort: Sort = .name, limit: Int) {
    self.name = name
    self.silentFor = silentFor
    self.sort = sort
    self.limit = limit
  }
}

extension NodesDocument {
  /// - Parameters:
  ///   - quarantined: nodes of any pool.
  ///   - written: a time in milliseconds since 1970 as RFC 3339.
  public init(
    _ book: NodeBook, _ query: NodeQuery, quarantined: Set<String>, at now: Instant, _ offset: WallOffset,
    written: (Int) -> String
  ) {
    var fitting = book.records
    if let name = query.name { fitting = fitting.filter { $0.record.name == name } }
    if let limit = query.silentFor { fitting = fitting.filter { now - $0.record.seen > limit } }
    let sorted = fitting.sorted { Self.comes($0.record, before: $1.record, by: query.sort) }
    nodes = sorted.prefix(max(0, query.limit)).map { record, isOverdue in
      Node(
        record, isOverdue: isOverdue, isQuarantined: quarantined.contains(record.name), at: now,
        written: { written(offset.wall($0)) })
    }
    total = book.count
    overdueTotal = book.overdue
    overdueSeconds = book.policy.overdue.inSeconds
    self.fitting = fitting.count
  }

  /// What is not known comes last, and equals by their names.
  private static func comes(_ a: NodeRecord, before b: NodeRecord, by sort: NodeQuery.Sort) -> Bool {
    func most<Value: Comparable>(_ value: (NodeRecord) -> Value?) -> Bool? {
      switch (value(a), value(b)) {
      case (let one?, let other?): one == other ? nil : one > other
      case (nil, nil): nil
      case (_?, nil): true
      case (nil, _?): false
      }
    }
    func least<Value: Comparable>(_ value: (NodeRecord) -> Value?) -> Bool? {
      switch (value(a), value(b)) {
      case (let one?, let other?): one == other ? nil : one < other
      case (nil, nil): nil
      case (_?, nil): true
      case (nil, _?): false
      }
    }
    let isFirst: Bool? =
      switch sort {
      case .name: nil
      case .seen: most(\.seen)
      case .silent: least(\.seen)
      case .run: most(\.lastRun)
      case .catalog: most(\.catalog)
      case .requests: most(\.requests)
      case .bytes: most(\.bytes)
      case .refused: most(\.refused)
      case .status: least { $0.status.map(rank) }
      case .version: least { $0.version?.description }
      }
    return isFirst ?? (a.name < b.name)
  }

  private static func rank(_ status: RunStatus) -> Int {
    switch status {
    case .failed: 0
    case .changed: 1
    case .unchanged: 2
    }
  }
}

extension NodesDocument.Node {
  fileprivate init(
    _ record: NodeRecord, isOverdue: Bool, isQuarantined: Bool, at now: Instant, written: (Instant) -> String
  ) {
    name = record.name
    lastSeenAt = written(record.seen)
    silentSeconds = max(.zero, now - record.seen).inSeconds
    overdue = isOverdue
    runStartedAt = record.runStarted.map(written)
    lastRunStartedAt = record.lastRunStarted.map(written)
    lastReportAt = record.reported.map(written)
    lastRunSeconds = record.lastRun?.inSeconds
    lastStatus = record.status
    catalogSeconds = record.catalog?.inSeconds
    agentVersion = record.version?.description
    requestsTotal = record.requests
    bytesTotal = record.bytes
    refusedTotal = record.refused
    quarantined = isQuarantined
  }
}
