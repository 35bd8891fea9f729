import Glibc
import HTTPWire
import Pool

extension Loop {
  /// The request is ready to go: a worker, or a place in line.
  mutating func requestClaim(_ c: Record) {
    let (pool, instant) = (c.pointee.request.pool, instant)
    var asker = asker(c, .unread)
    c.pointee.request.deadline = (instant + shared.pools[pool].patience(for: asker.priority)).nanoseconds
    var admission = shared.ledger.withLock { $0.admit(asker, to: pool, at: instant) }
    if case .unsure = admission {
      asker.patience = patience(c)
      admission = shared.ledger.withLock { $0.admit(asker, to: pool, at: instant) }
    }
    follow(c, admission)
  }

  /// Once more, for a request whose worker was lost before it answered.
  mutating func requestClaimAgain(_ c: Record) {
    let (asker, pool, instant) = (asker(c, patience(c)), c.pointee.request.pool, instant)
    let deadline = Instant(nanoseconds: c.pointee.request.deadline)
    let admission = shared.ledger.withLock { $0.readmit(asker, to: pool, until: deadline, at: instant) }
    follow(c, admission)
  }

  @inline(__always) func asker(_ c: Record, _ patience: AgentPatience) -> Asker {
    Asker(
      ticket(c), node: c.pointee.agent.identity.node, priority: c.pointee.request.priority, patience: patience,
      route: c.pointee.request.route)
  }

  /// What the agent makes of a refusal, by the head as it goes to the worker.
  func patience(_ c: Record) -> AgentPatience {
    let head = c.pointee.upload.rendered.bytes
    guard let version = field("x-puppet-version", ofWritten: head.span) else { return .retries }
    return AgentPatience(agentVersion: head.span.extracting(version))
  }

  private mutating func follow(_ c: Record, _ admission: Admission) {
    leaveQueue(c)
    c.pointee.request.hasAsked = true
    c.pointee.request.asked = now
    if log.isOn { noteAsking(c) }
    switch admission {
    case .claimed(let claim): begin(c, claim)
    case .queued(let until, let spot):
      c.pointee.stage = .queued
      c.pointee.request.spot = spot
      c.pointee.request.deadline = until.nanoseconds
      slab.setDeadline(c, until.nanoseconds)
      if agentIsGone(c) { abandon(c) } else { soundAgent(c) }
    case .shed(let refusal): shed(c, refusal)
    case .unsure: preconditionFailure("the ledger was told what it asked for")
    }
  }

  mutating func shed(_ c: Record, _ refusal: Refusal) {
    leaveQueue(c)
    reply(
      c, 503, "All workers are busy and too many requests wait for them.", closing: false,
      retryAfter: refusal.retryAfter.map { Int($0.components.seconds) })
  }

  /// The line was too long for its deadline. If it is not in line any more, its turn is on the way.
  mutating func leaveLine(_ c: Record) {
    let (ticket, spot, pool, instant) = (ticket(c), c.pointee.request.spot, c.pointee.request.pool, instant)
    guard let refusal = shared.ledger.withLock({ $0.timeOut(ticket, at: spot, from: pool, now: instant) }) else {
      return setDeadline(c, after: Self.sweepInterval)
    }
    shed(c, refusal)
  }

  /// Nobody waits any more. Where its turn is on the way already, it comes back unused.
  func withdraw(_ c: Record) {
    let (ticket, spot, pool) = (ticket(c), c.pointee.request.spot, c.pointee.request.pool)
    _ = shared.ledger.withLock { $0.withdraw(ticket, at: spot, from: pool) }
  }

  /// In the clear an agent that has ended its side may be gone, or may still wait for its answer; only a write tells.
  /// An interim answer does no harm to who is there (RFC 9110 §15.2: a client takes any number of them), and who has
  /// closed answers it with a reset, which comes as an event. HTTP/1.0 knows no interim answers: such an agent is
  /// believed.
  mutating func soundAgent(_ c: Record) {
    guard c.pointee.agent.hasEnded, c.pointee.agent.tls == nil, c.pointee.agent.descriptor >= 0,
      !c.pointee.request.wasSounded, c.pointee.request.head.version == .http11
    else { return }
    c.pointee.request.wasSounded = true
    // Nothing else is on its way to the agent, so a socket that does not take these few bytes is of no use.
    var line = OutputSpan(buffer: scratch, initializedCount: 0)
    _ = writeProcessing(into: &line)
    let count = line.finalize(for: scratch)
    door.counters.countResponse(status: 102)
    guard case .moved(count) = send(c, UnsafeBufferPointer(rebasing: scratch[..<count])) else {
      c.pointee.agent.isBroken = true
      return abandon(c)
    }
  }

  /// Most workers answer before this is of use.
  func soundAgentLater(_ c: Record) {
    guard !c.pointee.request.wasSounded, c.pointee.request.isConsumed, !c.pointee.answer.hasBegun else { return }
    let index = slab.index(of: c)
    slab.setDeadline(c, min(slab.deadline(index), now + halfClosedCheck))
  }

  /// A turn that came from another thread; its worker may have been retired on the way.
  mutating func takeFromAfar(_ grant: Grant) {
    guard shared.ledger.withLock({ $0.stands(grant.claim) }) else {
      release(grant.claim, .unused, keeping: grant.claim.connection)
      if let c = waiting(grant.ticket) { requestClaimAgain(c) }
      return
    }
    take(grant)
  }

  /// A request's turn has come, unless it is gone.
  mutating func take(_ grant: Grant) {
    guard let c = waiting(grant.ticket) else {
      return release(grant.claim, .unused, keeping: grant.claim.connection)
    }
    begin(c, grant.claim)
  }

  private func waiting(_ ticket: Ticket) -> Record? {
    guard let c = slab.find(ticket.index, serial: ticket.serial), c.pointee.stage == .queued else { return nil }
    return c
  }

  /// Ends a claim, and passes on what follows from it.
  mutating func release(_ claim: Claim, _ outcome: ClaimOutcome, keeping connection: KeptConnection?) {
    let instant = instant
    let release = shared.ledger.withLock { $0.release(claim, outcome, keeping: connection, at: instant) }
    if let connection, !release.keepsConnection { close(connection.descriptor) }
    if let grant = release.grant {
      if grant.ticket.loop == id {
        grants.append(grant)
      } else {
        shared.doors[Int(grant.ticket.loop)].post(.granted(grant))
      }
    }
    if let worker = release.drained { shared.outbox.post(.drained(worker)) }
    if let final = release.retired { shared.outbox.post(.retired(final)) }
  }
}
