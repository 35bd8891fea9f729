import Dispatch
import FoundationEssentials
import Glibc
import Logging
import Pool
import Synchronization

/// All that this process says of its own doings: what is said, how, and to whom, by a policy that may change at any time.
public final class LogCenter: Sendable {
  private let policy: Mutex<LogPolicy>
  private let pump: LogPump

  /// - Parameter environment: of this process; says whether standard error leads to the journal.
  public convenience init(_ policy: LogPolicy, environment: [String: String]) {
    self.init(
      policy, outlet: LogOutlet(descriptor: STDERR_FILENO, journalStream: environment["JOURNAL_STREAM"]))
  }

  init(_ policy: LogPolicy, outlet: sending LogOutlet) {
    self.policy = Mutex(policy)
    pump = LogPump(policy, outlet: outlet, now: Self.timestamp)
  }

  public func handler(label: String) -> any LogHandler {
    // What others call theirs is our own doing.
    CenterLogHandler(center: self, origin: LogOrigin(rawValue: label) ?? .supervisor)
  }

  /// In force from the next message on.
  public func change(to policy: LogPolicy) {
    self.policy.withLock { $0 = policy }
    pump.change(to: policy)
  }

  /// Until what was said is out, or the time is over.
  public func flush(within limit: DispatchTimeInterval = .seconds(2)) { pump.flush(within: limit) }

  func level(of origin: LogOrigin) -> Logger.Level { policy.withLock { $0.level(of: origin) }.asLoggers }

  func say(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, from origin: LogOrigin) {
    pump.take(
      LogRecord(
        time: Self.timestamp(), level: LogLevel(level), origin: origin, message: message,
        fields: metadata.map { .init($0.key, "\($0.value)") }))
  }

  private static func timestamp() -> String {
    Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }
}

/// One logger's way to the center.
struct CenterLogHandler: LogHandler {
  let center: LogCenter
  let origin: LogOrigin
  var metadata: Logger.Metadata = [:]
  /// Set on this logger alone, above the policy.
  private var floor: Logger.Level?

  init(center: LogCenter, origin: LogOrigin) {
    self.center = center
    self.origin = origin
  }

  var logLevel: Logger.Level {
    get {
      let level = center.level(of: origin)
      return floor.map { max($0, level) } ?? level
    }
    set { floor = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    center.say(event.level, "\(event.message)", metadata.merging(event.metadata ?? [:]) { $1 }, from: origin)
  }
}

extension LogLevel {
  init(_ level: Logger.Level) {
    self =
      switch level {
      case .trace: .trace
      case .debug: .debug
      case .info: .info
      case .notice: .notice
      case .warning: .warning
      case .error: .error
      case .critical: .critical
      }
  }

  var asLoggers: Logger.Level {
    switch self {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    case .critical: .critical
    }
  }
}
