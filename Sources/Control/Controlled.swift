import Pool

/// What is controlled through the API: the supervisor, or in tests something that plays one.
public protocol Controlled: Sendable {
  func status() async -> StatusDocument
  /// For the metrics.
  func measurements() async -> Measurements
  /// - Parameter caller: who asks; nil: the program itself.
  func perform(_ command: ControlCommand, by caller: Caller?) async -> ControlReply
  /// At most `limit` events in order: the first ones after `id`, or, without one, the last ones there are.
  func events(after id: Int?, limit: Int) async -> [Event]
  /// The same of those that fit.
  func events(_ filter: EventFilter, after id: Int?, limit: Int) async -> [Event]
  /// The last `limit` exits that fit, and what all that fit come to.
  func history(_ filter: EventFilter, limit: Int) async throws(HistoryUnreadable) -> HistoryDocument
  func samples(_ query: SampleQuery) async throws(HistoryUnreadable) -> [SampleRow]
  func nodes(_ query: NodeQuery) async -> NodesDocument
  func advice(_ query: AdviceQuery) async throws(HistoryUnreadable) -> AdviceDocument
  /// What is in force, and where each value comes from.
  func settings() async -> SettingsDocument
  /// Between that and the files as they are now.
  func settingsDifferences() async -> SettingsDifferences
  /// What happens from now on. Ends when the follower is too far behind, or when there is no more to come.
  func liveEvents() async -> AsyncStream<Event>
  /// True while agents can be served.
  func isReady() async -> Bool
}

/// The limits of the control API.
public enum ControlLimit {
  /// `sockaddr_un.sun_path` without its NUL.
  public static let socketPathBytes = 107
  /// Of a command.
  public static let bodyBytes = 64 << 10
  public static let connections = 256
  /// Of one answer to `/v1/events`; more are asked for by `after`.
  public static let events = 10_000
  /// Where a request names none.
  public static let defaultEvents = 100
  /// Of one answer to `/v1/samples`, and where a request names none.
  public static let samples = 100_000
  public static let defaultSamples = 1000
  /// Of one answer to `/v1/nodes`, and where a request names none.
  public static let nodes = 100_000
  public static let defaultNodes = 100
  /// Ten years, in seconds.
  public static let longestSilence = 3650 * 86400
  /// How long a connection may say nothing while a request is awaited.
  static let idle: Duration = .seconds(60)
  /// How often an event stream says that it is alive.
  static let heartbeat: Duration = .seconds(15)
  /// A follower that takes nothing for so long is dropped.
  static let slowFollower: Duration = .seconds(10)
  /// What waits for a follower in memory; the rest is read again from the ledger.
  static let followerBacklog = 256
  /// How long answers in the making have at shutdown.
  static let shutdown: Duration = .milliseconds(500)
}
