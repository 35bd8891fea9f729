import TestSupport

/// What is sent for an entry of the book, and what must come back.
struct Errand: Sendable {
  var request: LoadRequest
  let entry: Entry

  /// - Parameter orders: to the stub, as `&ms=5`.
  init(_ entry: Entry, bytes: Int, orders: String = "", headers: [(String, String)] = []) {
    self.entry = entry
    let query = "n=\(entry.number)&bytes=\(bytes)\(orders)"
    request =
      switch entry.kind {
      case .file: LoadRequest("GET", "/files/x?\(query)", expect: .pattern(bytes: bytes))
      case .page: LoadRequest("GET", "/page?\(query)", expect: .pattern(bytes: bytes))
      case .catalog: LoadRequest("POST", "/echo?\(query)", body: patternBytes(bytes), expect: .echo)
      case .report, .upload: LoadRequest("PUT", "/echo?\(query)", body: patternBytes(bytes), expect: .echo)
      }
    request.headers = headers + [("X-Request-ID", entry.id)]
  }

  func outcome(of response: HTTPResponse) -> Entry.Outcome {
    let isOrdinary = response.status == 200
    return .answered(
      status: response.status,
      worker: response.header("x-worker").flatMap { $0.split(separator: " ").first.map(String.init) },
      isToReturn: response.header("retry-after") != nil,
      isRight: !isOrdinary || request.isFulfilled(by: response))
  }

  static func outcome(of failure: ExchangeFailure, onKept isKept: Bool) -> Entry.Outcome {
    switch failure {
    case .unanswered(let why): .lost(isKept ? .unansweredKept : .unansweredNew, why?.description ?? "closed")
    case .cut(let why): .lost(.cut, why?.description ?? "closed")
    case .timedOut: .lost(.timedOut, "no answer")
    case .malformed(let what): .lost(.malformed, what)
    }
  }

  static func outcome(of failure: WireFailure) -> Entry.Outcome {
    switch failure {
    case .refused: .lost(.refused, failure.description)
    case .reset: .lost(.unansweredNew, failure.description)
    case .timedOut: .lost(.timedOut, failure.description)
    case .tls: .lost(.handshake, failure.description)
    }
  }
}

/// Where requests go, and as whom.
struct Door: Sendable {
  var address: Address
  var tls: TLSClient?
  /// Sent as X-Puppet-Version.
  var version: String?
  static let patience = Duration.seconds(90)

  var headers: [(String, String)] { version.map { [("X-Puppet-Version", $0)] } ?? [] }
}
