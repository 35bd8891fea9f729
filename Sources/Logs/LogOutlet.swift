import Glibc
import Pool

/// Where lines go: standard error, or the journal by its own protocol.
struct LogOutlet {
  /// Standard error.
  let descriptor: Int32
  /// That leads to the journal, which stamps lines itself.
  let isJournal: Bool
  private var journal = JournalSocket()

  /// - Parameter journalStream: what the service manager says of itself in `JOURNAL_STREAM`: the device and the inode
  ///   of the journal's end. A descriptor of another number leads elsewhere.
  init(descriptor: Int32, journalStream: String?) {
    self.descriptor = descriptor
    var facts = stat()
    let isKnown = fstat(descriptor, &facts) == 0
    isJournal = isKnown && journalStream == "\(facts.st_dev):\(facts.st_ino)"
  }

  /// False where it would have to wait and must not.
  mutating func put(_ record: LogRecord, by policy: LogPolicy, waits: Bool) -> Bool {
    switch policy.format {
    case .json: return write(record.json, waits: waits)
    case .text: return write(record.text(isJournal ? .none : .time), waits: waits)
    case .auto where !isJournal: return write(record.text(.time), waits: waits)
    case .auto, .journald: break
    }
    switch journal.send(record.journal, to: policy.socket, waits: waits) {
    case .taken: return true
    case .later: return false
    case .unreachable: return write(record.text(.priority), waits: waits)
    }
  }

  private func write(_ line: String, waits: Bool) -> Bool {
    let bytes = Array(line.utf8)
    guard waits || hasRoom(for: bytes.count) else { return false }
    // What was begun is finished, lest lines mix.
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: _ = isWritable(within: -1)
      // Nobody can be told.
      default: return true
      }
    }
    return true
  }

  /// `PIPE_BUF`: what a pipe that can be written to takes at once.
  private static let piece = 4096

  private func hasRoom(for count: Int) -> Bool { count <= Self.piece && isWritable(within: 0) }

  /// - Parameter patience: milliseconds; -1: for ever.
  private func isWritable(within patience: Int32) -> Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return poll(&wanted, 1, patience) > 0
  }
}
