/// What masterpool says of its own doings, and how.
public struct LogPolicy: Sendable, Hashable, Codable {
  public var format: LogFormat
  /// The least serious messages that are said.
  public var level: LogLevel
  /// The same for those of one origin alone.
  public var levels: [LogOrigin: LogLevel]
  /// The longest line; what is longer is cut, and says so.
  public var maxLine: ByteCount
  /// Lines that wait for whoever reads them; beyond it they are dropped and counted.
  public var buffer: ByteCount
  /// Where the journal takes messages.
  public var socket: String

  public init(
    format: LogFormat = .auto, level: LogLevel = .info, levels: [LogOrigin: LogLevel] = [:],
    maxLine: ByteCount = .kibibytes(16), buffer: ByteCount = .mebibytes(1),
    socket: String = "/run/systemd/journal/socket"
  ) {
    self.format = format
    self.level = level
    self.levels = levels
    self.maxLine = maxLine
    self.buffer = buffer
    self.socket = socket
  }

  /// The least serious messages of that origin that are said.
  public func level(of origin: LogOrigin) -> LogLevel {
    if let own = levels[origin] { return own }
    switch origin {
    // What the libraries say of their own doings is for those who debug them.
    case .http: return level > .debug ? .critical : level
    case .lifecycle: return max(level, .warning)
    case .supervisor, .control, .proxy, .parent, .worker: return level
    }
  }
}

public enum LogFormat: String, Sendable, Codable, CaseIterable {
  /// To the journal where standard error leads there, else text.
  case auto
  case text
  /// An object a line.
  case json
  /// The journal's own protocol.
  case journald
}

/// Whose words a message holds.
public enum LogOrigin: String, Sendable, Codable, CaseIterable {
  case supervisor
  case control
  case proxy
  case parent
  case worker
  /// The library that serves the control API.
  case http
  /// The library that starts and ends our services.
  case lifecycle
}

public enum LogLevel: String, Sendable, Codable, CaseIterable, Comparable {
  case trace, debug, info, notice, warning, error, critical

  public static func < (a: LogLevel, b: LogLevel) -> Bool { a.rank < b.rank }

  private var rank: Int {
    switch self {
    case .trace: 0
    case .debug: 1
    case .info: 2
    case .notice: 3
    case .warning: 4
    case .error: 5
    case .critical: 6
    }
  }

  /// As syslog(3) counts: 7 for debug to 2 for critical.
  public var priority: Int { min(7, 8 - rank) }
}
