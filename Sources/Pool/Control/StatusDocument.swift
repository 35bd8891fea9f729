/// `GET /v1/status`: pools, workers, proxy. Keys are snake_case and carry their unit.
public struct StatusDocument: Hashable, Sendable, Codable {
  public var version: String
  public var pid: Int32
  public var uptimeSeconds: Double
  /// `starting`, `running`, `stopping`.
  public var state: String
  /// Where agents connect: `127.0.0.1:8140`, as bound.
  public var listen: [String]
  /// Nil while none is running.
  public var proxy: Proxy?
  public var pools: [Pool]
  /// Nil where none is kept.
  public var history: History?
  /// Nil from a supervisor that keeps no account of them.
  public var nodes: Nodes?
  /// Nil: none.
  public var failedWipes: FailedWipes?
  /// Nil where nobody is told.
  public var notify: Notify?

  public init(
    version: String, pid: Int32, uptimeSeconds: Double, state: String, listen: [String], proxy: Proxy?, pools: [Pool],
    history: History? = nil
  ) {
    self.version = version
    self.pid = pid
    self.uptimeSeconds = uptimeSeconds
    self.state = state
    self.listen = listen
    self.proxy = proxy
    self.pools = pools
    self.history = history
  }

  enum CodingKeys: String, CodingKey {
    case version, pid, state, listen, proxy, pools, history, nodes, notify
    case uptimeSeconds = "uptime_seconds"
    case failedWipes = "failed_wipes"
  }

  /// How the ledger does.
  public struct History: Hashable, Sendable, Codable {
    /// What stands in the way of writing; nil: nothing.
    public var trouble: String?
    /// Events and samples that could not be kept.
    public var lostTotal: Int

    public init(trouble: String?, lostTotal: Int) {
      self.trouble = trouble
      self.lostTotal = lostTotal
    }

    enum CodingKeys: String, CodingKey {
      case trouble
      case lostTotal = "lost_total"
    }
  }

  /// How many nodes there are; `NodesDocument` says which.
  public struct Nodes: Hashable, Sendable, Codable {
    public var total: Int
    /// Silent for longer than this.
    public var overdue: Int
    public var overdueSeconds: Double
    /// Those that had to make room for others.
    public var displacedTotal: Int
    /// Requests that are in no node's account, since there was no room on the way.
    public var lostTotal: Int

    public init(_ book: NodeBook) {
      total = book.count
      overdue = book.overdue
      overdueSeconds = book.policy.overdue.inSeconds
      displacedTotal = book.displaced
      lostTotal = book.lost
    }

    enum CodingKeys: String, CodingKey {
      case total, overdue
      case overdueSeconds = "overdue_seconds"
      case displacedTotal = "displaced_total"
      case lostTotal = "lost_total"
    }
  }

  public struct Proxy: Hashable, Sendable, Codable {
    public var pid: Int32
    /// The nth proxy of this supervisor.
    public var generation: Int
    public var threads: Int
    public var connections: Int
    public var requestsTotal: Int
    public var requestsInFlight: Int
    public var retriedTotal: Int
    /// Answers from disk, without a worker.
    public var filesTotal: Int
    public var fileBytesTotal: Int
    /// Requests that a worker got since too many files were being looked at.
    public var looksRefusedTotal: Int
    /// Lines of the access log that were written or are on their way, and those that there was no room for.
    public var accessLinesTotal: Int
    public var accessLinesDroppedTotal: Int
    /// Responses by class: `{"2xx": 10, …}`; `none` counts those cut off before their head.
    public var responsesTotal: [String: Int]
    /// What the proxy refused of its own accord, by cause; see `RefusalCause`.
    public var refusedTotal: [String: Int]
    /// Earlier generations that finish their requests, oldest first.
    public var draining: [Draining]

