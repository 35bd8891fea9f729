import Pool

/// One seed's life, and where it broke a promise the shortest list of acts that still does.
public struct Simulation {
  public var plan: Plan
  public var breach: Breach?
  public var eventCount: Int
  private var trail: [String]

  public init(seed: UInt64, length: Duration = .seconds(600)) { self.init(Plan(seed: seed, length: length)) }

  init(_ plan: Plan) {
    let world = World(plan)
    world.live()
    self.plan = plan
    breach = world.breach
    eventCount = world.eventCount
    trail = world.breach == nil ? [] : world.trail.lines
  }

  /// The same breach with as few acts as can be: ever smaller parts are left out as long as it still happens
  /// (Zeller's delta debugging).
  public func shrunk() -> Simulation {
    guard let breach else { return self }
    var best = self
    // What came later is not to blame.
    best.keep(Simulation(plan.until(breach.at)), breach.promise)
    var part = max(1, best.plan.acts.count / 2)
    while true {
      var index = 0
      var isShorter = false
      while index < best.plan.acts.count {
        var shorter = best.plan
        shorter.acts.removeSubrange(index..<min(index + part, shorter.acts.count))
        if best.keep(Simulation(shorter), breach.promise) { isShorter = true } else { index += part }
      }
      if part == 1, !isShorter { return best }
      part = max(1, part / 2)
    }
  }

  @discardableResult
  private mutating func keep(_ other: Simulation, _ promise: Promise) -> Bool {
    guard other.breach?.promise == promise else { return false }
    self = other
    return true
  }

  /// What to know of a breach: the seed, the promise, the settings, the acts, and the last steps before it.
  public var report: String {
    guard let breach else { return "seed \(plan.seed): \(eventCount) events, every promise kept" }
    let at = Duration.nanoseconds(breach.at.nanoseconds).short
    let acts = plan.acts.map { "  \($0)" }
    return
      (["seed \(plan.seed) breaks a promise after \(at): \(breach.promise.rawValue): \(breach.what)"]
      + [
        "settings: \(plan.policy.recycle), size \(plan.policy.size), budget \(plan.policy.memoryBudget.map(\.description) ?? "none")"
      ]
      + ["acts, the fewest that do it:"] + (acts.isEmpty ? ["  none"] : acts) + ["last steps:"]
      + trail.map { "  \($0)" })
      .joined(separator: "\n")
  }
}

extension Plan {
  func until(_ end: Instant) -> Plan {
    var shorter = self
    shorter.acts.removeAll { Instant(nanoseconds: 0) + $0.at > end }
    return shorter
  }
}
