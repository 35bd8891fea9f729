import Glibc
import HTTPWire
import Pool

extension Loop {
  /// The answer of a request that nobody waits for is read on if no more than this is missing.
  private static let worthReading = 1 << 20

  // MARK: Workers that fail

  /// No connection came about, so the worker saw nothing: any request may go again.
  mutating func workerRefused(_ c: Record, _ code: Int32) {
    // Our own need says nothing of the worker.
    if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) {
      loseWorker(c, .unused)
      let (asker, pool, instant) = (asker(c, patience(c)), c.pointee.request.pool, instant)
      return shed(c, shared.ledger.withLock { $0.refuse(asker, from: pool, at: instant) })
    }
    tellUnreachable(c, "connecting: \(Socket.explain(code))")
    tryAgain(c, .unreachable(lost: false))
  }

  /// The connection ended before an answer. `code` is nil where the worker closed it in good order.
  mutating func workerFailed(_ c: Record, _ code: Int32?) {
    guard c.pointee.agent.descriptor >= 0 else { return loseWorkerOfNobody(c, code) }
    let unseen = !c.pointee.upload.isTouched
    let mayRepeat = c.pointee.request.isRepeatable && !c.pointee.upload.isStreamed && !c.pointee.request.isRetry
    if !unseen { c.pointee.request.isRetry = true }
    // A kept connection may have been closed before the request came: that says nothing of the worker. Once the
    // request was sent it may be dying, and its listener still take the second try: that must go to another.
    if c.pointee.worker.isReused, c.pointee.agent.output.isEmpty, unseen { return tryAgain(c, .stale) }
    tellUnreachable(c, code.map { "waiting for an answer: \(Socket.explain($0))" } ?? "it closed before it answered")
    if unseen || mayRepeat { return tryAgain(c, .unreachable(lost: false)) }
    loseWorker(c, .unreachable(lost: true))
    reply(c, 502, "The worker failed before it answered.", closing: false)
  }

  /// The agent is gone already, so nothing is lost.
  private mutating func loseWorkerOfNobody(_ c: Record, _ code: Int32?) {
    tellUnreachable(c, code.map(Socket.explain) ?? "it closed before it answered")
    loseWorker(c, .unreachable(lost: false))
    closeAgent(c)
  }

  mutating func tryAgain(_ c: Record, _ outcome: ClaimOutcome) {
    door.counters.retriedTotal.bump()
    c.pointee.note?.pointee.record.retries &+= 1
    loseWorker(c, outcome)
    c.pointee.upload.sent = 0
    c.pointee.upload.isTouched = false
    c.pointee.upload.isComplete = false
    c.pointee.answer.head.reset()
    requestClaimAgain(c)
  }

  mutating func loseWorker(_ c: Record, _ outcome: ClaimOutcome) {
    chunks.giveBack(&c.pointee.agent.output)
    releaseWorker(c, outcome)
  }

  private func tellUnreachable(_ c: Record, _ reason: String) {
    guard let claim = c.pointee.worker.claim, let worker = shared.ledger.withLock({ $0.worker(of: claim) })
    else { return }
    shared.outbox.post(.unreachable(worker, reason))
  }

  /// The worker's head makes no sense.
  mutating func badAnswer(_ c: Record, _ explanation: String) {
    journal(c, "answered what is not HTTP: \(explanation)")
    let lost = c.pointee.agent.descriptor >= 0
    loseWorker(c, lost ? .cut : .abandoned)
    guard lost else { return closeAgent(c) }
    reply(c, 502, "The worker's answer could not be understood.", closing: false)
  }

  /// The answer had begun: the agent must see that it is not whole.
  mutating func cut(_ c: Record, _ reason: String) {
    let lost = c.pointee.agent.descriptor >= 0
    if lost {
      journal(c, reason)
      noteEnd(c, .cut, reason)
    }
    loseWorker(c, lost ? .cut : .abandoned)
    dropAgent(c, reset: true)
    closeAgent(c)
  }

  private func journal(_ c: Record, _ reason: String) {
    guard let claim = c.pointee.worker.claim, let worker = shared.ledger.withLock({ $0.worker(of: claim) })
    else { return }
    shared.journal.say("\(worker): \(reason)", at: instant)
  }

  /// Past the request timeout without the end of an answer. The place stays taken until the worker is retired.
  mutating func giveUp(_ c: Record) {
    guard let claim = c.pointee.worker.claim else { return }
    if let worker = shared.ledger.withLock({ $0.worker(of: claim) }) {
      shared.outbox.post(
        .overdue(worker, age: shared.pools[claim.pool].requestTimeout, node: nodeName(c)))
    }
    let begun = c.pointee.answer.hasBegun
    loseWorker(c, .overdue(lost: c.pointee.agent.descriptor >= 0))
    if c.pointee.agent.descriptor < 0 { return closeAgent(c) }
    guard begun else {
      return reply(c, 504, "The worker did not answer in time.", closing: false)
    }
    noteEnd(c, .timedOut, "the worker did not end its answer in time")
    dropAgent(c, reset: true)
    closeAgent(c)
  }

  /// The worker is retired: its requests go to others, or are failed.
  mutating func cutOff(_ claims: ClaimLedger.CutOff) {
    for index in 0..<slab.highWater {
      let c = slab[index]
      guard c.pointee.stage != .vacant, let claim = c.pointee.worker.claim, claims.covers(claim) else { continue }
      // Its answer may be here already.
      c.pointee.worker.isReadable = true
      if c.pointee.stage == .exchanging { relayAnswer(c) }
      guard c.pointee.worker.claim.map(claims.covers) == true else { continue }
      breakOff(c)
    }
  }

  private mutating func breakOff(_ c: Record) {
    switch c.pointee.stage {
    case .connecting: tryAgain(c, .unused)
    case .exchanging where c.pointee.answer.hasBegun: cut(c, "retired in the middle of an answer")
    case .exchanging where c.pointee.request.isSuspect: leaveStuckWorker(c)
    case .exchanging: workerFailed(c, nil)
    case .vacant, .greeting, .handshaking, .head, .looking, .downloading, .intake, .queued, .replying, .lingering:
      break
    }
  }

  // MARK: Agents that fail

  /// The rest of a streamed body cannot go on.
  mutating func breakOffUpload(_ c: Record, _ status: Int, _ explanation: String) {
    let begun = c.pointee.answer.hasBegun
    loseWorker(c, .abandoned)
    if begun {
      noteEnd(c, AccessEnding(ownStatus: status), explanation)
      dropAgent(c, reset: true)
      return closeAgent(c)
    }
    reply(c, status, explanation, closing: true)
  }

  /// The agent is gone. What it waited for is called off if the worker does not work on it; otherwise the claim is
  /// held until the worker is free, since closing a connection does not stop a busy master.
  mutating func abandon(_ c: Record) {
    switch c.pointee.stage {
    case .vacant: break
    case .greeting, .handshaking, .head, .looking, .downloading, .intake, .replying, .lingering: closeAgent(c)
    case .queued:
      // Where its turn is on the way already, it comes back unused.
      withdraw(c)
      closeAgent(c)
    case .connecting:
      releaseWorker(c, .unused)
      closeAgent(c)
    case .exchanging: if staysForAnswer(c) { waitForNobody(c) } else { callOff(c) }
    }
  }

  /// A worker in the middle of sending notices the closed connection; one that thinks does not.
  private func staysForAnswer(_ c: Record) -> Bool {
    guard c.pointee.upload.isComplete, !c.pointee.worker.refusesInput else { return false }
    switch c.pointee.answer.phase {
    case .head, .complete: return true
    case .length(let left): return left <= Self.worthReading
    case .chunked, .untilClose: return false
    }
  }

  private mutating func callOff(_ c: Record) {
    releaseWorker(c, .abandoned)
    closeAgent(c)
  }

  private mutating func waitForNobody(_ c: Record) {
    c.pointee.note?.pointee.gone = now
    dropAgent(c)
    slab.setDeadline(c, c.pointee.request.overdue)
    relayAnswer(c)
  }
}
