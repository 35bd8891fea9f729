/// All that a proxy generation is told at its start; it holds for the proxy's life.
public struct ProxyConfiguration: Hashable, Sendable, Codable {
  /// In the order of the inherited listening descriptors.
  public var listeners: [ListenerConfiguration]
  public var limits: ProxyLimits
  public var pools: [ProxiedPool]
  public var routes: [Route]
  /// Until another plan comes.
  public var files: FilePlan

  public init(
    listeners: [ListenerConfiguration], limits: ProxyLimits, pools: [ProxiedPool], routes: [Route],
    files: FilePlan = FilePlan()
  ) {
    self.listeners = listeners
    self.limits = limits
    self.pools = pools
    self.routes = routes
    self.files = files
  }
}

public struct ListenerConfiguration: Hashable, Sendable, Codable {
  public var address: ListenAddress
  /// Nil: in the clear.
  public var tls: TLSConfiguration?

  public init(address: ListenAddress, tls: TLSConfiguration? = nil) {
    self.address = address
    self.tls = tls
  }
}

/// `host:port`, `[v6]:port` or `unix:/path`.
public enum ListenAddress: Hashable, Sendable, Codable, CustomStringConvertible {
  /// A numeric IPv4 or IPv6 address (without brackets) and a port; 0 asks the kernel for one.
  case ip(host: String, port: UInt16)
  case unix(path: String)

  public var description: String {
    switch self {
    case .ip(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

/// Absolute paths of PEM files.
public struct TLSConfiguration: Hashable, Sendable, Codable {
  public enum ClientVerification: String, Hashable, Sendable, Codable, CaseIterable {
    case none, optional, required
  }

  public var certificate: String
  public var privateKey: String
  public var clientCA: String?
  public var clientCRL: String?
  public var verifyClient: ClientVerification
  /// How long a session can be resumed; its tickets' keys change as often.
  public var sessionLifetime: Duration

  public init(
    certificate: String, privateKey: String, clientCA: String? = nil, clientCRL: String? = nil,
    verifyClient: ClientVerification = .none, sessionLifetime: Duration = .seconds(3600)
  ) {
    self.certificate = certificate
    self.privateKey = privateKey
    self.clientCA = clientCA
    self.clientCRL = clientCRL
    self.verifyClient = verifyClient
    self.sessionLifetime = sessionLifetime
  }
}

public struct ProxyLimits: Hashable, Sendable, Codable {
  /// Event loops; nil: one a core.
  public var threads: Int?
  public var maxConnections: Int
  /// From a connection's (or a kept-alive request's first byte's) start to the end of its head, the TLS
  /// handshake included.
  public var headerTimeout: Duration
  /// How long a kept-alive connection may stay without a request, and a body or response without a byte.
  public var idleTimeout: Duration
  public var maxHeaderSize: ByteCount
  public var maxBodySize: ByteCount
  /// Request bodies up to this are read whole before a worker is claimed, and can be replayed.
  public var maxBufferedBody: ByteCount
  /// Threads beside the loops that hash files and read trees, and how many requests may wait for one of them; more go
  /// to a worker.
  public var fileThreads: Int
  public var fileQueue: Int

  public init(
    threads: Int? = nil, maxConnections: Int = 20000, headerTimeout: Duration = .seconds(10),
    idleTimeout: Duration = .seconds(75), maxHeaderSize: ByteCount = .kibibytes(32),
    maxBodySize: ByteCount = .mebibytes(64), maxBufferedBody: ByteCount = .mebibytes(1),
    fileThreads: Int = 2, fileQueue: Int = 1000
  ) {
    self.threads = threads
    self.maxConnections = maxConnections
    self.headerTimeout = headerTimeout
    self.idleTimeout = idleTimeout
    self.maxHeaderSize = maxHeaderSize
    self.maxBodySize = maxBodySize
    self.maxBufferedBody = maxBufferedBody
    self.fileThreads = fileThreads
    self.fileQueue = fileQueue
  }
}

/// A pool as the proxy needs it.
public struct ProxiedPool: Hashable, Sendable, Codable {
  public var name: PoolName
  public var concurrency: Int
  public var queue: QueuePolicy
  public var requestTimeout: Duration

  public init(name: PoolName, concurrency: Int, queue: QueuePolicy, requestTimeout: Duration) {
    self.name = name
    self.concurrency = concurrency
    self.queue = queue
    self.requestTimeout = requestTimeout
  }

  public init(_ plan: PoolPlan) {
    self.init(
      name: plan.name, concurrency: plan.policy.concurrency, queue: plan.policy.queue,
      requestTimeout: plan.policy.requestTimeout)
  }
}
