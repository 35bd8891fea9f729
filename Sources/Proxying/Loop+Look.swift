import Files
import Glibc
import HTTPWire
import Pool

extension Loop {
  /// A route has allowed the request; its path stands in the scratch. True: it is answered from disk, or it will be
  /// known soon whether it is. A body with a GET means nothing to a file, and is a worker's to make sense of.
  mutating func looksOnDisk(_ c: Record, pathCount: Int) -> Bool {
    let head = c.pointee.request.head
    guard let files, head.method == .get || head.method == .head, head.framing == .none || head.framing == .length(0)
    else { return false }
    let path = UnsafeBufferPointer(rebasing: scratch[..<pathCount])
    let bytes = c.pointee.agent.input.bytes
    let accept = head.field("accept", in: bytes.span) ?? ByteRange()
    let found = files.look(
      pool: shared.pools[c.pointee.request.pool].name, path: path.span,
      query: bytes.span.extracting(head.query(in: bytes.span)), accept: bytes.span.extracting(accept))
    switch found {
    case .notOurs: return false
    case .file(let file): return answer(c, with: file)
    case .body(let body): return answer(c, with: body)
    case .later(let job): return sendForAnswer(c, job)
    }
  }

  /// The head stays where it is, since a worker may need it after all.
  private mutating func sendForAnswer(_ c: Record, _ job: FileJob) -> Bool {
    c.pointee.download.number &+= 1
    guard shared.clerks.take(job, for: LookTicket(ticket: ticket(c), number: c.pointee.download.number)) else {
      door.counters.looksRefusedTotal.bump()
      return false
    }
    c.pointee.stage = .looking
    setDeadline(c, after: idleTimeout)
    return true
  }

  /// What a clerk found. Nobody may be waiting for it any more.
  mutating func takeOutcome(_ outcome: FileOutcome, for look: LookTicket) {
    guard let c = slab.find(look.ticket.index, serial: look.ticket.serial), c.pointee.stage == .looking,
      c.pointee.download.number == look.number
    else {
      if case .file(let file) = outcome { file.close() }
      return
    }
    let isAnswered =
      switch outcome {
      case .notOurs: false
      case .file(let file): answer(c, with: file)
      case .body(let body): answer(c, with: body)
      }
    if !isAnswered { startBody(c) }
  }
}
