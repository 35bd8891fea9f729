/// The link between supervisor and proxy: a unix stream socket, one JSON message a line, each way in order.
public enum Link {
  public static let version = 2
  /// A longer line is a broken peer.
  public static let maxLineBytes = 4 << 20
}

/// What the supervisor tells the proxy.
public enum ProxyCommand: Hashable, Sendable, Codable {
  /// The only one of its kind. Nothing but `inherit` may come before it.
  case configure(ProxyConfiguration)
  /// This worker takes requests from now on. Also takes back an earlier `drain`.
  case admit(WorkerID, Endpoint)
  /// No new claims; answered by `drained` when the last one is released, at once if there is none.
  case drain(WorkerID)
  /// It is gone or about to be cut off: what it holds is replayed or failed, its connections are closed and it is
  /// forgotten; answered by `retired`.
  case retire(WorkerID)
  /// Hold one claim for a liveness probe, if the worker is idle, and close the idle connection to it, since a
  /// single-threaded master may serve one connection at a time; answered by `reserved` or `busy`.
  case reserve(WorkerID)
  /// The probe is over.
  case release(WorkerID)
  /// What is answered from disk from now on: where Puppet has its files is known only once it was asked.
  case files(FilePlan)
  /// The access log's file was renamed: write to a new one under its name.
  case reopenLogs
  /// Another proxy uses the same workers: no connection to one is kept idle, since a master that serves one connection
  /// at a time would never turn to the other's. False: they are this one's alone again.
  /// Answered by `holding`, at once and then again and again as it changes.
  case share(Bool)
  /// So many places of these workers, and of no others, are taken by other proxies' requests: for a new request they
  /// are busy.
  case elsewhere([HeldWorker])
  /// What other proxies know of runs and places. What comes before `configure` is known before the first request.
  case inherit(RunNews)
  /// Say what becomes known of runs and places: at first all that was not said yet, or, `anew`, all there is, answered
  /// by `runs`, page after page, and `runsTold`; then, once a second, what has changed. `atOnce`: as soon as a run
  /// begins, since the next of its requests may come to another proxy.
  case tellRuns(anew: Bool, atOnce: Bool)
  /// These nodes and no others get one worker of the pool at most, all together.
  case quarantine([QuarantinedNode])
  /// Stop accepting, answer what is in flight with `Connection: close`, leave idle connections to the agent for a
  /// while, then report `finished` and exit.
  case stop(within: Duration)
}

/// What the proxy tells the supervisor.
public enum ProxyReport: Hashable, Sendable, Codable {
  /// The first message.
  case hello(version: Int, pid: Int32)
  /// Accepting under the configuration.
  case serving
  /// After `stop`: no new connection is accepted any more.
  case closed
  /// The configuration cannot be used; the proxy exits.
  case refused(String)
  case drained(WorkerID)
  /// The worker's final counters: none of its requests is in flight any more.
  case retired(WorkerCounters)
  case reserved(WorkerID)
  case busy(WorkerID)
  /// While workers are shared: those that have been at this proxy's requests for a while.
  case holding([HeldWorker])
  /// After `tellRuns`, again and again, and once before `finished`.
  case runs(RunNews)
  /// All that was known when `tellRuns` came has been said.
  case runsTold
  /// About once a second, where verified nodes asked something.
  case nodes(NodeNews)
  /// A request passed `request_timeout`; it was answered 504. `node` is the verified name of who asked.
  case overdue(WorkerID, age: Duration, node: String? = nil)
  /// A request is older than others of its kind let expect; said once a second for as long as that is so.
  case suspect(Suspect)
  /// A connection to the worker was refused or broke before an answer; it gets no claims for a second.
  case unreachable(WorkerID, String)
  /// Once a second, and once before `finished`.
  case counters(ProxyCounters)
  /// To a supervisor that has taken the place of another: what is known from before.
  case account(ProxyAccount)
  case finished
}

/// A worker that is busy, and with how many requests.
public struct HeldWorker: Hashable, Sendable, Codable {
  public var worker: WorkerID
  public var claims: Int

