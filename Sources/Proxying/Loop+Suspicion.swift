import Glibc
import HTTPWire
import Pool

/// Requests that are older than others of their kind let expect. Whether their workers are stuck, the supervisor finds
/// out: it can look at their processes.
extension Loop {
  /// Told again each second, for as long as it is so.
  mutating func report(_ suspicion: Suspicion) {
    guard let c = slab.find(suspicion.ticket.index, serial: suspicion.ticket.serial),
      let claim = c.pointee.worker.claim, suspicion.concerns(claim), isUpToTheWorker(c),
      let worker = shared.ledger.withLock({ $0.worker(of: claim) })
    else { return }
    c.pointee.request.isSuspect = true
    shared.outbox.post(
      .suspect(
        Suspect(
          worker: worker, request: requestLine(c), node: nodeName(c), age: instant - suspicion.since,
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

  private static let maxRequestLine = 200

  /// `POST /puppet/v3/catalog/web7`, as it went to the worker.
  private func requestLine(_ c: Record) -> String {
    let line = c.pointee.upload.rendered.bytes.prefix(Self.maxRequestLine).prefix { $0 != UInt8(ascii: "\r") }
    let words = line.split(separator: UInt8(ascii: " ")).prefix(2)
    // What follows the question mark may be a secret, and is no part of a route.
    guard !words.isEmpty else { return "a request whose answer has begun" }
    return words.map { String(decoding: $0.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self) }.joined(separator: " ")
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
