/// Which requests go to which pool, and who may make them. First match wins; no match is 403.
public struct Route: Hashable, Sendable, Codable {
  /// `/a/{name}/b`, exact segment by segment with captures, or, ending in `/`, everything below it.
  public var path: String
  /// Upper-case method names; empty: all.
  public var methods: [String]
  public var allow: AccessRule
  public var pool: PoolName
  /// True where a request with an unsafe method may go to a second worker when the first one died before it
  /// answered. Safe methods always may.
  public var retry: Bool
  public var priority: RoutePriority

  public init(
    path: String, methods: [String] = [], allow: AccessRule, pool: PoolName, retry: Bool = false,
    priority: RoutePriority = .normal
  ) {
    self.path = path
    self.methods = methods
    self.allow = allow
    self.pool = pool
    self.retry = retry
    self.priority = priority
  }
}

/// Who may use a route.
public enum AccessRule: Hashable, Sendable, Codable {
  case any
  /// A verified client certificate.
  case authenticated
  /// The path's `{certname}` is the verified certificate's name.
  case `self`
  /// The verified certificate's name is one of these.
  case names([String])
}
