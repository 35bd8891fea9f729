import Files
import Glibc
import Pool

/// The proxy's first thread: hears the supervisor and the operator's signals, tells them what the loops report.
struct LinkDesk: ~Copyable {
  static let reportInterval = Duration.seconds(1)
  /// How often other proxies hear which workers are busy, and for how long these are by then: a shorter request is over
  /// before anybody waits behind it.
  static let shareInterval = Duration.milliseconds(100)
  static let holdingsAge = Duration.milliseconds(50)

  private var peer: LinkPeer
  /// For the supervisor after this one.
  private let door: LinkDoor
  private let shared: Shared
  /// Readable after a SIGTERM; -1: signals are somebody else's.
  private let signals: Int32
  private var nextReport = Instant.now() + reportInterval
  private var isStopping = false
  /// Other proxies use the workers too.
  private var isSharing = false
  /// What they were told last.
  private var holdings: [HeldWorker]?
  private var files: FileDesk
  private var teller = RunTeller()
  private var nodes = NodeTeller()
  private let currents: CurrentRequests
  /// The link's loss was noticed.
  private var isOrphaned = false
  /// No connection is accepted any more.
  private var isClosed = false
  /// Of workers that passed their requests' time while nobody heard of it.
  private var unheard: [WorkerID: ProxyReport] = [:]

  init(peer: LinkPeer, door: LinkDoor, shared: Shared, signals: Int32) {
    self.peer = peer
    self.door = door
    self.shared = shared
    self.signals = signals
    files = shared.files
    currents = CurrentRequests(shared)
  }

  /// Until every loop has ended.
  mutating func run(early commands: [ProxyCommand]) {
    for command in commands { obey(command) }
    while shared.runningLoops.load(ordering: .acquiring) > 0 {
      wait()
      for report in shared.outbox.collect() { tell(report) }
      if peer.isOpen { peer.receive().forEach { obey($0) } }
      if !peer.isOpen { noticeLoss() }
      if let newcomer = door.admit() { follow(newcomer) }
      if signalled() { stop(within: isStopping ? .zero : Proxy.defaultStop) }
      if isSharing { reportHoldings(for: Self.holdingsAge) }
      let reports = Instant.now() >= nextReport
      // Ahead of the counters: what these have counted is known by then.
      if reports { teller.becomeDue() }
      teller.tell(peer, shared)
      nodes.tell(peer, shared)
      if reports {
        nodes.ask(peer, shared)
        reportCounters()
      }
    }
  }

