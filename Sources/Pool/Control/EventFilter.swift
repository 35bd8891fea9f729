/// Which events are wanted; what is not named is not asked about.
public struct EventFilter: Hashable, Sendable {
  /// Empty: all.
  public var kinds: Set<Event.Kind>
  /// Only exits for one of these; empty: everything.
  public var reasons: Set<RecycleReason>
  public var target: ControlCommand.Target?
  public var generation: Int?
  /// RFC 3339, UTC, with milliseconds, as events carry it, so that texts compare as times do. From then on, and before.
  public var since: String?
  public var until: String?

  public init(
    kinds: Set<Event.Kind> = [], reasons: Set<RecycleReason> = [], target: ControlCommand.Target? = nil,
    generation: Int? = nil, since: String? = nil, until: String? = nil
  ) {
    self.kinds = kinds
    self.reasons = reasons
    self.target = target
    self.generation = generation
    self.since = since
    self.until = until
  }

  /// True where it asks about nothing.
  public var isOpen: Bool { self == EventFilter() }

  public func matches(_ event: Event) -> Bool {
    (kinds.isEmpty || kinds.contains(event.kind))
      && (reasons.isEmpty || event.exit.map { reasons.contains($0.reason) } == true)
      && concernsTarget(event)
      && (generation == nil || event.generation == generation)
      && (since.map { event.at >= $0 } ?? true) && (until.map { event.at < $0 } ?? true)
  }

  private func concernsTarget(_ event: Event) -> Bool {
    switch target {
    case nil: true
    case .pool(let pool): event.pool == pool
    case .slot(let slot): event.pool == slot.pool && event.slot == slot.index
    }
  }
}
