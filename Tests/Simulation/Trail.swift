import Pool

/// The last that a machine was told, and what it said.
struct Trail {
  static let length = 24

  private var steps: [(at: Instant, event: PoolEvent, effects: [PoolEffect])] = []

  mutating func note(_ event: PoolEvent, _ effects: [PoolEffect], at now: Instant) {
    if steps.count >= 2 * Self.length { steps.removeFirst(Self.length) }
    // The clock's beats alone say nothing.
    if effects.isEmpty {
      switch event {
      case .tick, .load, .served, .probed(_, passed: true): return
      default: break
      }
    }
    steps.append((now, event, effects))
  }

  var lines: [String] {
    steps.suffix(Self.length).map { step in
      let at = Duration.nanoseconds(step.at.nanoseconds).short
      let effects = step.effects.map { plain("\($0)") }.joined(separator: ", ")
      return "\(at)  \(plain("\(step.event)"))\(effects.isEmpty ? "" : "  ->  \(effects)")"
    }
  }

  private func plain(_ text: String) -> String {
    text.replacing("Pool.", with: "").replacing("RecycleReason.", with: "").replacing("Optional", with: "")
  }
}
