import CLinux
import Files
import Glibc
import HTTPWire
import Pool

typealias Record = UnsafeMutablePointer<Connection>

/// One thread's event loop and everything that it owns: its connections, its memory, its clock.
///
/// Events only set flags on a record and call the step for its stage; a step goes on until the other side has to act.
struct Loop: ~Copyable {
  /// How often deadlines are looked at; they are that much late at most.
  static let sweepInterval: Int64 = 100_000_000
  /// How long memory is kept that nobody needs.
  static let trimInterval: Int64 = 1_000_000_000
  /// So much is relayed for one connection before the others get their turn.
  static let burst = 16
  /// Ten years; sums of it and any time do not overflow.
  static let longestTimeout: Int64 = 315_360_000_000_000_000
  /// So many bytes of answers wait for the others of their round; more would not be in the core's cache any more.
  static let mostHeldBack = 128 << 10
  /// Room in front of an answer, in which its head may grow.
  static let headroom = 256

  let id: UInt16
  let shared: Shared
  let door: LoopDoor
  let headLimits: HeadLimits
  let chunkLimits: ChunkLimits
  let idleTimeout: Int64
  let headerTimeout: Int64
  let handshakeTimeout: Int64
  let connectTimeout: Int64
  let halfClosedCheck: Int64
  let lingerTimeout: Int64
  let linger: Int64
  let idleDrain: Int64
  let pace: Pace
  /// Memory for this loop's stored request bodies; beyond it bodies are streamed.
  let maxStoredBytes: Int
  /// Of one connection, but for the last.
  let maxAnswers: UInt32
  let maxPipelined: UInt32
  let maxBufferedBody: Int
  let maxBody: Int
  let maxConnections: Int

  var poller: Poller
  var slab: Slab
  var workers = DescriptorTable()
  var chunks: ChunkPool
  /// For a head that is being written anew, and for a path.
  let scratch: UnsafeMutableBufferPointer<UInt8>
  var storedBytes = 0
  /// Nil: nothing is answered from disk.
  var files: FileDesk?
  var clock = DateClock()
  var log: LoopLog
  var tally = NodeTally()
  /// When the events being handled were fetched.
  var now: Int64
  var nextSweep: Int64
  var nextTrim: Int64
  /// Nothing was asked since freed memory was given back.
  var isTrimmed = true
  /// Connections that can go on without an event, and turns for requests of this loop.
  var pending: [Ticket] = []
  var grants: [Grant] = []
  /// Requests that are for their workers, and last bytes of answers that are for their agents, once all events are
  /// handled: whoever is woken by the first finds the others there, and is not woken for each.
  var requestsToSend: [Ticket] = []
  var repliesToSend: [Ticket] = []
  /// Bytes of those replies.
  var heldBack = 0
  var isAccepting = false
  /// Set once the proxy is stopping.
  var end: Int64?

