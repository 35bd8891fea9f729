import Fetching
import FoundationEssentials
import Glibc
import Pool
import Synchronization

/// Asks the supervisor over its unix socket.
public struct ControlClient: Sendable {
  public static let defaultSocket = "/run/masterpool/control.sock"

  static let timeout: Duration = .seconds(30)
  /// A reload is answered when the new settings are in force: a new pool's workers may have to get ready first.
  static let reloadTimeout: Duration = .seconds(900)
  /// Receivers of notifications are asked at once, each for a minute at most.
  static let testTimeout: Duration = .seconds(90)
  /// A full page of events, or the status of a thousand workers, is far smaller.
  static let maxAnswerBytes = 64 << 20

  public let socketPath: String

  /// - Parameter socketPath: absolute, or from the working directory.
  public init(socketPath: String) {
    self.socketPath =
      socketPath.hasPrefix("/") ? socketPath : FileManager.default.currentDirectoryPath + "/" + socketPath
  }

  public func status(within timeout: Duration? = nil) async throws(ControlFailure) -> StatusDocument {
    try decoded(await fetch("GET", "/v1/status", within: timeout ?? Self.timeout))
  }

  /// The first `limit` events after `id`, or, without one, the last `limit`, in order.
  public func events(
    _ filter: EventFilter = EventFilter(), after id: Int? = nil, limit: Int
  ) async throws(ControlFailure) -> [Event] {
    try decoded(await fetch("GET", eventsPath(filter, after: id, limit: limit)))
  }

  /// The last `limit` exits that fit, and what all that fit come to.
  public func history(_ filter: EventFilter, limit: Int) async throws(ControlFailure) -> HistoryDocument {
    try decoded(await fetch("GET", "/v1/history?limit=\(limit)\(Self.terms(filter))"))
  }

  public func samples(_ query: SampleQuery) async throws(ControlFailure) -> [SampleRow] {
    let step = query.step.map { "&step_seconds=\($0)" } ?? ""
    return try decoded(await fetch("GET", "/v1/samples?limit=\(query.limit)\(step)\(Self.terms(query.filter))"))
  }

  public func nodes(_ query: NodeQuery) async throws(ControlFailure) -> NodesDocument {
    let silent = query.silentFor.map { "&overdue_seconds=\($0.components.seconds)" } ?? ""
    let name = query.name.map { "&name=\(Self.escaped($0))" } ?? ""
    return try decoded(
      await fetch("GET", "/v1/nodes?limit=\(query.limit)&sort=\(query.sort.rawValue)\(silent)\(name)"))
  }

  /// `/metrics`: Prometheus's text.
  public func metrics() async throws(ControlFailure) -> String {
    String(decoding: try await fetch("GET", "/metrics"), as: UTF8.self)
  }

  public func settings(within timeout: Duration? = nil) async throws(ControlFailure) -> SettingsDocument {
    try decoded(await fetch("GET", "/v1/settings", within: timeout ?? Self.timeout))
  }

  public func settingsDifferences() async throws(ControlFailure) -> SettingsDifferences {
    try decoded(await fetch("GET", "/v1/settings/differences"))
  }

