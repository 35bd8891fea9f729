import Glibc
import HTTPWire
import Pool

extension Loop {
  /// All of it is here: the worker is free before the agent has the last byte.
  mutating func finishAnswer(_ c: Record) {
    releaseWorker(c, .answered)
    if c.pointee.agent.descriptor < 0 { return closeAgent(c) }
    c.pointee.stage = .replying
    c.pointee.agent.isSlow = false
    setDeadline(c, after: idleTimeout)
    repliesToSend.append(ticket(c))
    heldBack += c.pointee.agent.output.count
    if heldBack >= Self.mostHeldBack { sendReplies() }
  }

  /// Ends the claim; the connection is kept if the answer ended cleanly and the worker agrees.
  mutating func releaseWorker(_ c: Record, _ outcome: ClaimOutcome) {
    guard let claim = c.pointee.worker.claim else { return }
    c.pointee.worker.claim = nil
    c.pointee.request.work &+= now &- c.pointee.request.taken
    if log.isOn { noteRelease(c) }
    guard outcome == .answered, isReusable(c) else {
      closeWorker(c)
      return release(claim, outcome, keeping: nil)
    }
    if c.pointee.worker.watchesOutput { stopWatchingWorkerOutput(c) }
    let connection = KeptConnection(
      descriptor: c.pointee.worker.descriptor, loop: id, serial: c.pointee.worker.serial)
    // From the release on it may be another loop's.
    workers.unassign(connection.descriptor)
    c.pointee.worker.descriptor = -1
    release(claim, outcome, keeping: connection)
  }

  private func isReusable(_ c: Record) -> Bool {
    guard c.pointee.answer.head.keepAlive, c.pointee.upload.isComplete, !c.pointee.worker.isSpoiled,
      !c.pointee.worker.hasEnded, !c.pointee.worker.refusesInput
    else { return false }
    // A read that filled the chunk to the last byte leaves open whether there is more.
    return !c.pointee.worker.isReadable || !Socket.isSpoiled(c.pointee.worker.descriptor)
  }

  mutating func closeWorker(_ c: Record) {
    guard c.pointee.worker.descriptor >= 0 else { return }
    workers.unassign(c.pointee.worker.descriptor)
    close(c.pointee.worker.descriptor)
    c.pointee.worker.descriptor = -1
  }

  /// An idle connection was closed by its worker, or spoke out of turn.
  mutating func dropKeptConnection(_ descriptor: Int32, serial: UInt32) {
    let connection = KeptConnection(descriptor: descriptor, loop: id, serial: serial)
    if shared.ledger.withLock({ $0.forget(connection) }) { close(descriptor) }
  }
}
