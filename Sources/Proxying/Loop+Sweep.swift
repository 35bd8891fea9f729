import CLinux
import Glibc
import HTTPWire
import Pool

extension Loop {
  /// Looks at all deadlines: one pass over a plain array, no timer for any request.
  mutating func sweep() {
    nextSweep = now + Self.sweepInterval
    for index in 0..<slab.highWater where slab.deadline(index) <= now {
      let c = slab[index]
      slab.setDeadline(c, .max)
      expire(c)
    }
    let instant = instant
    for listener in shared.listeners { listener.tls?.memory.tickets.rotate(at: instant) }
    shared.post(shared.ledger.withLock { $0.resume(at: instant) })
    if now >= nextTrim { trim() }
    if let end, now >= end { cutEverything() } else { startAccepting() }
  }

  /// Memory that a crowd needed goes back once it has gone: at first what is idle in this loop's own stores, and when
  /// nothing was asked for a while, what the allocator keeps for the next crowd.
  private mutating func trim() {
    nextTrim = now + Self.trimInterval
    let isCalm = !chunks.wasUsed
    chunks.trim()
    if isCalm, !isTrimmed {
      clinux_drop_blocks()
      clinux_give_back_freed_memory()
    }
    isTrimmed = isCalm
  }

  /// What a passed deadline means depends on where the request is.
  private mutating func expire(_ c: Record) {
    switch c.pointee.stage {
    case .vacant: break
    case .greeting:
      door.counters.countRefusal(.handshakeTimeout)
      closeAgent(c)
    case .handshaking:
      door.counters.countFailedHandshake(.timeout)
      door.counters.countRefusal(.handshakeTimeout)
      noteHandshake(c, "it took too long")
      closeAgent(c)
    case .head: expireHead(c)
    // A worker may be quicker.
    case .looking: startBody(c)
    case .downloading:
      door.counters.countRefusal(.sendTimeout)
      noteEnd(c, .timedOut, "the agent did not take the answer in time")
      dropAgent(c, reset: true)
      closeAgent(c)
    case .intake:
      door.counters.countRefusal(.bodyTimeout)
      reply(c, 408, Self.lateBody, closing: true)
    case .queued: leaveLine(c)
    case .connecting: workerRefused(c, ETIMEDOUT)
    case .exchanging: expireExchange(c)
    case .replying:
      door.counters.countRefusal(.sendTimeout)
      noteEnd(c, .timedOut, "the agent did not take the answer in time")
      abandon(c)
    case .lingering: closeAgent(c)
    }
  }

  private static let lateBody = "The body did not come in time, or too slowly."

  private mutating func expireHead(_ c: Record) {
    guard !c.pointee.agent.input.isEmpty else { return startLingering(c) }
    c.pointee.request.head.reset()
    door.counters.countRefusal(.headerTimeout)
    reply(c, 408, "The rest of the head did not come in time.", closing: true)
  }

  /// Who is late: the agent with its body or with taking the answer, or the worker?
  private mutating func expireExchange(_ c: Record) {
    if now < c.pointee.request.overdue, c.pointee.agent.hasEnded, !c.pointee.request.wasSounded,
      c.pointee.request.isConsumed, !c.pointee.answer.hasBegun
    {
      slab.setDeadline(c, c.pointee.request.overdue)
      c.pointee.request.wasSounded = c.pointee.request.head.version == .http10
      return soundAgent(c)
    }
    if !c.pointee.upload.isComplete, !c.pointee.worker.isFull, !c.pointee.worker.refusesInput {
      door.counters.countRefusal(.bodyTimeout)
      breakOffUpload(c, 408, Self.lateBody)
    } else if c.pointee.answer.hasBegun, !c.pointee.agent.output.isEmpty {
      c.pointee.agent.isBroken = true
      door.counters.countRefusal(.sendTimeout)
      noteEnd(c, .timedOut, "the agent did not take the answer in time")
      releaseWorker(c, .abandoned)
      dropAgent(c, reset: true)
      closeAgent(c)
    } else if now >= c.pointee.request.overdue {
      giveUp(c)
    } else if c.pointee.answer.hasBegun {
      cut(c, "no byte of the answer came for \(shared.limits.idleTimeout.short)")
    } else {
      slab.setDeadline(c, c.pointee.request.overdue)
    }
  }

  // MARK: The end

  /// No new connections. Idle ones are left to their agents for a while, and told to close if they ask once more.
  mutating func stop(by end: Int64) {
    let isFirst = self.end == nil
    if isFirst { acceptRest() }
    self.end = min(end, self.end ?? .max)
    stopAccepting()
    if isFirst, shared.acceptingLoops.subtract(1, ordering: .releasing).newValue == 0 {
      shared.outbox.post(.closed)
    }
    let farewell = now + idleDrain
    for index in 0..<slab.highWater {
      let c = slab[index]
      if c.pointee.stage == .head, c.pointee.agent.input.isEmpty {
        slab.setDeadline(c, min(slab.deadline(index), farewell))
      }
    }
  }

  private mutating func cutEverything() {
    for index in 0..<slab.highWater {
      let c = slab[index]
      noteEnd(c, .stopped, "the proxy stopped")
      switch c.pointee.stage {
      case .vacant: continue
      case .greeting, .handshaking, .head, .looking, .downloading, .intake, .replying, .lingering: break
      case .queued: withdraw(c)
      case .connecting: releaseWorker(c, .unused)
      case .exchanging: releaseWorker(c, .abandoned)
      }
      dropAgent(c, reset: c.pointee.stage == .exchanging || c.pointee.stage == .downloading)
      closeAgent(c)
    }
  }
}