  init(id: UInt16, shared: Shared) throws(SetupFailure) {
    self.id = id
    self.shared = shared
    door = shared.doors[Int(id)]
    let limits = shared.limits
    headLimits = HeadLimits(
      maxBytes: limits.maxHeaderSize.bytes, maxFields: limits.maxHeaderCount,
      maxTargetBytes: limits.maxURILength.bytes)
    chunkLimits = ChunkLimits(
      maxExtensionBytes: limits.maxChunkExtension.bytes, maxTrailerBytes: limits.maxHeaderSize.bytes,
      maxTrailerFields: limits.maxHeaderCount)
    idleTimeout = Self.timeout(limits.idleTimeout)
    headerTimeout = Self.timeout(limits.headerTimeout)
    handshakeTimeout = Self.timeout(limits.handshakeTimeout)
    connectTimeout = Self.timeout(limits.connectTimeout)
    halfClosedCheck = Self.timeout(limits.halfClosedCheck)
    lingerTimeout = Self.timeout(limits.lingerTimeout)
    linger = Self.timeout(limits.linger)
    idleDrain = Self.timeout(limits.idleDrain)
    pace = Pace(limits)
    maxStoredBytes = limits.bufferMemory.bytes / shared.doors.count
    maxAnswers = limits.maxRequestsPerConnection.map { UInt32(clamping: $0 - 1) } ?? .max
    maxPipelined = UInt32(clamping: limits.maxPipelinedRequests)
    maxBufferedBody = limits.maxBufferedBody.bytes
    maxBody = limits.maxBodySize.bytes
    maxConnections = shared.maxConnections
    files = shared.files.isOpen ? shared.files : nil
    poller = Poller(descriptor: door.poller)
    slab = try Slab(capacity: maxConnections)
    // A head, the identity that goes with it, and room for a body beside them.
    let capacity = (headLimits.maxBytes + Identity.maxHeaderBytes + (16 << 10) + 4095) & ~4095
    chunks = ChunkPool(capacity: capacity)
    scratch = .allocate(capacity: capacity)
    log = LoopLog(shared.accessLog, loop: id)
    now = Instant.now().nanoseconds
    nextSweep = now + Self.sweepInterval
    nextTrim = now + Self.trimInterval
    pending.reserveCapacity(Poller.batch)
    grants.reserveCapacity(Poller.batch)
    requestsToSend.reserveCapacity(Poller.batch)
    repliesToSend.reserveCapacity(Poller.batch)
    poller.add(door.bell, [.input, .edge], Token(.mailbox, 0))
  }

  deinit {
    scratch.deallocate()
    clinux_drop_blocks()
  }

  static func timeout(_ duration: Duration) -> Int64 { min(max(0, duration.wholeNanoseconds), longestTimeout) }

  var instant: Instant { Instant(nanoseconds: now) }

  /// Serves until the proxy has stopped.
  mutating func run() {
    startAccepting()
    while !isOver() {
      let count = poller.wait(milliseconds: patience)
      now = Instant.now().nanoseconds
      for index in 0..<count {
        let (token, ready) = poller.event(index)
        dispatch(token, ready)
      }
      if now >= nextSweep { sweep() }
      settle()
      log.publish()
    }
    log.publish()
    handOverTally()
  }

  /// Not before the last connection that another loop may have sent is served.
  private mutating func isOver() -> Bool {
    guard end != nil, slab.inUse == 0, shared.acceptingLoops.load(ordering: .acquiring) == 0 else { return false }
    readMailbox()
    return slab.inUse == 0
  }

  /// An idle proxy sleeps for good, once it holds no memory that it does not need.
  private var patience: Int32 {
    if !pending.isEmpty { return 0 }
    if slab.inUse == 0 && isAccepting && isTrimmed && !chunks.wasUsed { return -1 }
    return Int32(clamping: max(0, (nextSweep - now) / 1_000_000 + 1))
  }

  @inline(__always)
  private mutating func dispatch(_ token: Token, _ ready: Readiness) {
    switch token.kind {
    case .downstream:
      guard let c = slab.find(token.value, serial: token.serial) else { return }
      noteAgent(c, ready)
    case .upstream: noteWorker(token, ready)
    case .listener: accept(from: Int(token.value))
    case .mailbox: readMailbox()
    }
  }

  /// Something happened on the agent's side.
  @inline(__always)
  private mutating func noteAgent(_ c: Record, _ ready: Readiness) {
    if !ready.isDisjoint(with: [.input, .inputEnded, .broken]) { c.pointee.agent.isReadable = true }
    if !ready.isDisjoint(with: [.inputEnded, .broken]) { c.pointee.agent.hasEnded = true }
    if !ready.isDisjoint(with: .broken) { c.pointee.agent.isBroken = true }
    advance(c)
  }

  /// Takes the step that the connection's stage allows.
  mutating func advance(_ c: Record) {
    switch c.pointee.stage {
    case .vacant: break
    case .greeting: readGreeting(c)
    case .handshaking: continueHandshake(c)
    case .head: readHead(c)
    case .intake: readBody(c)
    case .looking: if agentIsGone(c) { abandon(c) }
    case .queued, .connecting: if agentIsGone(c) { abandon(c) } else { soundAgent(c) }
    case .downloading: if agentIsGone(c) { abandon(c) } else { download(c) }
    case .exchanging:
      if agentIsGone(c) { return abandon(c) }
      if c.pointee.agent.hasEnded { soundAgentLater(c) }
      streamBody(c)
      if c.pointee.stage == .exchanging { relayAnswer(c) }
    case .replying: flushReply(c)
    case .lingering: linger(c)
    }
  }

