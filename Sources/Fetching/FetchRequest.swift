/// Where a request goes.
public enum FetchEndpoint: Hashable, Sendable {
  /// An absolute path, at most 107 bytes.
  case unixSocket(String)
  /// Plain HTTP, or with `tls` HTTPS.
  case network(host: String, port: UInt16, tls: FetchTLS? = nil)
}

/// Whom to trust and as whom to appear; paths to PEM files.
public struct FetchTLS: Hashable, Sendable {
  /// They alone; nil: the system's.
  public var authorities: String?
  public var certificate: String?
  public var privateKey: String?

  public init(authorities: String? = nil, certificate: String? = nil, privateKey: String? = nil) {
    self.authorities = authorities
    self.certificate = certificate
    self.privateKey = privateKey
  }
}

/// An HTTP proxy on the way: by CONNECT to what speaks TLS, and for all else it sends the request on.
public struct FetchProxy: Hashable, Sendable, CustomStringConvertible {
  public var host: String
  public var port: UInt16
  /// For basic authentication; nil: none.
  public var user: String?
  public var password: String

  public init(host: String, port: UInt16, user: String? = nil, password: String = "") {
    self.host = host
    self.port = port
    self.user = user
    self.password = password
  }

  /// Without the password.
  public var description: String { "http://\(place(host, port))" }
}

/// `HOST:PORT` as a URL has it.
func place(_ host: String, _ port: UInt16) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

/// One HTTP/1.1 request on a connection of its own.
public struct FetchRequest: Sendable {
  public var endpoint: FetchEndpoint
  /// Not for unix sockets; nil: none, whatever the environment says.
  public var proxy: FetchProxy?
  public var method: String
  /// Origin form, sent as it stands: `/status?level=debug`.
  public var path: String
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]?
  /// For the whole exchange; nil: none.
  public var timeout: Duration?
  /// A longer response body is a failure; not for streams.
  public var maxBodyBytes: Int

  public init(
    _ endpoint: FetchEndpoint, through proxy: FetchProxy? = nil, method: String = "GET", path: String,
    headers: [(String, String)] = [],
    body: [UInt8]? = nil, timeout: Duration? = .seconds(30), maxBodyBytes: Int = 16 << 20
  ) {
    self.endpoint = endpoint
    self.proxy = proxy
    self.method = method
    self.path = path
    self.headers = headers.map { (name: $0.0, value: $0.1) }
    self.body = body
    self.timeout = timeout
    self.maxBodyBytes = maxBodyBytes
  }
}

/// The whole answer.
public struct FetchResponse: Sendable {
  public var status: Int
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first header of that name, in whatever case.
  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// Why there is no answer; a status of 500 is an answer.
public enum FetchFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nobody there: no such socket, refused, or a name that does not resolve.
  case cannotConnect(String)
  /// The proxy is not there, or does not let us through.
  case proxy(String)
  case timedOut
  case tooLarge
  /// No authority that is trusted vouches for the server's certificate, or not any more.
  case untrusted(String)
  /// Its certificate is in order, but not for this host.
  case otherHost(String)
  /// The task was cancelled.
  case cancelled
  case other(String)

  public var description: String {
    switch self {
    case .cannotConnect(let why): "cannot connect: \(why)"
    case .proxy(let why): "the proxy \(why)"
    case .timedOut: "no answer in time"
    case .tooLarge: "the answer is larger than allowed"
    case .untrusted(let why): "its certificate is not trusted: \(why)"
    case .otherHost(let host): "its certificate is for another host than \(host)"
    case .cancelled: "cancelled"
    case .other(let why): why
    }
  }
}

/// Asks over HTTP, with libcurl, on a thread of its own.
public enum Fetcher {
  /// The whole answer, whatever its status.
  public static func perform(_ request: FetchRequest) async throws(FetchFailure) -> FetchResponse {
    let collected = try await FetchLoop.loop(for: request).run(
      request, sink: .collect(limit: max(0, request.maxBodyBytes)))
    return FetchResponse(status: collected.status, headers: collected.headers, body: collected.body)
  }

  /// Gives the body's bytes as they come, whatever the status.
  /// - Parameter onBytes: called on the fetching thread, which serves all requests: it must not wait. False ends
  ///   the exchange.
  /// - Returns: the status, when the body has ended or was ended by `onBytes`.
  @discardableResult
  public static func stream(
    _ request: FetchRequest, onBytes: @escaping @Sendable ([UInt8]) -> Bool
  ) async throws(FetchFailure) -> Int {
    try await FetchLoop.loop(for: request).run(request, sink: .stream(onBytes)).status
  }
}
