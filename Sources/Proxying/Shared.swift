import CLinux
import Files
import Glibc
import HTTPWire
import Pool
import Synchronization

/// What the loops of one proxy share: the configuration, the ledger behind its lock, and each loop's door.
final class Shared: Sendable {
  let limits: ProxyLimits
  let pools: [ProxiedPool]
  let routes: RouteTable
  /// By the route's index.
  let destinations: [Destination]
  let listeners: [Listener]
  let doors: [LoopDoor]
  let addresses: AddressTable
  let seed: NodeSeed
  let ledger: Mutex<ClaimLedger>
  let outbox: Outbox
  /// What the workers' oldest requests are, as far as their loops were asked.
  let currents = Mutex<[WorkerID: CurrentRequest]>([:])
  /// The loops' first one.
  let files: FileDesk
  let clerks: FileClerks
  let journal = Journal()
  /// Nil: none is written.
  let accessLog: AccessLog?
  /// Open downstream connections of all loops.
  let connections = Atomic<Int>(0)
  /// As many as the system's limit on descriptors leaves room for.
  let maxConnections: Int
  let runningLoops = Atomic<Int>(0)
  /// Loops that may still hand a new connection to another.
  let acceptingLoops: Atomic<Int>

  init(
    _ configuration: ProxyConfiguration, listeners: [Listener], doors: [LoopDoor], outbox: Outbox,
    accessLog: AccessLog? = nil
  ) throws(SetupFailure) {
    limits = configuration.limits
    addresses = AddressTable(limit: configuration.limits.maxConnectionsPerAddress)
    pools = configuration.pools
    var random = SystemRandomNumberGenerator()
    seed = configuration.nodeSeed ?? NodeSeed(using: &random)
    destinations = try configuration.routes.map { route throws(SetupFailure) in
      try Destination(route, configuration.pools)
    }
    do throws(RouteProblem) {
      routes = try RouteTable(configuration.routes)
    } catch {
      throw SetupFailure("routes[\(error.routeIndex)]: \(error)")
    }
    self.listeners = listeners
    self.doors = doors
    self.outbox = outbox
    files = FileDesk(configuration.files)
    clerks = FileClerks(
      threads: configuration.limits.fileThreads, queue: configuration.limits.fileQueue, doors: doors)
    self.accessLog = accessLog
    acceptingLoops = Atomic(doors.count)
    maxConnections = Self.connections(configuration.limits.maxConnections)
    ledger = Mutex(ClaimLedger(pools: configuration.pools))
  }

  /// The records' places are numbered by 32 bits; this is well below, and more than a machine holds.
  private static let mostConnections = 1 << 22

  /// A quarter of the descriptors is left to workers' connections and everything else.
  private static func connections(_ wanted: Int) -> Int {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let descriptors = Int(clamping: limit.rlim_cur)
    return max(1, min(wanted, mostConnections, descriptors - descriptors / 4))
  }

  /// What earlier proxies knew of runs and places.
  func inherit(_ inheritance: [RunNews]) {
    let now = Instant.now()
    for news in inheritance { ledger.withLock { $0.learn(news, at: now) } }
  }

  /// Sends each turn to the loop whose request it is.
  func post(_ grants: [Grant]) {
    for grant in grants { doors[Int(grant.ticket.loop)].post(.granted(grant)) }
  }
}

/// Where a route leads.
struct Destination: Sendable {
  let pool: Int
  /// Also for methods that are not safe.
  let retries: Bool
  let priority: RoutePriority
  let part: RunPart

  init(_ route: Route, _ pools: [ProxiedPool]) throws(SetupFailure) {
    guard let pool = pools.firstIndex(where: { $0.name == route.pool }) else {
      throw SetupFailure("the route \(route.path) leads to the pool \(route.pool), which is not there")
    }
    self.pool = pool
    retries = route.retry
    priority = route.priority
    part = RunPart(route)
  }
}

/// What one loop hears from the others and from the link.
enum LoopMessage: Sendable {
  case granted(Grant)
  /// A new connection that another loop accepted.
  case accepted(Newcomer)
  /// Break off the claims of a worker that is gone.
  case cutOff(ClaimLedger.CutOff)
  /// A request of this loop is too old by what others took.
  case suspect(Suspicion)
  /// Somebody wants to know what these are.
  case describe([StandingClaim])
  /// What nodes did is to be handed over.
  case tally
  /// From now on answers are looked for there.
  case files(FileDesk)
  /// What a clerk found for a request of this loop.
  case looked(LookTicket, FileOutcome)
  /// No new connections, and everything over by then.
  case stop(by: Instant)
}

/// A connection that nobody has looked at yet.
struct Newcomer: Sendable {
  var descriptor: Int32
  var address: PeerAddress
  /// The listener's index.
  var listener: Int
}

/// The part of a loop that other threads may touch.
final class LoopDoor: Sendable {
  let poller: Int32
  let bell: Int32
  let counters = LoopCounters()
  let durations: LoopDurations
  /// Connections that are this loop's, or on their way to it.
  let load = Atomic<Int>(0)
  /// Its loop has something to hand over.
  let hasTally = Atomic<Bool>(false)
  private let messages = Mutex<[LoopMessage]>([])
  private let tallies = Mutex<[NodeTally]>([])

  /// - Parameter pools: how many there are.
  init(pools: Int = 0) throws(SetupFailure) {
    durations = LoopDurations(pools: pools)
    poller = clinux_epoll_create()
    bell = clinux_eventfd()
    guard poller >= 0, bell >= 0 else {
      throw SetupFailure("no descriptors left for an event loop: \(Socket.explain(errno))")
    }
  }

  deinit {
    close(bell)
    close(poller)
  }

