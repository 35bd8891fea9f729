import Glibc
import HTTPWire
import Pool

/// Requests that are older than others of their kind let expect. Whether their workers are stuck, the supervisor finds
/// out: it can look at their processes.
extension Loop {
  /// Told again each second, for as long as it is so.
  mutating func report(_ suspicion: Suspicion) {
    let standing = suspicion.claim
    guard let c = slab.find(standing.ticket.index, serial: standing.ticket.serial),
      let claim = c.pointee.worker.claim, standing.isOf(claim), isUpToTheWorker(c)
    else { return }
    c.pointee.request.isSuspect = true
    shared.outbox.post(
      .suspect(
        Suspect(
          worker: standing.worker, request: requestLine(c), node: nodeName(c), age: instant - standing.since,
          limit: suspicion.limit, routeP99: suspicion.routeP99, nodeP99: suspicion.nodeP99)))
  }

  /// No agent that sends or takes slowly is waited for.
  private func isUpToTheWorker(_ c: Record) -> Bool {
    guard c.pointee.stage == .exchanging, c.pointee.agent.output.isEmpty else { return false }
    return c.pointee.upload.isComplete || c.pointee.worker.isFull || c.pointee.worker.refusesInput
  }

  /// The agent's verified name; nil: it has none, and its address may stand for a whole site.
  func nodeName(_ c: Record) -> String? {
    guard c.pointee.agent.identity.isVerified else { return nil }
    return String(decoding: c.pointee.agent.identity.name, as: UTF8.self)
  }

  /// The supervisor had its worker stopped for being stuck. Another may do better, once, where the request may be
  /// repeated and its node did not wedge others before.
  mutating func leaveStuckWorker(_ c: Record) {
    guard c.pointee.agent.descriptor >= 0 else {
      releaseWorker(c, .abandoned)
      return closeAgent(c)
    }
    let (node, pool) = (c.pointee.agent.identity.node, c.pointee.request.pool)
    let mayRepeat = c.pointee.request.isRepeatable && !c.pointee.upload.isStreamed && !c.pointee.request.isRetry
    c.pointee.request.isRetry = true
    if mayRepeat, !shared.ledger.withLock({ $0.isQuarantined(node, in: pool) }) {
      return tryAgain(c, .unreachable(lost: false))
    }
    loseWorker(c, .overdue(lost: true))
    reply(c, 504, "The worker did not answer in time.", closing: false)
  }
}
