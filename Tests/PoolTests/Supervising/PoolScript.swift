import Pool

/// A pool on a fake clock whose workers obey at once unless a test holds them back.
struct PoolScript {
  var machine: PoolMachine
  var now = Instant(nanoseconds: 1_000_000_000)
  var chance = Chance(seed: 1)
  var log: [PoolEffect] = []
  /// What the governor said of what it does and does not.
  var decisions: [Decision] = []

  static let masters = PoolName(rawValue: "masters").unsafelyUnwrapped

  init(_ policy: PoolPolicy) { machine = PoolMachine(name: Self.masters, policy: policy) }

  static func worker(_ slot: Int, _ generation: Int) -> WorkerID {
    WorkerID(slot: SlotID(pool: masters, index: slot), generation: Generation(rawValue: generation))
  }

  @discardableResult
  mutating func send(_ event: PoolEvent) -> [PoolEffect] {
    let all = machine.handle(event, at: now, using: &chance)
    let effects = all.filter { effect in
      guard case .decided(let decision) = effect else { return true }
      decisions.append(decision)
      return false
    }
    log += effects
    return effects
  }

  mutating func advance(_ duration: Duration) -> [PoolEffect] {
    now = now + duration
    return send(.tick)
  }

  /// A pool whose first generation is ready.
  static func running(_ policy: PoolPolicy) -> PoolScript {
    var script = PoolScript(policy)
    script.send(.start)
    for slot in 0..<policy.size { script.send(.becameReady(worker(slot, 1))) }
    return script
  }

  mutating func end(_ id: WorkerID, _ how: Measurement = .exited(status: 0)) -> [PoolEffect] {
    let effects = send(.exited(id, how))
    return effects + send(.wiped(id))
  }

  func states(_ slot: Int) -> [String] { machine.slots[slot].workers.map(\.state.name) }
}

extension RecyclePolicy {
  /// Nothing is due by itself, and nobody is too young.
  static func quiet(surge: Int = 1, minReady: Share = .percent(50)) -> RecyclePolicy {
    RecyclePolicy(every: nil, minAge: .zero, surge: surge, minReady: minReady)
  }
}