  /// As a part of a query (RFC 3986 §2.3): all but unreserved bytes percent-encoded.
  private static func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }

  /// - Returns: what the supervisor says, and the workers that will be replaced or changed.
  /// - Throws: `.refused` where it says no.
  @discardableResult
  public func perform(
    _ command: ControlCommand
  ) async throws(ControlFailure) -> (message: String, workers: [WorkerID]) {
    let body: [UInt8]
    do { body = Array(try JSONEncoder().encode(command)) } catch {
      throw .failed("the command cannot be written as JSON: \(error)")
    }
    let patience = command.isReload ? Self.reloadTimeout : command.isTest ? Self.testTimeout : Self.timeout
    let reply: ControlReply = try decoded(await fetch("POST", "/v1/commands", body: body, within: patience))
    switch reply {
    case .accepted(let message, let workers): return (message, workers)
    case .refused(let message): throw .refused(message)
    }
  }

  /// Events as `events` gives them, then those that come, until the supervisor ends or `body` throws.
  ///
  /// - Throws: `ControlFailure`, or what `body` throws.
  public func follow(
    _ filter: EventFilter = EventFilter(), after id: Int? = nil, limit: Int, _ body: (Event) throws -> Void
  ) async throws {
    let (events, mailbox) = AsyncThrowingStream.makeStream(of: Event.self)
    let reader = Mutex(StreamReader())
    let request = FetchRequest(
      .unixSocket(socketPath), path: eventsPath(filter, after: id, limit: limit),
      headers: [("Accept", "text/event-stream")],
      timeout: nil)
    let fetching = Task {
      do throws(FetchFailure) {
        let status = try await Fetcher.stream(request) { bytes in
          guard let new = reader.withLock({ $0.take(bytes) }) else { return false }
          for event in new { mailbox.yield(event) }
          return true
        }
        let rest = reader.withLock { $0.unread }
        mailbox.finish(throwing: status == 200 ? nil : refusal(status, rest))
      } catch {
        mailbox.finish(throwing: failure(error))
      }
    }
    defer { fetching.cancel() }
    for try await event in events { try body(event) }
  }

  private func eventsPath(_ filter: EventFilter, after id: Int?, limit: Int) -> String {
    "/v1/events?limit=\(limit)" + (id.map { "&after=\($0)" } ?? "") + Self.terms(filter)
  }

  /// None of it needs to be escaped.
  private static func terms(_ filter: EventFilter) -> String {
    func list(_ name: String, _ words: [String]) -> String {
      words.isEmpty ? "" : "&\(name)=\(words.sorted().joined(separator: ","))"
    }
    let target =
      switch filter.target {
      case .pool(let pool): "&pool=\(pool)"
      case .slot(let slot): "&slot=\(slot)"
      case nil: ""
      }
    return list("kind", filter.kinds.map(\.rawValue)) + list("reason", filter.reasons.map(\.rawValue)) + target
      + (filter.generation.map { "&generation=\($0)" } ?? "") + (filter.since.map { "&since=\($0)" } ?? "")
      + (filter.until.map { "&until=\($0)" } ?? "")
  }

  private func fetch(
    _ method: String, _ path: String, body: [UInt8]? = nil, within timeout: Duration = timeout
  ) async throws(ControlFailure) -> [UInt8] {
    let response: FetchResponse
    do throws(FetchFailure) {
      response = try await Fetcher.perform(
        FetchRequest(
          .unixSocket(socketPath), method: method, path: path,
          headers: body == nil ? [] : [("Content-Type", "application/json")], body: body, timeout: timeout,
          maxBodyBytes: Self.maxAnswerBytes))
    } catch {
      throw failure(error)
    }
    guard response.status == 200 else { throw refusal(response.status, response.body) }
    return response.body
  }

  /// What an answer other than 200 says: `{"error": "…"}`.
  private func refusal(_ status: Int, _ body: [UInt8]) -> ControlFailure {
    guard let document = try? JSONDecoder().decode(ErrorDocument.self, from: Data(body)) else {
      return .failed("\(socketPath) answers with status \(status), not as masterpool does")
    }
    return .refused(document.error)
  }

  private func failure(_ error: FetchFailure) -> ControlFailure {
    switch error {
    case .cannotConnect(let why):
      // There, but not for us: another matter than nobody there.
      if access(socketPath, F_OK) == 0, access(socketPath, W_OK) != 0 {
        return .failed("no permission to use \(socketPath); its owner and root may")
      }
      return .nobodyThere(socket: socketPath, why: why)
    case .timedOut: return .failed("no answer from \(socketPath) within \(Self.timeout.short)")
    case .tooLarge, .proxy, .untrusted, .otherHost, .cancelled, .other: return .failed("\(socketPath): \(error)")
    }
  }

  private func decoded<Document: Decodable>(_ body: [UInt8]) throws(ControlFailure) -> Document {
    do { return try JSONDecoder().decode(Document.self, from: Data(body)) } catch {
      throw .failed("\(socketPath) answers in a form that this version does not know: \(error)")
    }
  }
}

extension ControlCommand {
  fileprivate var isTest: Bool {
    switch self {
    case .testNotifications: true
    case .restart, .deploy, .drain, .resume, .scale, .release, .reload, .set, .upgrade, .stop: false
    }
  }

  fileprivate var isReload: Bool {
    switch self {
    case .reload, .set: true
    case .restart, .deploy, .drain, .resume, .scale, .release, .upgrade, .stop, .testNotifications: false
    }
  }
}
