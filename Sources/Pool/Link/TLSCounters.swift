/// Handshakes with agents.
public struct TLSCounters: Hashable, Sendable, Codable {
  /// Why a handshake failed. A small, fixed set: these are the labels of a metric.
  public enum Failure: String, CaseIterable, Hashable, Sendable, Codable, CodingKeyRepresentable {
    /// The agent showed none, and must.
    case noCertificate = "no_certificate"
    /// Its certificate's time is over, or has not come yet.
    case expired
    case revoked
    /// Signed by none of `client_ca`.
    case unknownCA = "unknown_ca"
    /// The revocation list is missing for its authority, or its time is over: nobody gets in.
    case revocationList = "revocation_list"
    /// The agent does not accept our certificate, or whatever else it said no to by an alert.
    case refusedByAgent = "refused_by_agent"
    /// No version or cipher in common, or no TLS at all.
    case `protocol`
    case timeout
    /// The agent went away.
    case closed
    case other
  }

  /// With a key exchange, and such as went on with an earlier session.
  public var full = 0
  public var resumed = 0
  public var failures: [Failure: Int] = [:]

  public init() {}

  public static func + (a: TLSCounters, b: TLSCounters) -> TLSCounters {
    var sum = a
    sum.full += b.full
    sum.resumed += b.resumed
    sum.failures.merge(b.failures, uniquingKeysWith: +)
    return sum
  }
}

/// When what a listener works with runs out, as it was read when the proxy started.
public struct Expiry: Hashable, Sendable, Codable {
  public enum Kind: String, Hashable, Sendable, Codable {
    case certificate
    case clientCA = "client_ca"
    case clientCRL = "client_crl"
  }

  /// The listener's address as in the settings.
  public var listener: String
  public var kind: Kind
  public var file: String
  /// Seconds since 1970: of several in the file the first.
  public var at: Int

  public init(listener: String, kind: Kind, file: String, at: Int) {
    self.listener = listener
    self.kind = kind
    self.file = file
    self.at = at
  }
}

/// A proxy of an earlier version does not tell them: then there is nothing.
extension KeyedDecodingContainer {
  func decode(_ type: TLSCounters.Type, forKey key: Key) throws -> TLSCounters {
    try decodeIfPresent(type, forKey: key) ?? TLSCounters()
  }

  func decode(_ type: [Expiry].Type, forKey key: Key) throws -> [Expiry] {
    try decodeIfPresent(type, forKey: key) ?? []
  }
}
