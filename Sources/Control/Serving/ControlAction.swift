import Pool

/// What one request to the control API asks for.
enum ControlAction: Equatable {
  case status
  case events(EventQuery)
  /// The same as Server-Sent Events, and what comes after them.
  case follow(EventQuery)
  case history(HistoryQuery)
  case samples(SampleQuery)
  case nodes(NodeQuery)
  case advice(AdviceQuery)
  case settings
  case settingsDifferences
  /// The body is the command.
  case command
  case metrics
  case alive
  case ready
  /// A file of the dashboard, which is no part of the API.
  case asset(String)
}

/// Which events: of those that fit the first `limit` ones after `after`, or the last `limit` ones.
struct EventQuery: Equatable {
  var after: Int?
  var limit: Int
  var filter = EventFilter()
}

/// What the one at the other end may do.
enum ControlAccess: Sendable {
  /// The owner of the unix socket, or who has the token.
  case full
  /// Whoever reaches the network address.
  case readOnly
  /// The same, where a token would open it.
  case locked
}

/// An answer that is an error: its status and its words.
struct ControlRefusal: Error, Equatable {
  var status: Int
  var message: String
  /// For 405: the methods that would do.
  var allow: String?
  /// For 401: how to show who one is.
  var challenge: String?
}

/// A request as far as its route goes.
struct ControlRequest {
  var method: String
  var path: String
  var query: [(name: String, value: String)] = []
  var accept: String?
  var lastEventID: String?
}

/// The places of the API; etc/openapi/masterpool.yaml describes each.
enum ControlPlace: String, CaseIterable, Sendable {
  case status = "/v1/status"
  case events = "/v1/events"
  case history = "/v1/history"
  case samples = "/v1/samples"
  case nodes = "/v1/nodes"
  case advice = "/v1/advice"
  case settings = "/v1/settings"
  case settingsDifferences = "/v1/settings/differences"
  case commands = "/v1/commands"
  case metrics = "/metrics"
  case alive = "/healthz"
  case ready = "/readyz"

  /// True where something is done rather than told.
  var takesCommands: Bool {
    switch self {
    case .commands: true
    case .status, .events, .history, .samples, .nodes, .advice, .settings, .settingsDifferences, .metrics, .alive,
      .ready:
      false
    }
  }
}

extension ControlAction {
  init(_ request: ControlRequest, _ access: ControlAccess) throws(ControlRefusal) {
    guard let place = ControlPlace(rawValue: request.path) else {
      self = try Self.asset(request, access)
      return
    }
    try place.refuse(method: request.method, access)
    switch place {
    case .status: self = .status
    case .events:
      let query = try EventQuery(request)
      self = Self.wantsStream(request.accept) ? .follow(query) : .events(query)
    case .history: self = .history(try HistoryQuery(request))
    case .samples: self = .samples(try SampleQuery(request))
    case .nodes: self = .nodes(try NodeQuery(request))
    case .advice: self = .advice(try AdviceQuery(request))
    case .settings: self = .settings
    case .settingsDifferences: self = .settingsDifferences
    case .commands: self = .command
    case .metrics: self = .metrics
    case .alive: self = .alive
    case .ready: self = .ready
    }
  }

  private static func asset(_ request: ControlRequest, _ access: ControlAccess) throws(ControlRefusal)
    -> ControlAction
  {
    guard Dashboard.has(request.path) else {
      let places = ControlPlace.allCases.map(\.rawValue).joined(separator: ", ")
      throw ControlRefusal(
        status: 404,
        message: "there is no \(request.path.prefix(200)) here; there is \(places), and / for the dashboard")
    }
    try ControlPlace.refuseAllButReading(request.method, request.path, access)
    return .asset(request.path)
  }

  /// Browsers and our client name the type outright; `*/*` means JSON.
  private static func wantsStream(_ accept: String?) -> Bool {
    accept?.split(separator: ",").contains { range in
      range.split(separator: ";").first?.lowercased().filter { $0 != " " } == "text/event-stream"
    } ?? false
  }
}

extension ControlPlace {
  fileprivate func refuse(method: String, _ access: ControlAccess) throws(ControlRefusal) {
    switch access {
    case .full: break
    case .readOnly where takesCommands:
      throw ControlRefusal(
        status: 403,
        message: "this address is read-only; send commands to the control socket, or set control.token_file")
    case .locked where takesCommands:
      throw ControlRefusal(
        status: 401, message: "commands need the token that control.token_file names: Authorization: Bearer TOKEN",
        challenge: #"Bearer realm="masterpool""#)
    case .readOnly, .locked: break
    }
    guard takesCommands else { return try Self.refuseAllButReading(method, rawValue, access) }
    if method != "POST" {
      throw ControlRefusal(status: 405, message: "\(rawValue) takes POST with a command as JSON", allow: "POST")
    }
  }

  fileprivate static func refuseAllButReading(
    _ method: String, _ path: String, _ access: ControlAccess
  ) throws(ControlRefusal) {
    if method == "GET" || method == "HEAD" { return }
    switch access {
    case .readOnly: throw ControlRefusal(status: 403, message: "this address is read-only")
    case .full, .locked: throw ControlRefusal(status: 405, message: "\(path) takes GET", allow: "GET, HEAD")
    }
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