  private func wait() {
    let link = peer.isOpen ? peer.descriptor : -1
    var wanted = [
      pollfd(fd: link, events: Int16(peer.wantsOutput ? POLLIN | POLLOUT : POLLIN), revents: 0),
      pollfd(fd: shared.outbox.bell, events: Int16(POLLIN), revents: 0),
      pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
      pollfd(fd: door.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    let patience = peer.isOpen ? max(0, (nextReport - .now()).wholeNanoseconds / 1_000_000 + 1) : -1
    let often = Self.shareInterval.wholeNanoseconds / 1_000_000
    let isOften = (isSharing || teller.tellsAtOnce) && peer.isOpen
    poll(&wanted, 4, Int32(clamping: isOften ? min(patience, often) : patience))
    if peer.wantsOutput { peer.flush() }
  }

  private func signalled() -> Bool {
    var count: UInt64 = 0
    return signals >= 0 && read(signals, &count, 8) > 0
  }

  // MARK: The supervisor

  private mutating func tell(_ report: ProxyReport) {
    if case .closed = report { isClosed = true }
    // A worker that is stuck stays so until a supervisor hears of it; all else is in the account.
    if !peer.isOpen, case .overdue(let worker, _, _) = report { unheard[worker] = report }
    peer.send(report)
  }

  /// The pool stays as it was told last; what the supervisor itself was about is over.
  private mutating func noticeLoss() {
    guard !isOrphaned else { return }
    isOrphaned = true
    let now = Instant.now()
    act { $0.orphan(at: now) }
  }

  /// There is one supervisor at a time, and the latest is it.
  private mutating func follow(_ newcomer: LinkPeer) {
    noticeLoss()
    isOrphaned = false
    peer = newcomer
    holdings = nil
    peer.send(
      .account(
        ProxyAccount(workers: shared.ledger.withLock { $0.workers }, isStopping: isStopping, isClosed: isClosed)))
    unheard.values.forEach(peer.send)
    unheard = [:]
    reportCounters()
  }

  // MARK: Commands

  private mutating func obey(_ command: ProxyCommand) {
    let now = Instant.now()
    switch command {
    // The first one alone counts.
    case .configure: break
    case .inherit(let news): shared.ledger.withLock { $0.learn(news, at: now) }
    case .tellRuns(let anew, let atOnce): teller.begin(anew: anew, atOnce: atOnce, shared)
    case .admit(let worker, let endpoint): act { $0.admit(worker, at: endpoint, at: now) }
    case .drain(let worker): act { $0.drain(worker) }
    case .retire(let worker): act { $0.retire(worker) }
    case .reserve(let worker): act { $0.reserve(worker) }
    case .release(let worker): act { $0.release(worker, at: now) }
    case .files(let plan): hand(out: plan)
    case .reopenLogs: shared.accessLog?.reopen()
    case .share(let isShared):
      act { $0.share(isShared, at: now) }
      holdings = nil
      isSharing = isShared
      if isShared { reportHoldings(for: .zero) }
    case .elsewhere(let held): act { $0.note(elsewhere: held, at: now) }
    case .quarantine(let nodes): quarantine(nodes)
    case .stop(let within): stop(within: within)
    }
  }

  private func act(_ word: (inout ClaimLedger) -> ClaimLedger.Verdict) {
    let verdict = shared.ledger.withLock { word(&$0) }
    // Closing takes them out of the sets of whichever loops watch them. It comes before the report: a probe may want
    // the master's only connection.
    for connection in verdict.connections { close(connection.descriptor) }
    shared.post(verdict.grants)
    for report in verdict.reports { peer.send(report) }
    if let claims = verdict.cutOff { shared.doors.forEach { $0.post(.cutOff(claims)) } }
  }

  private func quarantine(_ nodes: [QuarantinedNode]) {
    let now = Instant.now()
    let hashes = shared.pools.map { pool in
      Set(nodes.filter { $0.pool == pool.name }.map { shared.seed.node(named: $0.node, isVerified: true) })
    }
    act { $0.quarantine(hashes, at: now) }
  }

  /// Each loop holds the desk itself, so that no request takes a lock to find it.
  private mutating func hand(out plan: FilePlan) {
    files = FileDesk(plan, replacing: files)
    for door in shared.doors { door.post(.files(files)) }
  }

  private mutating func stop(within: Duration) {
    isStopping = true
    let end = Instant.now() + within
    shared.doors.forEach { $0.post(.stop(by: end)) }
  }

  // MARK: Reports

  private mutating func reportHoldings(for age: Duration) {
    let now = Instant.now()
    let held = shared.ledger.withLock { $0.held(for: age, at: now) }
    guard held != holdings else { return }
    holdings = held
    peer.send(.holding(held))
  }

  /// The loops know who asks what.
  private func lookForSuspects() {
    let now = Instant.now()
    for suspicion in shared.ledger.withLock({ $0.suspicions(at: now) }) {
      shared.doors[Int(suspicion.claim.ticket.loop)].post(.suspect(suspicion))
    }
  }

  private mutating func reportCounters() {
    nextReport = .now() + Self.reportInterval
    lookForSuspects()
    peer.send(.counters(counters()))
    currents.ask(at: .now())
  }

  private func counters() -> ProxyCounters {
    var sum = ProxyCounters()
    sum.threads = shared.doors.count
    for door in shared.doors { door.counters.add(to: &sum) }
    shared.accessLog?.add(to: &sum)
    sum.expiries = shared.listeners.flatMap(\.expiries)
    (sum.pools, sum.workers) = shared.ledger.withLock { ($0.poolCounters, $0.workerCounters) }
    currents.add(to: &sum.workers)
    // The ledger has them in the order of the configuration.
    for index in sum.pools.indices {
      sum.pools[index].durations = shared.doors.reduce(RequestDurations()) {
        $0 + $1.durations.durations(ofPool: index)
      }
    }
    return sum
  }

  /// The last words, once the loops are gone.
  mutating func finish() {
    for report in shared.outbox.collect() { peer.send(report) }
    teller.finish(peer, shared)
    nodes.finish(peer, shared)
    peer.send(.counters(counters()))
    peer.send(.finished)
    peer.drain(milliseconds: 1000)
  }
}
