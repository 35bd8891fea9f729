/// What a pool's parents are, as it is written down for the supervisor that comes after this one. Those that fork, and
/// the first one on its way: one that was to take over from another has to be asked for again.
public struct ParentMemory: Hashable, Sendable, Codable {
  public struct Parent: Hashable, Sendable, Codable {
    public var generation: Int
    /// Nil: it is starting.
    public var since: Instant?
    public var due: Instant?
  }

  public var lastGeneration: Int
  public var parents: [Parent]
}

extension ParentMachine {
  public var memory: ParentMemory {
    let found = parents.compactMap { parent -> ParentMemory.Parent? in
      switch parent.state {
      case .starting: current == nil ? .init(generation: parent.generation) : nil
      case .ready(let since, let due, _): .init(generation: parent.generation, since: since, due: due)
      case .superseded, .stopping: nil
      }
    }
    return ParentMemory(lastGeneration: lastGeneration, parents: found)
  }

  /// - Parameters:
  ///   - living: of those remembered; the others have ended.
  ///   - now: each is asked at once whether it answers.
  public init(policy: ParentPolicy, remembering memory: ParentMemory, living: Set<Int>, at now: Instant) {
    self.init(policy: policy)
    lastGeneration = max(0, memory.lastGeneration, memory.parents.map(\.generation).max() ?? 0)
    for parent in memory.parents where living.contains(parent.generation) {
      let state: State =
        if let since = parent.since {
          .ready(since: since, due: parent.due, ping: .next(now))
        } else {
          .starting(nil, deadline: now + policy.readyTimeout)
        }
      parents.append(Parent(generation: parent.generation, state: state))
    }
  }
}
