import Files
import Glibc
import HTTPWire

extension Loop {
  /// So many bytes in one call to the system, and in one turn.
  private static let filePiece = 256 << 10
  private static let fileBurst = 1 << 20
  /// The end of a file is read, not sent by the system: then it is known, before the last byte goes, whether the file
  /// is still the one that was announced.
  private static let fileTail = 16 << 10

  /// Takes over the descriptor. False: the file changed under our eyes, and a worker may know better.
  mutating func answer(_ c: Record, with file: OpenFile) -> Bool {
    let bytes = c.pointee.agent.input.bytes
    let head = c.pointee.request.head
    let share = head.share(of: file.stamp, in: bytes.span, at: time(nil))
    decideDownloadPersistence(c)
    c.pointee.agent.output = chunks.take()
    let written = write(c) { manners, out in
      writeFileHead(share, of: file.stamp, method: head.method, manners("application/octet-stream"), into: &out)
    }
    switch share {
    case .whole where head.method == .get: c.pointee.download.begin(file, from: 0, count: file.size)
    case .part(let start, let end): c.pointee.download.begin(file, from: start, count: end - start)
    case .whole, .beyond, .unchanged, .mismatched: file.close()
    }
    // What fits goes out with the head, and is sure before anything is sent.
    guard written, c.pointee.download.left == 0 || readFile(c) == .whole else {
      c.pointee.download.end()
      chunks.giveBack(&c.pointee.agent.output)
      return false
    }
    startDownload(c, status: share.status)
    return true
  }

  /// A body that is in memory.
  mutating func answer(_ c: Record, with body: ReadyBody) -> Bool {
    let isWanted = c.pointee.request.head.method == .get
    decideDownloadPersistence(c)
    c.pointee.agent.output = chunks.take()
    let written = write(c) { manners, out in
      writeBodyHead(length: body.bytes.count, manners(body.contentType), into: &out)
    }
    guard written else {
      chunks.giveBack(&c.pointee.agent.output)
      return false
    }
    c.pointee.download.begin(body, count: isWanted ? body.bytes.count : 0)
    startDownload(c, status: 200)
    return true
  }

  private func decideDownloadPersistence(_ c: Record) {
    c.pointee.request.keepsAlive = c.pointee.request.head.keepAlive && mayAskAgain(c)
  }

  private func write(
    _ c: Record, _ head: ((StaticString) -> FileManners, inout OutputSpan<UInt8>) -> Bool
  ) -> Bool {
    let room = c.pointee.agent.output.room(upTo: chunks.capacity)
    var out = OutputSpan(buffer: room, initializedCount: 0)
    let written = head(
      {
        FileManners(
          contentType: $0, version: c.pointee.request.head.version, keepAlive: c.pointee.request.keepsAlive,
          time: time(nil))
      }, &out)
    c.pointee.agent.output.end = out.finalize(for: room)
    c.pointee.note?.pointee.record.sentHeads = c.pointee.agent.output.count
    return written
  }

  private mutating func startDownload(_ c: Record, status: Int) {
    c.pointee.agent.input.start += c.pointee.request.head.byteCount
    c.pointee.request.isConsumed = true
    if c.pointee.agent.input.isEmpty { chunks.giveBack(&c.pointee.agent.input) }
    countAnswer(c, status)
    c.pointee.note?.pointee.record.isFromDisk = true
    door.counters.filesTotal.bump()
    c.pointee.stage = .downloading
    c.pointee.agent.isSlow = false
    let count = c.pointee.agent.output.count + c.pointee.download.left
    c.pointee.request.overdue = pace.sendDue(count, from: now) ?? .max
    setDownloadDeadline(c)
    download(c)
  }

  /// Brings it down as fast as the agent takes it; a slow one holds a chunk here at most, and in the clear nothing.
  mutating func download(_ c: Record) {
    let before = c.pointee.agent.output.count + c.pointee.download.left
    var turn = Self.fileBurst
    while turn > 0 {
      guard flush(c) else { return noteProgress(c, since: before) }
      let left = c.pointee.download.left
      guard left > 0 else { return finishDownload(c) }
      guard moveDownload(c) else { return noteProgress(c, since: before) }
      turn -= left - c.pointee.download.left
    }
    noteProgress(c, since: before)
    goOnLater(c)
  }

  /// Nothing may have moved, or the connection be gone.
  private mutating func noteProgress(_ c: Record, since before: Int) {
    guard c.pointee.stage == .downloading else { return }
    if c.pointee.agent.output.isEmpty { chunks.giveBack(&c.pointee.agent.output) }
    if c.pointee.agent.output.count + c.pointee.download.left < before { setDownloadDeadline(c) }
  }

