/// Why the proxy refused a connection or a request of its own accord, before or in place of a worker. A small, fixed
/// set: these are the labels of a metric.
public enum RefusalCause: String, CaseIterable, Hashable, Sendable, Codable, CodingKeyRepresentable {
  /// Too many connections from one address.
  case addressLimit = "address_limit"
  /// On a listener with the PROXY protocol: not from one of the balancers, or without a sound header.
  case proxyProtocol = "proxy_protocol"
  case handshakeTimeout = "handshake_timeout"
  case headerTimeout = "header_timeout"
  /// The body stopped, or came more slowly than `min_body_rate`.
  case bodyTimeout = "body_timeout"
  /// The agent took the answer too slowly.
  case sendTimeout = "send_timeout"
  /// 400: what cannot be understood in one way only.
  case malformed
  /// 413.
  case bodySize = "body_size"
  /// 414.
  case uriLength = "uri_length"
  /// 431: size or count of fields.
  case headerSize = "header_size"
  /// 417, 501, 505.
  case unsupported

  /// The cause that stands behind a refusal's status; nil for those that are no refusal of the message itself.
  public init?(status: Int) {
    switch status {
    case 400: self = .malformed
    case 413: self = .bodySize
    case 414: self = .uriLength
    case 431: self = .headerSize
    case 417, 501, 505: self = .unsupported
    default: return nil
    }
  }
}