  /// Something happened on a worker's side.
  @inline(__always)
  private mutating func noteWorker(_ token: Token, _ ready: Readiness) {
    guard let index = workers.holder(token.value, serial: token.serial) else {
      return dropKeptConnection(Int32(bitPattern: token.value), serial: token.serial)
    }
    let c = slab[index]
    if !ready.isDisjoint(with: [.input, .inputEnded, .broken]) { c.pointee.worker.isReadable = true }
    if !ready.isDisjoint(with: [.inputEnded, .broken]) { c.pointee.worker.hasEnded = true }
    switch c.pointee.stage {
    case .connecting: finishConnecting(c)
    case .exchanging:
      streamBody(c)
      if c.pointee.stage == .exchanging { relayAnswer(c) }
    case .vacant, .greeting, .handshaking, .head, .looking, .downloading, .intake, .queued, .replying, .lingering:
      break
    }
  }

  /// Turns and leftovers of the events just handled, and what follows from those.
  private mutating func settle() {
    takeGrants()
    if !pending.isEmpty {
      let round = pending
      pending.removeAll(keepingCapacity: true)
      for ticket in round {
        if let c = slab.find(ticket.index, serial: ticket.serial) { advance(c) }
      }
      takeGrants()
    }
    sendRequests()
    sendReplies()
  }

  /// One that cannot be sent may bring about the next.
  private mutating func sendRequests() {
    var index = 0
    while index < requestsToSend.count {
      let ticket = requestsToSend[index]
      if let c = slab.find(ticket.index, serial: ticket.serial), c.pointee.stage == .exchanging { sendRequest(c) }
      takeGrants()
      index += 1
    }
    requestsToSend.removeAll(keepingCapacity: true)
  }

  mutating func sendReplies() {
    heldBack = 0
    for index in repliesToSend.indices {
      let ticket = repliesToSend[index]
      if let c = slab.find(ticket.index, serial: ticket.serial), c.pointee.stage == .replying { flushReply(c) }
    }
    repliesToSend.removeAll(keepingCapacity: true)
  }

  /// In their order; one may bring about the next.
  private mutating func takeGrants() {
    var index = 0
    while index < grants.count {
      take(grants[index])
      index += 1
    }
    grants.removeAll(keepingCapacity: true)
  }

  private mutating func readMailbox() {
    for message in door.collect() {
      switch message {
      case .granted(let grant): takeFromAfar(grant)
      case .accepted(let newcomer): welcome(newcomer)
      case .cutOff(let claims): cutOff(claims)
      case .suspect(let suspicion): report(suspicion)
      case .describe(let claims): describe(claims)
      case .tally: handOverTally()
      case .files(let desk): files = desk.isOpen ? desk : nil
      case .looked(let ticket, let outcome): takeOutcome(outcome, for: ticket)
      case .stop(let end): stop(by: end.nanoseconds)
      }
    }
  }

  // MARK: Small helpers of all steps

  @inline(__always) func ticket(_ c: Record) -> Ticket {
    Ticket(loop: id, index: UInt32(slab.index(of: c)), serial: c.pointee.serial)
  }

  /// Comes back to this connection once the others had their turn.
  mutating func goOnLater(_ c: Record) { pending.append(ticket(c)) }

  @inline(__always) func setDeadline(_ c: Record, after time: Int64) {
    slab.setDeadline(c, now + time)
  }

  /// Over TLS nobody half-closes. In the clear an agent may end its side and still wait for the answer: `soundAgent`.
  func agentIsGone(_ c: Record) -> Bool {
    c.pointee.agent.isBroken || c.pointee.agent.hasEnded && c.pointee.agent.tls != nil
  }
}