  func post(_ message: LoopMessage) {
    let first = messages.withLock { messages in
      messages.append(message)
      return messages.count == 1
    }
    if first { ring(bell) }
  }

  func hand(over tally: NodeTally) { tallies.withLock { $0.append(tally) } }

  func collectTallies() -> [NodeTally] {
    tallies.withLock { tallies in
      defer { tallies = [] }
      return tallies
    }
  }

  func collect() -> [LoopMessage] {
    silence(bell)
    return messages.withLock { messages in
      defer { messages.removeAll(keepingCapacity: true) }
      return messages
    }
  }
}

/// Reports on their way to the supervisor.
final class Outbox: Sendable {
  let bell: Int32
  private let reports = Mutex<[ProxyReport]>([])

  init() throws(SetupFailure) {
    bell = clinux_eventfd()
    guard bell >= 0 else { throw SetupFailure("no descriptor left for reports: \(Socket.explain(errno))") }
  }

  deinit { _ = close(bell) }

  func post(_ report: ProxyReport) {
    let first = reports.withLock { reports in
      reports.append(report)
      return reports.count == 1
    }
    if first { ring() }
  }

  /// Wakes the link.
  func ring() { Proxying.ring(bell) }

  func collect() -> [ProxyReport] {
    silence(bell)
    return reports.withLock { reports in
      defer { reports.removeAll(keepingCapacity: true) }
      return reports
    }
  }
}

func ring(_ bell: Int32) {
  var one: UInt64 = 1
  _ = write(bell, &one, 8)
}

func silence(_ bell: Int32) {
  var count: UInt64 = 0
  _ = read(bell, &count, 8)
}

/// One loop's totals and gauges: written by the loop alone, read by the link.
final class LoopCounters: Sendable {
  let connections = Atomic<Int>(0)
  let connectionsTotal = Atomic<Int>(0)
  let requestsTotal = Atomic<Int>(0)
  let requestsInFlight = Atomic<Int>(0)
  let retriedTotal = Atomic<Int>(0)
  let handshakesFailedTotal = Atomic<Int>(0)
  let handshakesFull = Atomic<Int>(0)
  let handshakesResumed = Atomic<Int>(0)
  let filesTotal = Atomic<Int>(0)
  let fileBytesTotal = Atomic<Int>(0)
  let looksRefusedTotal = Atomic<Int>(0)
  let cutOff = Atomic<Int>(0)
  let informational = Atomic<Int>(0)
  let successful = Atomic<Int>(0)
  let redirected = Atomic<Int>(0)
  let refused = Atomic<Int>(0)
  let failed = Atomic<Int>(0)
  private let refusals = CauseCounters<RefusalCause>()
  private let failedHandshakes = CauseCounters<TLSCounters.Failure>()

  func countResponse(status: Int) {
    switch status {
    case ..<200: informational.bump()
    case ..<300: successful.bump()
    case ..<400: redirected.bump()
    case ..<500: refused.bump()
    default: failed.bump()
    }
  }

  func countRefusal(_ cause: RefusalCause) { refusals.count(cause) }

  func countFailedHandshake(_ cause: TLSCounters.Failure) {
    handshakesFailedTotal.bump()
    failedHandshakes.count(cause)
  }

  func add(to sum: inout ProxyCounters) {
    sum.connections += connections.load(ordering: .relaxed)
    sum.connectionsTotal += connectionsTotal.load(ordering: .relaxed)
    sum.requestsTotal += requestsTotal.load(ordering: .relaxed)
    sum.requestsInFlight += requestsInFlight.load(ordering: .relaxed)
    sum.retriedTotal += retriedTotal.load(ordering: .relaxed)
    sum.handshakesFailedTotal += handshakesFailedTotal.load(ordering: .relaxed)
    sum.tls.full += handshakesFull.load(ordering: .relaxed)
    sum.tls.resumed += handshakesResumed.load(ordering: .relaxed)
    failedHandshakes.add(to: &sum.tls.failures)
    sum.filesTotal += filesTotal.load(ordering: .relaxed)
    sum.fileBytesTotal += fileBytesTotal.load(ordering: .relaxed)
    sum.looksRefusedTotal += looksRefusedTotal.load(ordering: .relaxed)
    sum.responses[0] += cutOff.load(ordering: .relaxed)
    sum.responses[1] += informational.load(ordering: .relaxed)
    sum.responses[2] += successful.load(ordering: .relaxed)
    sum.responses[3] += redirected.load(ordering: .relaxed)
    sum.responses[4] += refused.load(ordering: .relaxed)
    sum.responses[5] += failed.load(ordering: .relaxed)
    refusals.add(to: &sum.refusedTotal)
  }
}

/// How often for each cause.
private struct CauseCounters<Cause: CaseIterable & Hashable>: Sendable {
  private final class Counter: Sendable {
    let count = Atomic<Int>(0)
  }

  /// In the order of the cases.
  private let counters = Cause.allCases.map { _ in Counter() }

  func count(_ cause: Cause) {
    for (known, counter) in zip(Cause.allCases, counters) where known == cause { counter.count.bump() }
  }

  func add(to sums: inout [Cause: Int]) {
    for (cause, counter) in zip(Cause.allCases, counters) {
      sums[cause, default: 0] += counter.count.load(ordering: .relaxed)
    }
  }
}

extension Atomic where Value == Int {
  /// For a counter with one writer: no locked instruction.
  @inline(__always) func bump(by step: Int = 1) {
    store(load(ordering: .relaxed) &+ step, ordering: .relaxed)
  }
}

/// Why the proxy cannot serve under its configuration; told to the supervisor as it is.
struct SetupFailure: Error {
  var reason: String
  init(_ reason: String) { self.reason = reason }
}
