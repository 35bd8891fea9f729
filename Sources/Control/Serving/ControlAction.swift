import Pool

/// What one request to the control API asks for.
enum ControlAction: Equatable {
  case status
  case events(EventQuery)
  /// The same as Server-Sent Events, and what comes after them.
  case follow(EventQuery)
  /// The body is the command.
  case command
  case metrics
  case alive
  case ready
}

/// Which events: the first `limit` ones after `after`, or the last `limit` ones.
struct EventQuery: Equatable {
  var after: Int?
  var limit: Int
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
    "/v1/status, /v1/events, /v1/commands, /metrics, /healthz, /readyz"

  init(_ request: ControlRequest, _ access: ControlAccess) throws(ControlRefusal) {
    switch request.path {
    case "/v1/status": self = .status
    case "/v1/events":
      let query = try EventQuery(request)
      self = Self.wantsStream(request.accept) ? .follow(query) : .events(query)
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
    case (.status, _), (.events, _), (.follow, _), (.metrics, _), (.alive, _), (.ready, _):
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

extension EventQuery {
  init(_ request: ControlRequest) throws(ControlRefusal) {
    func number(_ name: String, _ text: String, _ range: ClosedRange<Int>) throws(ControlRefusal) -> Int {
      guard let value = Int(text), range.contains(value) else {
        throw ControlRefusal(
          status: 400,
          message: "\(name)=\(text.prefix(40)) is not a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    after = nil
    limit = ControlLimit.defaultEvents
    for (name, value) in request.query {
      switch name {
      case "after": after = try number(name, value, 0...Int.max)
      case "limit": limit = try number(name, value, 0...ControlLimit.events)
      default:
        throw ControlRefusal(status: 400, message: "/v1/events knows after and limit, not \(name.prefix(40))")
      }
    }
    // A client that comes back knows better than the address it was first given.
    if let last = request.lastEventID { after = try number("Last-Event-ID", last, 0...Int.max) }
  }
}

extension Controlled {
  /// One page of the ledger. Numbers begin anew with each supervisor: an `after` beyond the last event is of an
  /// earlier one, and gets all there is of this one.
  func page(_ query: EventQuery) async -> [Event] {
    guard let after = query.after else { return await events(after: nil, limit: query.limit) }
    let newest = await events(after: nil, limit: 1).last?.id ?? 0
    return await events(after: after > newest ? 0 : after, limit: query.limit)
  }
}
