/// Who is told of what, how soon and how often.
public struct NoticePolicy: Hashable, Sendable {
  /// What is told together; nothing of it: all.
  public enum Grouping: String, Hashable, Sendable, Codable, CaseIterable {
    case pool, kind
  }

  public var receivers: [NoticeReceiver]
  /// As whose the messages are signed; nil: the machine's name.
  public var host: String?
  /// Where to look, in every message.
  public var link: String?
  /// So long a condition must have lasted.
  public var lasting = Duration.seconds(30)
  public var groupBy: Set<Grouping> = [.pool]
  /// From the first news of a group to its message; between two messages of news; of what lasts.
  public var groupWait = Duration.seconds(10)
  public var groupInterval = Duration.seconds(300)
  public var repeatInterval = Duration.seconds(4 * 3600)
  /// Whether the end of what was told is told.
  public var resolved = true
  /// To each receiver.
  public var maxMessagesPerHour = 20
  /// Conditions that are kept in mind.
  public var maxAlerts = 1000
  /// In one message; the others are counted.
  public var maxListed = 50
  /// Failures of a slot in a row that make a crash loop.
  public var crashLoop = 5
  /// Before a certificate or an authority's, or a revocation list, expires.
  public var certificateExpiry = Duration.seconds(14 * 86400)
  public var crlExpiry = Duration.seconds(3 * 86400)
  /// What a stop waits for the last messages.
  public var lastWait = Duration.seconds(5)

  public init(receivers: [NoticeReceiver] = []) { self.receivers = receivers }
}

/// One webhook.
public struct NoticeReceiver: Hashable, Sendable {
  public enum Format: String, Hashable, Sendable, CaseIterable {
    /// Everything, as documented.
    case json
    /// `{"text": …}`, as Slack, Mattermost, Rocket.Chat and Google Chat take it.
    case slack
  }

  /// A word of the settings, or a file whose first line it is.
  public enum Secret: Hashable, Sendable {
    case text(String)
    case file(path: String)
  }

  public struct Header: Hashable, Sendable {
    public var name: String
    public var value: Secret

    public init(name: String, value: Secret) {
      self.name = name
      self.value = value
    }
  }

  public var name: String
  public var url: Secret
  public var format = Format.json
  /// The words of `text`; nil: our own.
  public var template: NoticeTemplate?
  public var headers: [Header] = []
  /// Empty: all.
  public var kinds: Set<NoticeKind> = []
  /// Empty: all; what is of no pool is told to all.
  public var pools: Set<PoolName> = []
  public var minSeverity = Severity.warning
  /// Authorities to trust, absolute; nil: the system's.
  public var authorities: String?
  /// The URL of the HTTP proxy on the way there; nil: there is none.
  public var proxy: Secret?
  /// For one attempt.
  public var timeout = Duration.seconds(10)
  /// For one message.
  public var maxAttempts = 10
  public var maxAge = Duration.seconds(3600)
  /// The wait doubles from attempt to attempt.
  public var retryWait = Duration.seconds(1)
  public var maxRetryWait = Duration.seconds(300)
  /// Messages that wait; beyond it the oldest is given up.
  public var queue = 100
  /// Of an answer.
  public var maxResponse = ByteCount.kibibytes(64)

  public init(name: String, url: Secret) {
    self.name = name
    self.url = url
  }

  public func wants(_ notice: Notice) -> Bool {
    (kinds.isEmpty || kinds.contains(notice.kind)) && notice.severity >= minSeverity
      && (pools.isEmpty || notice.pool.map { pools.contains($0) } ?? true)
  }
}