  /// The next byte must go within the idle timeout, all of them as fast as an agent must take an answer.
  private func setDownloadDeadline(_ c: Record) {
    slab.setDeadline(c, min(now + idleTimeout, c.pointee.request.overdue))
  }

  private mutating func finishDownload(_ c: Record) {
    c.pointee.download.end()
    c.pointee.stage = .replying
    setDeadline(c, after: idleTimeout)
    flushReply(c)
  }

  /// The next piece, into the output or straight to the agent. False: it takes no more, or the connection is over.
  private mutating func moveDownload(_ c: Record) -> Bool {
    switch c.pointee.download.source {
    case .none: return false
    case .memory(let body): return sendReady(c, body)
    case .disk(let file):
      if c.pointee.agent.tls == nil, c.pointee.download.left > Self.fileTail { return sendFile(c, file) }
      if c.pointee.agent.output.isAbsent { c.pointee.agent.output = chunks.take() }
      c.pointee.agent.output.rewind()
      switch readFile(c) {
      case .whole: return true
      case .changed: cutDownload(c, "changed while it was sent")
      case .failed(let code): cutDownload(c, "could not be read: \(Socket.explain(code))")
      }
      return false
    }
  }

  private mutating func sendFile(_ c: Record, _ file: OpenFile) -> Bool {
    let most = min(Self.filePiece, c.pointee.download.left - Self.fileTail)
    switch file.send(to: c.pointee.agent.descriptor, at: c.pointee.download.offset, upTo: most) {
    case .moved(let count):
      c.pointee.download.moved(count)
      door.counters.fileBytesTotal.bump(by: count)
      c.pointee.agent.moved &+= count
      c.pointee.note?.pointee.record.sent &+= count
      return true
    case .later: watchAgentOutput(c)
    case .ended: cutDownload(c, "became shorter while it was sent")
    case .failed(EIO): cutDownload(c, "could not be read: \(Socket.explain(EIO))")
    case .failed:
      c.pointee.agent.isBroken = true
      abandon(c)
    }
    return false
  }

  private mutating func sendReady(_ c: Record, _ body: Unmanaged<ReadyBody>) -> Bool {
    let offset = c.pointee.download.offset
    let transfer = body._withUnsafeGuaranteedRef { body in
      body.bytes.withUnsafeBufferPointer { bytes in
        send(c, UnsafeBufferPointer(rebasing: bytes[offset...].prefix(Self.filePiece)))
      }
    }
    switch transfer {
    case .moved(let count):
      c.pointee.download.moved(count)
      door.counters.fileBytesTotal.bump(by: count)
      return true
    case .later: watchAgentOutput(c)
    case .ended, .failed:
      c.pointee.agent.isBroken = true
      abandon(c)
    }
    return false
  }

  private enum Reading: Equatable {
    case whole
    case changed
    case failed(Int32)
  }

  /// As much as the output's chunk has room for. Nothing of the last piece goes out unless the file is still the same.
  private mutating func readFile(_ c: Record) -> Reading {
    guard case .disk(let file) = c.pointee.download.source else { return .whole }
    while c.pointee.download.left > 0 {
      let room = c.pointee.agent.output.room(upTo: chunks.capacity)
      guard room.count > 0 else { return .whole }
      let piece = UnsafeMutableBufferPointer(rebasing: room.prefix(c.pointee.download.left))
      switch file.read(into: piece, at: c.pointee.download.offset) {
      case .moved(let count):
        c.pointee.agent.output.end += count
        c.pointee.download.moved(count)
        door.counters.fileBytesTotal.bump(by: count)
      case .ended: return .changed
      case .later: return .failed(EAGAIN)
      case .failed(let code): return .failed(code)
      }
    }
    return file.isUnchanged ? .whole : .changed
  }

  /// The agent must see that it is not whole.
  private mutating func cutDownload(_ c: Record, _ reason: String) {
    if case .disk(let file) = c.pointee.download.source {
      shared.journal.say("a file (inode \(file.inode), \(file.size) bytes) \(reason)", at: instant)
    }
    noteEnd(c, .cut, "the file \(reason)")
    dropAgent(c, reset: true)
    closeAgent(c)
  }
}

extension FileShare {
  fileprivate var status: Int {
    switch self {
    case .whole: 200
    case .part: 206
    case .beyond: 416
    case .unchanged: 304
    case .mismatched: 412
    }
  }
}