    /// - Parameter counters: of all generations together, those that have ended among them.
    public init(pid: Int32, generation: Int, counters: ProxyCounters, draining: [Draining] = []) {
      self.pid = pid
      self.generation = generation
      threads = counters.threads
      connections = counters.connections
      requestsTotal = counters.requestsTotal
      requestsInFlight = counters.requestsInFlight
      retriedTotal = counters.retriedTotal
      filesTotal = counters.filesTotal
      fileBytesTotal = counters.fileBytesTotal
      looksRefusedTotal = counters.looksRefusedTotal
      accessLinesTotal = counters.accessLinesTotal
      accessLinesDroppedTotal = counters.accessLinesDroppedTotal
      responsesTotal = Dictionary(
        uniqueKeysWithValues: zip(["none", "1xx", "2xx", "3xx", "4xx", "5xx"], counters.responses))
      refusedTotal = Dictionary(
        uniqueKeysWithValues: RefusalCause.allCases.map { ($0.rawValue, counters.refusedTotal[$0, default: 0]) })
      self.draining = draining
    }

    enum CodingKeys: String, CodingKey {
      case pid, generation, threads, connections, draining
      case requestsTotal = "requests_total"
      case requestsInFlight = "requests_in_flight"
      case retriedTotal = "retried_total"
      case filesTotal = "files_total"
      case fileBytesTotal = "file_bytes_total"
      case looksRefusedTotal = "file_looks_refused_total"
      case accessLinesTotal = "access_lines_total"
      case accessLinesDroppedTotal = "access_lines_dropped_total"
      case responsesTotal = "responses_total"
      case refusedTotal = "refused_total"
    }
  }

  /// A proxy whose successor serves.
  public struct Draining: Hashable, Sendable, Codable {
    public var pid: Int32
    public var generation: Int
    public var connections: Int
    public var requestsInFlight: Int

    public init(pid: Int32, generation: Int, connections: Int, requestsInFlight: Int) {
      self.pid = pid
      self.generation = generation
      self.connections = connections
      self.requestsInFlight = requestsInFlight
    }

    enum CodingKeys: String, CodingKey {
      case pid, generation, connections
      case requestsInFlight = "requests_in_flight"
    }
  }

  public struct Pool: Hashable, Sendable, Codable {
    public var name: PoolName
    public var size: Int
    public var ready: Int
    public var queueLength: Int
    public var shedTotal: Int
    public var workers: [Worker]
    /// By class: `{"report": 0, "file": 2, "catalog": 1, "new_run": 7}`.
    public var queueByClass: [String: Int] = [:]
    /// By cause: `limit`, `early`, `ceiling`, `timeout`.
    public var shedsByCause: [String: Int] = [:]
    public var runsUnderWay = 0
    /// Nodes that get one worker at most, and how many of their requests wait for it.
    public var quarantined: [String] = []
    public var quarantinedWaiting = 0
    /// Requests that were suspect by their age, and workers that were stopped for being stuck.
    public var suspectsTotal = 0
    public var stuckTotal = 0
    /// Those from which its workers are forked: one, and another that is about to take its place or to go.
    public var parents: [Parent]?
    /// What its processes hold together, by PSS and swap, and what they may.
    public var memoryBytes = 0
    public var memoryBudgetBytes: Int?
    /// What its workers are held against.
    public var limits: Limits?

    public init(name: PoolName, size: Int, ready: Int, queueLength: Int, shedTotal: Int, workers: [Worker]) {
      self.name = name
      self.size = size
      self.ready = ready
      self.queueLength = queueLength
      self.shedTotal = shedTotal
      self.workers = workers
    }

    enum CodingKeys: String, CodingKey {
      case name, size, ready, workers, quarantined, parents, limits
      case queueLength = "queue_length"
      case shedTotal = "shed_total"
      case queueByClass = "queue_by_class"
      case shedsByCause = "sheds_by_cause"
      case runsUnderWay = "runs_under_way"
      case quarantinedWaiting = "quarantined_waiting"
      case suspectsTotal = "suspects_total"
      case stuckTotal = "stuck_total"
      case memoryBytes = "memory_bytes"
      case memoryBudgetBytes = "memory_budget_bytes"
    }

    /// What the line in front of it looks like; `earlier` proxies' sheds are added.
    public mutating func describeLine(_ counters: PoolCounters, earlier: [Int]) {
      queueByClass = Dictionary(
        uniqueKeysWithValues: zip(QueueClass.allCases.map(\.name), counters.waiting))
      shedsByCause = Dictionary(
        uniqueKeysWithValues: zip(ShedCause.allCases.map(\.name), zip(counters.sheds, earlier).map { $0 + $1 }))
      runsUnderWay = counters.runsUnderWay
    }
  }

