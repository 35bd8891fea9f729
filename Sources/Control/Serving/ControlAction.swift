import Pool

/// What one request to the control API asks for.
enum ControlAction: Equatable {
  case status
  case events(EventQuery)
  /// The same as Server-Sent Events, and what comes after them.
  case follow(EventQuery)
  case history(HistoryQuery)
  case samples(SampleQuery)
  /// The body is the command.
  case command
  case metrics
  case alive
  case ready
}

/// Which events: of those that fit the first `limit` ones after `after`, or the last `limit` ones.
struct EventQuery: Equatable {
  var after: Int?
  var limit: Int
  var filter = EventFilter()
}

/// Who is at the other end.
enum ControlAccess: Sendable {
  /// The owner of the unix socket.
  case full
  /// Whoever reaches the network address.
  case readOnly
}

/// An answer that is an error: its status and its words.
struct ControlRefusal: Error, Equatable {
  var status: Int
  var message: String
  /// For 405: the methods that would do.
  var allow: String?
}

/// A request as far as its route goes.
struct ControlRequest {
  var method: String
  var path: String
  var query: [(name: String, value: String)] = []
  var accept: String?
  var lastEventID: String?
}

extension ControlAction {
  static let places =
    "/v1/status, /v1/events, /v1/history, /v1/samples, /v1/commands, /metrics, /healthz, /readyz"

  init(_ request: ControlRequest, _ access: ControlAccess) throws(ControlRefusal) {
    switch request.path {
    case "/v1/status": self = .status
    case "/v1/events":
      let query = try EventQuery(request)
      self = Self.wantsStream(request.accept) ? .follow(query) : .events(query)
    case "/v1/history": self = .history(try HistoryQuery(request))
    case "/v1/samples": self = .samples(try SampleQuery(request))
    case "/v1/commands": self = .command
    case "/metrics": self = .metrics
    case "/healthz": self = .alive
    case "/readyz": self = .ready
    default:
      throw ControlRefusal(
        status: 404, message: "there is no \(request.path.prefix(200)) here; there is \(Self.places)")
    }
    try refuse(method: request.method, request.path, access)
  }

  private func refuse(method: String, _ path: String, _ access: ControlAccess) throws(ControlRefusal) {
    switch (self, access) {
    case (.command, .readOnly):
      throw ControlRefusal(
        status: 403, message: "this address is read-only; send commands to the control socket")
    case (.command, .full):
      guard method == "POST" else {
        throw ControlRefusal(status: 405, message: "\(path) takes POST with a command as JSON", allow: "POST")
      }
    case (.status, _), (.events, _), (.follow, _), (.history, _), (.samples, _), (.metrics, _), (.alive, _),
      (.ready, _):
      guard method == "GET" || method == "HEAD" else {
        throw access == .readOnly
          ? ControlRefusal(status: 403, message: "this address is read-only")
          : ControlRefusal(status: 405, message: "\(path) takes GET", allow: "GET, HEAD")
      }
    }
  }

  /// Browsers and our client name the type outright; `*/*` means JSON.
  private static func wantsStream(_ accept: String?) -> Bool {
    accept?.split(separator: ",").contains { range in
      range.split(separator: ";").first?.lowercased().filter { $0 != " " } == "text/event-stream"
    } ?? false
  }
}

extension Controlled {
  /// One page of the ledger. Numbers go on over restarts, unless the ledger was taken away: an `after` beyond the last
  /// event is of before that, and gets all there is.
  func page(_ query: EventQuery) async -> [Event] {
    guard let after = query.after else { return await events(query.filter, after: nil, limit: query.limit) }
    let newest = await events(after: nil, limit: 1).last?.id ?? 0
    return await events(query.filter, after: after > newest ? 0 : after, limit: query.limit)
  }
}
