import Glibc
import HTTPWire
import Pool

/// What a request leaves behind for the access log. Each of these is a word at a turn of the request's life, and
/// nothing where no log is written.
extension Loop {
  /// Its first bytes are here.
  mutating func openNote(_ c: Record) {
    guard c.pointee.note == nil else { return }
    let note = log.notes.take()
    note.pointee.record.time = now
    note.pointee.record.received = c.pointee.agent.input.count
    if let tls = c.pointee.agent.tls {
      note.pointee.record.tlsVersion = note.keep(tls.version)
      note.pointee.record.tlsCipher = note.keep(tls.cipher)
      note.pointee.record.isResumed = tls.isResumed
    }
    c.pointee.note = note
  }

  /// The head is whole, and will not be here much longer.
  mutating func noteRequest(_ c: Record) {
    guard let note = c.pointee.note else { return }
    let bytes = c.pointee.agent.input.bytes
    let head = c.pointee.request.head
    note.pointee.hasHead = true
    note.pointee.record.version = head.version
    note.pointee.record.method = note.keep(bytes[head.methodName], upTo: RequestNote.maxMethod)
    note.pointee.record.target = note.keep(bytes[head.target], upTo: log.maxField)
    if let range = head.field("user-agent", in: bytes.span) {
      note.pointee.record.userAgent = note.keep(bytes[range], upTo: log.maxField)
    }
    if let range = head.field("referer", in: bytes.span) {
      note.pointee.record.referer = note.keep(bytes[range], upTo: log.maxField)
    }
    note.pointee.record.id =
      head.requestID.isEmpty
      ? log.nextID(for: note) : note.keep(bytes[head.requestID], upTo: RequestID.maxBytes)
  }

  /// What the worker is to call the request; empty: what the agent calls it, if anything.
  func requestID(_ c: Record) -> UnsafeBufferPointer<UInt8> {
    guard let note = c.pointee.note else { return UnsafeBufferPointer(start: nil, count: 0) }
    return note[note.pointee.record.id]
  }

  /// It asks for a worker, perhaps once more.
  mutating func noteAsking(_ c: Record) {
    guard let note = c.pointee.note else { return }
    if note.pointee.asked > 0 { note.pointee.record.queue &+= now &- note.pointee.asked }
    note.pointee.asked = now
  }

  mutating func noteClaim(_ c: Record, _ claim: Claim) {
    guard let note = c.pointee.note else { return }
    if note.pointee.asked > 0 { note.pointee.record.queue &+= now &- note.pointee.asked }
    note.pointee.asked = 0
    note.pointee.taken = now
    guard let place = shared.ledger.withLock({ $0.place(of: claim) }) else { return }
    note.pointee.record.slot = place.slot
    note.pointee.record.generation = place.generation
  }

  mutating func noteRelease(_ c: Record) {
    guard let note = c.pointee.note, note.pointee.taken > 0 else { return }
    note.pointee.record.worker &+= now &- note.pointee.taken
    note.pointee.taken = 0
  }

  /// The head of an answer is on its way.
  func noteAnswer(_ c: Record, _ status: Int) {
    guard let note = c.pointee.note else { return }
    note.pointee.record.status = status
    note.pointee.record.firstByte = now &- note.pointee.record.time
  }

  /// An answer of our own is in the output: what it says is why.
  func noteReply(_ c: Record, _ status: Int, _ text: String) {
    guard let note = c.pointee.note else { return }
    note.pointee.record.sentHeads &+= c.pointee.agent.output.bytes.endOfHead
    noteEnd(c, AccessEnding(ownStatus: status), text)
  }

  /// How it ended, which later trouble does not change; an agent that has gone before was first.
  func noteEnd(_ c: Record, _ ending: AccessEnding, _ cause: String) {
    guard let note = c.pointee.note, c.pointee.agent.descriptor >= 0 else { return }
    switch note.pointee.record.ending {
    case .agentGone: break
    case .whole, .refused, .forbidden, .shed, .timedOut, .workerFailed, .cut, .stopped: return
    }
    note.pointee.record.ending = ending
    switch ending {
    case .whole: break
    case .refused, .forbidden, .shed, .timedOut, .workerFailed, .cut, .agentGone, .stopped:
      note.pointee.record.cause = note.keep(cause)
    }
  }

  /// The agent has the last byte.
  func noteWhole(_ c: Record) { noteEnd(c, .whole, "") }

  /// The one place where a request's line is written.
  mutating func closeNote(_ c: Record) {
    guard let note = c.pointee.note else { return }
    c.pointee.note = nil
    defer { log.notes.giveBack(note) }
    if !note.pointee.hasHead { noteFirstLine(c, note) }
    // Line ends between two requests are no request.
    guard note.pointee.hasHead || note.pointee.record.status != 0 || !note.pointee.record.requestLine.isEmpty else {
      return
    }
    if note.pointee.asked > 0 { note.pointee.record.queue &+= now &- note.pointee.asked }
    note.pointee.record.total = (note.pointee.gone > 0 ? note.pointee.gone : now) &- note.pointee.record.time
    keepAgent(c, note)
    log.write(note, at: now)
  }

  /// What stands in place of a head that was refused, or never whole.
  private mutating func noteFirstLine(_ c: Record, _ note: UnsafeMutablePointer<RequestNote>) {
    let bytes = c.pointee.agent.input.bytes
    let start = bytes.starts(with: [UInt8(ascii: "\r"), UInt8(ascii: "\n")]) ? 2 : 0
    let rest = bytes[start...]
    let end = rest.firstIndex { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") } ?? rest.endIndex
    note.pointee.record.requestLine = note.keep(UnsafeBufferPointer(rebasing: rest[..<end]), upTo: log.maxField)
    note.pointee.record.id = log.nextID(for: note)
  }

  private func keepAgent(_ c: Record, _ note: UnsafeMutablePointer<RequestNote>) {
    let identity = c.pointee.agent.identity
    note.pointee.record.certname = note.keep(identity.name, upTo: RequestNote.maxName)
    note.pointee.record.address = note.keep(identity.address, upTo: RequestNote.maxName)
  }

  /// A connection on which there was no request, since nobody could be sure of the other side.
  mutating func noteHandshake(_ c: Record, _ cause: String) {
    guard log.isOn else { return }
    let note = log.notes.take()
    note.pointee.record.kind = .handshake
    note.pointee.record.time = now
    note.pointee.record.cause = note.keep(cause)
    // Who the agent is was not told yet, but where it is.
    note.pointee.record.address = note.keep(c.pointee.agent.peer.text ?? "")
    log.write(note, at: now)
    log.notes.giveBack(note)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Behind the empty line.
  fileprivate var endOfHead: Int {
    var lineStart = 0
    for index in indices where self[index] == UInt8(ascii: "\n") {
      if index - lineStart == 1 { return index + 1 }
      lineStart = index + 1
    }
    return count
  }

  /// The bytes of a range that was found in them.
  fileprivate subscript(range: ByteRange) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: self[Int(range.start)..<Int(range.end)])
  }
}
