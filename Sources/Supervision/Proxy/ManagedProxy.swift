import Pool

/// A proxy as the supervisor holds it: one of several generations while earlier ones finish their requests.
struct ManagedProxy {
  enum Role {
    /// New connections are its own; another takes its place when it dies.
    case current
    /// Started for new settings; it takes over once it serves, and if it does not, nothing has changed.
    case candidate
    /// Its successor serves: it finishes what it has, and ends.
    case leaving
  }

  let generation: Int
  let child: ChildProcess
  let link: ProxyLink
  let spawned: Instant
  /// What it was told at its start.
  let configuration: ProxyConfiguration
  /// Under which number it has the content of which file.
  var copies: [String: Int32]?
  var role: Role
  /// Where it lets another supervisor in.
  var door = ""
  var program: ProgramIdentity?
  /// It is to be gone by then.
  var end: Instant?
  var isServing = false
  /// It was told of the workers.
  var knowsWorkers = false
  /// Workers that are busy with its requests; nil: it was not asked yet.
  var holding: [HeldWorker]?
  /// What it was told of the others' last.
  var elsewhere: [HeldWorker] = []
  /// It has said all that it knew of runs when it was asked last.
  var hasToldRuns = false
  /// It hears what the others say of runs.
  var hearsRuns = false
  /// What it was told last of files; nil: nothing but its configuration.
  var toldFiles: FilePlan?
  /// It accepts no new connection any more.
  var isClosed = false
  /// Why it cannot use its configuration.
  var refusal: String?
  var counters = ProxyCounters()
  /// When it last said anything.
  var lastHeard: Instant

  var roleName: String {
    switch role {
    case .current: "current"
    case .candidate: "candidate"
    case .leaving: "leaving"
    }
  }

  var isLeaving: Bool {
    switch role {
    case .leaving: true
    case .current, .candidate: false
    }
  }

  var isCandidate: Bool {
    switch role {
    case .candidate: true
    case .current, .leaving: false
    }
  }

  func knows(_ pool: PoolName) -> Bool { configuration.pools.contains { $0.name == pool } }
}

/// The living proxies, oldest first.
struct ProxyFleet {
  private(set) var all: [ManagedProxy] = []
  /// Totals of those that have ended.
  private(set) var ended = ProxyCounters()
  private(set) var lastGeneration = 0
  /// The one that ended last, for whoever waits for its word.
  private(set) var lastEnded: ManagedProxy?

  init(ended: ProxyCounters = ProxyCounters(), lastGeneration: Int = 0) {
    self.ended = ended
    self.lastGeneration = lastGeneration
  }

  mutating func nextGeneration() -> Int {
    lastGeneration += 1
    return lastGeneration
  }

  subscript(_ generation: Int) -> ManagedProxy? {
    get { all.first { $0.generation == generation } }
    set {
      guard let index = all.firstIndex(where: { $0.generation == generation }) else { return }
      if let newValue { all[index] = newValue } else { all.remove(at: index) }
    }
  }

  mutating func add(_ proxy: ManagedProxy) {
    // Oldest first, also where they are taken over.
    all.insert(proxy, at: all.firstIndex { $0.generation > proxy.generation } ?? all.endIndex)
    lastGeneration = max(lastGeneration, proxy.generation)
  }

  /// One that ended unseen.
  mutating func count(ended counters: ProxyCounters) { ended = ended + counters.ended }

  /// It is gone; what it counted stays.
  mutating func remove(_ generation: Int) -> ManagedProxy? {
    guard let proxy = self[generation] else { return nil }
    ended = ended + proxy.counters.ended
    lastEnded = proxy
    self[generation] = nil
    return proxy
  }

  var isEmpty: Bool { all.isEmpty }
  var current: ManagedProxy? {
    all.last { proxy in
      switch proxy.role {
      case .current: true
      case .candidate, .leaving: false
      }
    }
  }
  /// Those that were told of workers.
  var serving: [ManagedProxy] { all.filter(\.isServing) }
  var leaving: [ManagedProxy] { all.filter(\.isLeaving) }
  /// More than one uses the workers.
  var overlaps: Bool { serving.count > 1 }

  /// The candidate takes over from everybody else; those that are now to leave.
  mutating func promote(_ generation: Int) -> [ManagedProxy] {
    var former: [ManagedProxy] = []
    for index in all.indices {
      if all[index].generation == generation {
        all[index].role = .current
      } else if !all[index].isLeaving {
        all[index].role = .leaving
        former.append(all[index])
      }
    }
    return former
  }

  /// Totals of all there ever were, gauges of those that live.
  var counters: ProxyCounters {
    var sum = all.reduce(ended) { $0 + $1.counters }
    sum.threads = current?.counters.threads ?? 0
    return sum
  }

  /// Of those that live, added to what others have left.
  func counters(of pool: PoolName, after earlier: PoolCounters) -> PoolCounters {
    all.flatMap(\.counters.pools).filter { $0.pool == pool }.reduce(earlier, +)
  }
}
