/// A request that asks for a worker, as far as its turn depends on it.
public struct Asker: Hashable, Sendable, BitwiseCopyable {
  public var ticket: Ticket
  /// A hash of the node's verified name or address; 0: nobody to be known by.
  public var node: UInt64
  public var priority: RoutePriority
  public var patience: AgentPatience
  /// The route's index, by which its age is judged.
  public var route: UInt16

  public init(
    _ ticket: Ticket, node: UInt64 = 0, priority: RoutePriority = .normal, patience: AgentPatience = .unread,
    route: UInt16 = 0
  ) {
    self.ticket = ticket
    self.node = node
    self.priority = priority
    self.patience = patience
    self.route = route
  }

  /// Part of a run that can be followed.
  var isOfRun: Bool {
    switch priority {
    case .report, .file, .catalog: node != 0
    case .normal: false
    }
  }
}

/// What an agent makes of a 503 with Retry-After.
public enum AgentPatience: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// Nobody looked yet. It costs a walk over the head, so that is done only for who would wait.
  case unread
  case retries
  /// A Puppet agent that fails at any refusal (PUP-11853): before 7.26.0, and 8.0 and 8.1.
  case fails

  /// `version` is the request's `X-Puppet-Version`, empty where it has none. What is no agent of Puppet is not spared.
  public init(agentVersion version: Span<UInt8>) {
    var (numbers, digits, at) = ((0, 0), 0, 0)
    parts: for part in 0..<2 {
      var number = 0
      digits = 0
      while at < version.count, version[at] >= UInt8(ascii: "0"), version[at] <= UInt8(ascii: "9"), digits < 6 {
        number = number * 10 + Int(version[at] - UInt8(ascii: "0"))
        digits += 1
        at += 1
      }
      if part == 0 { numbers.0 = number } else { numbers.1 = number }
      guard digits > 0 else { break parts }
      guard part == 1 || at < version.count && version[at] == UInt8(ascii: ".") else {
        digits = 0
        break parts
      }
      at += 1
    }
    guard digits > 0 else {
      self = .retries
      return
    }
    switch numbers {
    case (..<7, _), (7, ..<26), (8, ..<2): self = .fails
    default: self = .retries
    }
  }
}