  public struct Worker: Hashable, Sendable, Codable {
    public var slot: Int
    /// The generation that runs, or ran last while the slot is backing off; 0: none yet.
    public var generation: Int
    public var pid: Int32?
    /// `empty`, `starting`, `ready`, `draining`, `stopping`, `wiping`, `backing_off`, or `drained` (by the operator).
    public var state: String
    public var ageSeconds: Double?
    public var memoryBytes: Int?
    public var requestsTotal: Int
    public var requestsInFlight: Int
    /// What it is at; nil: nothing, or nothing that takes a while.
    public var current: Current?
    public var lastRecycle: LastRecycle?
    /// Why it is to be replaced, and what that waits for: `min_ready 2: 2 of 3 ready`. Nil: it is not to be, or its
    /// successor is on its way.
    public var pendingRecycle: RecycleReason?
    public var waitingFor: String?

    public init(
      slot: Int, generation: Int, pid: Int32?, state: String, ageSeconds: Double?, memoryBytes: Int?,
      requestsTotal: Int, requestsInFlight: Int, lastRecycle: LastRecycle?
    ) {
      self.slot = slot
      self.generation = generation
      self.pid = pid
      self.state = state
      self.ageSeconds = ageSeconds
      self.memoryBytes = memoryBytes
      self.requestsTotal = requestsTotal
      self.requestsInFlight = requestsInFlight
      self.lastRecycle = lastRecycle
    }

    enum CodingKeys: String, CodingKey {
      case slot, generation, pid, state, current
      case ageSeconds = "age_seconds"
      case memoryBytes = "memory_bytes"
      case requestsTotal = "requests_total"
      case requestsInFlight = "requests_in_flight"
      case lastRecycle = "last_recycle"
      case pendingRecycle = "pending_recycle"
      case waitingFor = "waiting_for"
    }
  }

  /// A request under way.
  public struct Current: Hashable, Sendable, Codable {
    /// `POST /puppet/v3/catalog/web7`, cut to 200 bytes.
    public var request: String
    /// The verified name of who asked.
    public var node: String?
    public var ageSeconds: Double

    public init(request: String, node: String?, ageSeconds: Double) {
      self.request = request
      self.node = node
      self.ageSeconds = ageSeconds
    }

    enum CodingKeys: String, CodingKey {
      case request, node
      case ageSeconds = "age_seconds"
    }
  }

  /// What was not deleted of late.
  public struct FailedWipes: Hashable, Sendable, Codable {
    public var count: Int
    /// How far back it is counted.
    public var withinSeconds: Double
    /// The last one, and when; RFC 3339, UTC.
    public var message: String
    public var at: String

    public init(count: Int, withinSeconds: Double, message: String, at: String) {
      self.count = count
      self.withinSeconds = withinSeconds
      self.message = message
      self.at = at
    }

    enum CodingKeys: String, CodingKey {
      case count, message, at
      case withinSeconds = "within_seconds"
    }
  }

  /// A pool's warm parent.
  public struct Parent: Hashable, Sendable, Codable {
    public var generation: Int
    public var pid: Int32?
    /// `starting`, `ready` or `stopping`.
    public var state: String
    public var ageSeconds: Double?
    public var memoryBytes: Int?

    public init(generation: Int, pid: Int32?, state: String, ageSeconds: Double?, memoryBytes: Int?) {
      self.generation = generation
      self.pid = pid
      self.state = state
      self.ageSeconds = ageSeconds
      self.memoryBytes = memoryBytes
    }

    enum CodingKeys: String, CodingKey {
      case generation, pid, state
      case ageSeconds = "age_seconds"
      case memoryBytes = "memory_bytes"
    }
  }

  public struct LastRecycle: Hashable, Sendable, Codable {
    public var reason: RecycleReason
    /// RFC 3339, UTC.
    public var at: String

    public init(reason: RecycleReason, at: String) {
      self.reason = reason
      self.at = at
    }
  }
}
