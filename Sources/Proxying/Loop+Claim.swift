import Glibc
import Pool

extension Loop {
  /// The request is ready to go: a worker, or a place in line.
  mutating func requestClaim(_ c: Record) {
    let (ticket, pool, instant) = (ticket(c), c.pointee.request.pool, instant)
    let admission = shared.ledger.withLock { $0.admit(ticket, to: pool, at: instant) }
    c.pointee.request.deadline = (instant + shared.pools[pool].queue.timeout).nanoseconds
    follow(c, admission)
  }

  /// Once more, for a request whose worker was lost before it answered.
  mutating func requestClaimAgain(_ c: Record) {
    let (ticket, pool, instant) = (ticket(c), c.pointee.request.pool, instant)
    let deadline = Instant(nanoseconds: c.pointee.request.deadline)
    let admission = shared.ledger.withLock { $0.readmit(ticket, to: pool, until: deadline, at: instant) }
    follow(c, admission)
  }

  private mutating func follow(_ c: Record, _ admission: Admission) {
    switch admission {
    case .claimed(let claim): begin(c, claim)
    case .queued(let until):
      c.pointee.stage = .queued
      slab.setDeadline(c, until.nanoseconds)
      if agentIsGone(c) { abandon(c) }
    case .shed(let retryAfter): shed(c, retryAfter)
    }
  }

  mutating func shed(_ c: Record, _ retryAfter: Duration) {
    reply(
      c, 503, "All workers are busy and too many requests wait for them.", closing: false,
      retryAfter: Int(retryAfter.components.seconds))
  }

  /// The line was too long for its deadline. If it is not in line any more, its turn is on the way.
  mutating func leaveLine(_ c: Record) {
    let (ticket, pool) = (ticket(c), c.pointee.request.pool)
    guard shared.ledger.withLock({ $0.withdraw(ticket, from: pool, timedOut: true) }) else {
      return setDeadline(c, after: Self.sweepInterval)
    }
    shed(c, shared.ledger.withLock { $0.retryAfter(pool: pool) })
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
