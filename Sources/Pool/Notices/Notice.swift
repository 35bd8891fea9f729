/// One thing that somebody may want to know: a condition that holds, or what has occurred.
public struct Notice: Hashable, Sendable, Codable {
  /// By which a condition is known from one look to the next.
  public struct ID: Hashable, Sendable, Codable {
    public var kind: NoticeKind
    public var subject: String

    public init(kind: NoticeKind, subject: String) {
      self.kind = kind
      self.subject = subject
    }
  }

  public var kind: NoticeKind
  public var severity: Severity
  /// `masters/3`, `masters`, a file's path, `proxy`, `nodes`.
  public var subject: String
  public var pool: PoolName?
  public var slot: Int?
  public var generation: Int?
  /// One sentence.
  public var summary: String
  /// What else is known, or what to do.
  public var details: String?

  public var id: ID { ID(kind: kind, subject: subject) }

  public init(
    _ kind: NoticeKind, severity: Severity? = nil, subject: String, pool: PoolName? = nil, slot: Int? = nil,
    generation: Int? = nil, summary: String, details: String? = nil
  ) {
    self.kind = kind
    self.severity = severity ?? kind.severity
    self.subject = subject
    self.pool = pool
    self.slot = slot
    self.generation = generation
    self.summary = summary
    self.details = details
  }

  /// Of a worker or its slot.
  public init(_ kind: NoticeKind, slot: SlotID, generation: Int? = nil, summary: String, details: String? = nil) {
    self.init(
      kind, subject: slot.description, pool: slot.pool, slot: slot.index, generation: generation, summary: summary,
      details: details)
  }
}

/// A notice as it stands in a message.
public struct Alert: Hashable, Sendable, Codable {
  public enum Status: String, Hashable, Sendable, Codable {
    /// A condition holds, or is over.
    case firing, resolved
    /// It has occurred.
    case occurred
  }

  public var status: Status
  public var notice: Notice
  public var since: Instant
  /// Of a condition that is over.
  public var ended: Instant?

  public init(_ status: Status, _ notice: Notice, since: Instant, ended: Instant? = nil) {
    self.status = status
    self.notice = notice
    self.since = since
    self.ended = ended
  }
}

/// What is told to one receiver at once.
public struct NoticeMessage: Hashable, Sendable, Codable {
  /// Rises by one from message to message of one book.
  public var number: Int
  public var receiver: String
  public var at: Instant
  /// The worst first; what is over comes last.
  public var alerts: [Alert]
  /// Those that are not among them: beyond `max_listed`, or gone before there was a message.
  public var more: Int

  public init(number: Int, receiver: String, at: Instant, alerts: [Alert], more: Int = 0) {
    self.number = number
    self.receiver = receiver
    self.at = at
    self.alerts = alerts
    self.more = more
  }

  /// `resolved` where all is over that it tells of.
  public var status: Alert.Status {
    alerts.allSatisfy { $0.status == .resolved } && !alerts.isEmpty ? .resolved : .firing
  }

  /// Of what is not over.
  public var severity: Severity { alerts.filter { $0.status != .resolved }.map(\.notice.severity).max() ?? .warning }
}