  public init(worker: WorkerID, claims: Int) {
    self.worker = worker
    self.claims = claims
  }
}

/// A request that its worker may be stuck with.
public struct Suspect: Hashable, Sendable, Codable {
  public var worker: WorkerID
  /// Method and target, in printable ASCII.
  public var request: String
  /// The verified name of who asked; nil: nobody known.
  public var node: String?
  public var age: Duration
  /// What it is held against: beyond it it is suspect.
  public var limit: Duration
  public var routeP99: Duration
  public var nodeP99: Duration?

  public init(
    worker: WorkerID, request: String, node: String?, age: Duration, limit: Duration, routeP99: Duration,
    nodeP99: Duration?
  ) {
    self.worker = worker
    self.request = request
    self.node = node
    self.age = age
    self.limit = limit
    self.routeP99 = routeP99
    self.nodeP99 = nodeP99
  }
}

/// A node, by its verified name, that wedged a pool's workers.
public struct QuarantinedNode: Hashable, Sendable, Codable {
  public var pool: PoolName
  public var node: String

  public init(pool: PoolName, node: String) {
    self.pool = pool
    self.node = node
  }
}

/// Totals since this proxy generation's start, and gauges.
public struct ProxyCounters: Hashable, Sendable, Codable {
  public var threads = 0
  /// Open downstream connections.
  public var connections = 0
  public var connectionsTotal = 0
  public var requestsTotal = 0
  public var requestsInFlight = 0
  /// Responses sent by class: index 1 for 1xx … 5 for 5xx; 0 is for those cut off before their head.
  public var responses = [Int](repeating: 0, count: 6)
  /// Requests that went to a second worker.
  public var retriedTotal = 0
  public var handshakesFailedTotal = 0
  /// Answers that came from disk, without a worker, and their bodies' bytes.
  public var filesTotal = 0
  public var fileBytesTotal = 0
  /// Requests that went to a worker since too many files were being looked at.
  public var looksRefusedTotal = 0
  /// What the proxy refused of its own accord, by cause.
  public var refusedTotal: [RefusalCause: Int] = [:]
  /// Lines of the access log that were written or are about to be, and those that there was no room for.
  public var accessLinesTotal = 0
  public var accessLinesDroppedTotal = 0
  public var tls = TLSCounters()
  public var expiries: [Expiry] = []
  public var pools: [PoolCounters] = []
  public var workers: [WorkerCounters] = []

  public init() {}
}

public struct PoolCounters: Hashable, Sendable, Codable {
  public var pool: PoolName
  public var queueLength = 0
  /// Of these by `QueueClass`; the few that had their turn and lost their worker, and quarantined nodes', are in none.
  public var waiting = [Int](repeating: 0, count: QueueClass.allCases.count)
  /// Refused with 503.
  public var shedTotal = 0
  /// Of these by `ShedCause`.
  public var sheds = noSheds
  public var runsUnderWay = 0
  /// Requests of quarantined nodes that wait, of those in the line.
  public var quarantinedWaiting = 0
  public var durations = RequestDurations()

  public static let noSheds = [Int](repeating: 0, count: ShedCause.allCases.count)

  public init(pool: PoolName) { self.pool = pool }
}

public struct WorkerCounters: Hashable, Sendable, Codable {
  public var worker: WorkerID
  public var requestsTotal = 0
  public var requestsInFlight = 0
  /// Requests that failed because this worker died or was cut off, and were not saved by a retry.
  public var lostTotal = 0
  /// Nil: none in flight.
  public var oldestRequestStarted: Instant?
  /// Nil: it has not answered yet.
  public var lastAnswered: Instant?
  /// What the oldest request is; nil: it is not known, or there is none.
  public var current: CurrentRequest?

  public init(worker: WorkerID) { self.worker = worker }
}

/// A request that a worker is at.
public struct CurrentRequest: Hashable, Sendable, Codable {
  /// Method and path, cut to 200 bytes.
  public var request: String
  /// The verified name of who asked; nil: nobody known.
  public var node: String?
  public var started: Instant

  public init(request: String, node: String?, started: Instant) {
    self.request = request
    self.node = node
    self.started = started
  }
}
