/// All that a proxy generation is told at its start; it holds for the proxy's life.
public struct ProxyConfiguration: Hashable, Sendable, Codable {
  /// In the order of the inherited listening descriptors.
  public var listeners: [ListenerConfiguration]
  public var limits: ProxyLimits
  public var pools: [ProxiedPool]
  public var routes: [Route]
  /// Until another plan comes.
  public var files: FilePlan
  /// Nil: none is written.
  public var accessLog: AccessLogConfiguration?
  /// Certificates, keys and lists whose content came along: inherited descriptors by path. The others are opened.
  public var copies: [String: Int32]?
  /// Nil: one of its own, and no other proxy understands what this one knows of runs.
  public var nodeSeed: NodeSeed?

  public init(
    listeners: [ListenerConfiguration], limits: ProxyLimits, pools: [ProxiedPool], routes: [Route],
    files: FilePlan = FilePlan(), accessLog: AccessLogConfiguration? = nil,
    nodeSeed: NodeSeed? = nil
  ) {
    self.listeners = listeners
    self.limits = limits
    self.pools = pools
    self.routes = routes
    self.files = files
    self.accessLog = accessLog
    self.nodeSeed = nodeSeed
  }
}

public struct ListenerConfiguration: Hashable, Sendable, Codable {
  public var address: ListenAddress
  /// Nil: in the clear.
  public var tls: TLSConfiguration?
  /// Nil: agents connect themselves.
  public var proxyProtocol: ProxyProtocolConfiguration?

  public init(
    address: ListenAddress, tls: TLSConfiguration? = nil, proxyProtocol: ProxyProtocolConfiguration? = nil
  ) {
    self.address = address
    self.tls = tls
    self.proxyProtocol = proxyProtocol
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

/// A balancer stands in front and says, ahead of everything else, who connects (HAProxy's PROXY protocol, v1 or v2).
public struct ProxyProtocolConfiguration: Hashable, Sendable, Codable {
  /// Where the balancers connect from; nobody else may. Empty on a unix socket, whose mode says who may open it.
  public var from: [Network]

  public init(from: [Network] = []) { self.from = from }

  public func trusts(_ address: IPAddress?) -> Bool {
    guard let address else { return true }
    return from.contains { $0.contains(address) }
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

/// A pool as the proxy needs it.
public struct ProxiedPool: Hashable, Sendable, Codable {
  public var name: PoolName
  public var concurrency: Int
  public var queue: QueuePolicy
  public var requestTimeout: Duration
  public var stuck: StuckPolicy

  public init(
    name: PoolName, concurrency: Int, queue: QueuePolicy, requestTimeout: Duration, stuck: StuckPolicy = StuckPolicy()
  ) {
    self.name = name
    self.concurrency = concurrency
    self.queue = queue
    self.requestTimeout = requestTimeout
    self.stuck = stuck
  }

  /// How long a request that got a worker at once, and lost it, may wait for another.
  public func patience(for priority: RoutePriority) -> Duration {
    switch priority {
    case .report, .file, .catalog: max(queue.timeout, requestTimeout)
    case .normal: queue.timeout
    }
  }

  public init(_ plan: PoolPlan) {
    self.init(
      name: plan.name, concurrency: plan.policy.concurrency, queue: plan.policy.queue,
      requestTimeout: plan.policy.requestTimeout, stuck: plan.policy.stuck)
  }
}
