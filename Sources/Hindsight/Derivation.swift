import Advice
import Pool
import Simulator

/// From what a pool lived through to a scenario that lives through it again: what the past tells is taken from it, what
/// it does not tell stays as it usually is, and both are said.
public struct Derivation {
  /// What the command line says, as far as others follow from it.
  public struct Said: Hashable, Sendable {
    public var parameters: Set<Parameter>
    public var agents: Int?
    public var interval: Duration?

    public init(_ parameters: Set<Parameter> = [], agents: Int? = nil, interval: Duration? = nil) {
      self.parameters = parameters
      self.agents = agents
      self.interval = interval
    }
  }

  let past: Past
  let said: Said
  let watch: Watch
  var scenario: Scenario
  var derived: Derived
  var missing: [String] = []
  /// Nodes that still run, and requests of each run that reach a worker; nil: not told.
  var active: [Past.Node] = []
  var requestsPerRun: Double?

  /// Fewer are no sample of anything.
  static let leastTimes = 3

  public static func derive(
    _ past: Past, said: Said = Said(), onto scenario: Scenario = Scenario()
  ) throws(NotEnough) -> (scenario: Scenario, derived: Derived) {
    var derivation = Derivation(past, said, scenario)
    derivation.deriveSettings()
    derivation.deriveAgents()
    derivation.deriveRuns()
    derivation.deriveWorkers()
    guard derivation.missing.isEmpty else { throw NotEnough(missing: derivation.missing) }
    derivation.derived.overrule(said.parameters)
    return (derivation.scenario, derivation.derived)
  }

  private init(_ past: Past, _ said: Said, _ scenario: Scenario) {
    self.past = past
    self.said = said
    self.scenario = scenario
    watch = Watch(past)
    derived = Derived(past, watch)
  }

  mutating func miss(_ parameter: Parameter, _ what: String, such example: String) {
    guard !said.parameters.contains(parameter) else { return }
    missing.append("\(what); \(parameter.option) \(example) says it instead")
  }

  // MARK: Agents

  /// Nodes that were silent for more intervals have gone.
  private static let mostMissed = 2.0

  private mutating func deriveAgents() {
    let rhythm = Rhythm(past)
    deriveInterval(rhythm)
    let interval = rhythm?.interval ?? said.interval?.inSeconds
    let latest = past.nodes.map(\.seenAt).max() ?? 0
    active = past.nodes.filter { node in
      interval.map { latest - node.seenAt <= $0 * Self.mostMissed + 60 } ?? true
    }
    deriveCount(interval)
    deriveVersions()
    derived.assume(.startJitter, scenario.agents.jitter.short, "when a start was due is not kept")
    deriveWeek()
    guard let interval, let count = active.isEmpty ? said.agents : active.count, count > 0 else { return }
    let share = scenario.agents.week.isEmpty ? 1 : scenario.agents.week.reduce(0, +) / 168
    requestsPerRun = watch.perSecond * interval / Double(count) / max(share, 0.01)
  }

  private mutating func deriveInterval(_ rhythm: Rhythm?) {
    guard let rhythm else {
      return miss(
        .interval, "how often agents run: too few nodes with a last run, and too few hours of samples", such: "30m")
    }
    scenario.agents.interval = .seconds(rhythm.interval)
    derived.find(.interval, scenario.agents.interval.short, rhythm.source)
    guard let splay = rhythm.splay(past.nodes) else {
      scenario.agents.splay = scenario.agents.interval
      return derived.assume(.splay, scenario.agents.splay.short, "too few nodes with a last run; all of the interval")
    }
    scenario.agents.splay = .seconds(splay)
    derived.find(.splay, splay == 0 ? "0" : scenario.agents.splay.short, "when within the interval nodes start")
  }

  private mutating func deriveCount(_ interval: Double?) {
    guard !active.isEmpty else {
      return miss(.agents, "how many agents there are: no node is known", such: "1200")
    }
    scenario.agents.count = active.count
    let gone = past.nodes.count - active.count
    var source = "nodes seen"
    if let interval { source += " within \(Duration.seconds(interval * Self.mostMissed + 60).short) of the last" }
    if gone > 0 { source += "; \(gone) fell silent before" }
    if past.nodes.count >= past.nodeLimit { source += "; nodes.limit was reached, so there may be more" }
    derived.find(.agents, "\(active.count)", source)
  }

  /// Which agents fail at a 503 rather than come back.
  private mutating func deriveVersions() {
    let known = active.compactMap { $0.version.flatMap(Self.comesBack) }
    guard known.count >= Self.leastTimes else {
      return derived.assume(.oldAgents, "0", "too few nodes said their version")
    }
    let share = Double(known.count { !$0 }) / Double(known.count)
    scenario.agents.oldShare = share
    derived.find(.oldAgents, Written.number(share * 100), "the versions of \(known.count) nodes")
  }

  /// From Puppet 7.26 and 8.2 on; nil: no version of an agent.
  private static func comesBack(_ version: String) -> Bool? {
    let numbers = version.split(separator: ".").prefix(2).map { Int($0) }
    guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
    return major > 8 || (major == 8 && minor >= 2) || (major == 7 && minor >= 26)
  }

  // MARK: The week

  private static let weekSeconds = 7 * 86400.0
  /// Hours that differ less are all the same.
  private static let leastUnevenness = 0.75

  /// Where agents are switched off at night or at weekends.
  private mutating func deriveWeek() {
    guard watch.seconds >= Self.weekSeconds else { return }
    var counts = [Double](repeating: 0, count: 168)
    var watched = [Double](repeating: 0, count: 168)
    for life in past.lives {
      for (before, after) in zip(life.points, life.points.dropFirst()) where after.requests >= before.requests {
        // Since 1970, a Thursday; UTC.
        let hour = Int(((before.at + after.at) / 2 / 3600 + 72).truncatingRemainder(dividingBy: 168))
        counts[min(max(0, hour), 167)] += Double(after.requests - before.requests)
        watched[min(max(0, hour), 167)] += after.at - before.at
      }
    }
    let rates = zip(counts, watched).map { $1 > 0 ? $0 / $1 : 0 }
    guard let most = Sample.quantile(rates, 0.95), most > 0, let least = Sample.quantile(rates, 0.05),
      least < most * Self.leastUnevenness
    else { return }
    scenario.agents.week = rates.map { min(1, $0 / most) }
    derived.week = "\(Int((least / most * 100).rounded()))% of the traffic of the fullest hours in the quietest ones"
  }
}
