import Pool

/// What of a simulation may be taken from a ledger: the options of `masterpool simulate` that say it.
public enum Parameter: String, Hashable, Sendable, Codable, CaseIterable {
  case agents, interval, splay
  case startJitter = "start-jitter"
  case oldAgents = "old-agents"
  case compile, report, node, files, file, apply
  case leak
  case birthMemory = "birth-memory"
  case plateau, start, stop
  case warmUp = "warm-up"
  case crash, hang
  case otherMemory = "other-memory"
  case workers, concurrency, every, jitter, memory
  case memoryLimit = "memory-limit"
  case memoryBudget = "memory-budget"
  case requests, surge
  case minReady = "min-ready"
  case queueLimit = "queue-limit"

  public var option: String { "--\(rawValue)" }
}

/// Which parameters were taken from which past, and which the past does not tell; in JSON with snake_case keys.
public struct Derived: Hashable, Sendable, Codable {
  public struct Value: Hashable, Sendable, Codable {
    /// The option that says it instead.
    public var option: String
    /// As that option takes it.
    public var value: String
    /// What it was taken from, or why it is a default.
    public var source: String
    /// The command line says otherwise.
    public var overridden = false
  }

  public var pool: PoolName
  /// Of the workers' samples.
  public var days: Double
  /// Requests that workers answered in that time, and workers that ended.
  public var requests: Int
  public var exits: Int
  public var nodes: Int
  public var found: [Value] = []
  /// How traffic differs between hours, where it does.
  public var week: String?
  /// The usual values, since the ledger does not tell.
  public var assumed: [Value] = []

  init(_ past: Past, _ watch: Watch) {
    pool = past.pool
    days = watch.seconds / 86400
    requests = watch.requests
    exits = past.exits.count
    nodes = past.nodes.count
  }

  mutating func find(_ parameter: Parameter, _ value: String, _ source: String) {
    found.append(Value(option: parameter.option, value: value, source: source))
  }

  mutating func assume(_ parameter: Parameter, _ value: String, _ source: String) {
    assumed.append(Value(option: parameter.option, value: value, source: source))
  }

  /// The command line's own word counts.
  public mutating func overrule(_ said: Set<Parameter>) {
    let options = Set(said.map(\.option))
    for index in found.indices { found[index].overridden = options.contains(found[index].option) }
    for index in assumed.indices { assumed[index].overridden = options.contains(assumed[index].option) }
  }
}

/// The past does not tell what a simulation cannot do without: a line each, with the option that says it instead.
public struct NotEnough: Error, Hashable, CustomStringConvertible {
  public var missing: [String]

  public var description: String {
    "the ledger does not tell enough:\n" + missing.map { "  \($0)" }.joined(separator: "\n")
  }
}
