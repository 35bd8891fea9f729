/// What a request is in the life of a node's run.
public enum RunPart: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// The first thing that a fresh agent asks, and asks once in a run: for its own node.
  case beginning
  case catalog
  case file
  /// Ends the run.
  case report
  /// No part of any.
  case other

  /// By the route's rank; Puppet's node and facts rank as catalogs do.
  public init(_ route: Route) {
    switch route.priority {
    case .report: self = .report
    case .file: self = .file
    case .catalog where route.path.hasPrefix("/puppet/v3/node/"): self = .beginning
    case .catalog where route.path.hasPrefix("/puppet/v3/facts/"): self = .other
    case .catalog: self = .catalog
    case .normal: self = .other
    }
  }
}

/// One request of a node, when it is over.
public struct NodeRequest: Hashable, Sendable, BitwiseCopyable {
  public var part: RunPart
  /// When its head was whole, and when its answer was.
  public var began: Instant
  public var ended: Instant
  /// Of HTTP, both ways.
  public var bytes: Int
  /// Not let in: shed, or forbidden.
  public var isRefused: Bool
  /// How long a worker was at it; nil: it got no good answer from one.
  public var worked: Duration?
  /// What its report says.
  public var status: RunStatus?
  public var version: AgentVersion?

  public init(
    _ part: RunPart, began: Instant, ended: Instant, bytes: Int = 0, isRefused: Bool = false, worked: Duration? = nil,
    status: RunStatus? = nil, version: AgentVersion? = nil
  ) {
    self.part = part
    self.began = began
    self.ended = ended
    self.bytes = bytes
    self.isRefused = isRefused
    self.worked = worked
    self.status = status
    self.version = version
  }
}

/// What one node did within a second or so, as far as the account of it depends on that. A trivial value.
public struct NodeDeeds: Hashable, Sendable, BitwiseCopyable {
  public var seen: Instant
  public var requests = 0
  public var bytes = 0
  public var refused = 0
  /// When it asked for something that belongs to a run; ahead of the report, if there was one.
  public var asked: Instant?
  /// That was for its node: a run began there.
  public var began = false
  public var reported: Instant?
  public var status: RunStatus?
  /// When it asked for more after its report.
  public var askedAgain: Instant?
  /// A worker's time for its latest catalog.
  public var catalog: Duration?
  public var version: AgentVersion?

  public init(seen: Instant) { self.seen = seen }

  /// A run's beginning, and what follows from it, is only what was let in: an agent that is told to come back later
  /// has not begun.
  public mutating func add(_ request: NodeRequest) {
    seen = max(seen, request.ended)
    requests &+= 1
    bytes &+= request.bytes
    version = request.version ?? version
    guard !request.isRefused else {
      refused &+= 1
      return
    }
    switch request.part {
    case .beginning: ask(request.began, isBeginning: true)
    case .catalog:
      ask(request.began, isBeginning: false)
      catalog = request.worked ?? catalog
    case .file: ask(request.began, isBeginning: false)
    case .report:
      reported = request.ended
      status = request.status
      askedAgain = nil
    case .other: break
    }
  }

  private mutating func ask(_ at: Instant, isBeginning: Bool) {
    if let reported, at > reported {
      if isBeginning || askedAgain == nil { askedAgain = at }
      return
    }
    if isBeginning || asked == nil { asked = at }
    if isBeginning { began = true }
  }
}
