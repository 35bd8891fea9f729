/// Where the proxy writes a line for each request, and how.
public struct AccessLogConfiguration: Hashable, Sendable, Codable {
  public enum Destination: Hashable, Sendable, Codable {
    /// An absolute path; the file is made where it is missing.
    case file(path: String)
    /// The standard output of `masterpool run`.
    case standardOutput
    /// Datagrams to a syslog daemon's socket, an absolute path.
    case syslog(socket: String, facility: SyslogFacility)
  }

  public enum Format: String, Hashable, Sendable, Codable, CaseIterable {
    /// One object a line.
    case json
    /// Apache's and nginx's.
    case combined
  }

  public var destination: Destination
  public var format: Format
  /// Lines on their way, for each event loop; what does not fit is dropped and counted.
  public var buffer: ByteCount
  /// Longer paths, user agents and referers are cut.
  public var maxField: ByteCount

  public init(
    destination: Destination, format: Format = .json, buffer: ByteCount = .mebibytes(4),
    maxField: ByteCount = .kibibytes(2)
  ) {
    self.destination = destination
    self.format = format
    self.buffer = buffer
    self.maxField = maxField
  }
}

/// RFC 5424 §6.2.1, as far as a service may use them.
public enum SyslogFacility: String, Hashable, Sendable, Codable, CaseIterable {
  case user, daemon
  case local0, local1, local2, local3, local4, local5, local6, local7

  public var code: Int {
    switch self {
    case .user: 1
    case .daemon: 3
    case .local0: 16
    case .local1: 17
    case .local2: 18
    case .local3: 19
    case .local4: 20
    case .local5: 21
    case .local6: 22
    case .local7: 23
    }
  }
}
