import Glibc
import HTTPWire
import Pool

/// The thread that takes lines out of the loops' rings and gives them to the sink, in batches, in its own time. A sink
/// that takes nothing holds up this thread alone: the rings fill, and what they cannot hold is dropped and counted.
final class LogWriter {
  /// How long lines gather before they are written; `tail -f` is that late.
  private static let gathering: Int32 = 200
  /// How soon a sink that failed is tried again.
  private static let retrying: Int32 = 1000
  /// How long the last lines may take when the proxy ends.
  private static let farewell = Duration.seconds(2)
  /// How often the same trouble is told.
  private static let telling = Duration.seconds(30)
  private static let batch = 256 << 10

  private let log: AccessLog
  private var sink: LogSink
  /// Lines that were taken out of the rings and are not written yet: `start..<end`.
  private let staged: UnsafeMutableBufferPointer<UInt8>
  private var start = 0
  private var end = 0
  private let journal = Journal()
  private var trouble: String?
  private var nextTelling = Instant(nanoseconds: .min)
  private var toldDrops = 0
  private var nextDropTelling = Instant(nanoseconds: .min)

  static func longestLine(_ configuration: AccessLogConfiguration) -> Int {
    AccessRecord.lineAtMost(text: RequestNote.textCapacity(maxField: configuration.maxField.bytes))
  }

  init(_ log: AccessLog, output: Int32) {
    self.log = log
    sink = LogSink(log.configuration.destination, output: output)
    staged = .allocate(capacity: max(Self.batch, Self.longestLine(log.configuration)))
  }

  deinit { staged.deallocate() }

  private enum Progress {
    /// All that there was is written.
    case clear(anything: Bool)
    /// The sink takes no more for now.
    case full
    case failed
  }

  func run() {
    var deadline: Instant?
    while true {
      log.calmDown()
      if log.isFinishing, deadline == nil { deadline = .now() + Self.farewell }
      if log.takeReopening() { reopen() }
      let progress = work()
      tellOfDrops()
      if let deadline, isDone(progress) || Instant.now() >= deadline { return leave() }
      wait(progress, isEnding: deadline != nil)
    }
  }

  private func isDone(_ progress: Progress) -> Bool {
    switch progress {
    case .clear: log.rings.allSatisfy(\.isEmpty)
    case .full, .failed: false
    }
  }

  /// Writes until there is nothing left or the sink takes no more.
  private func work() -> Progress {
    var anything = false
    while true {
      if start == end { stage() }
      guard start < end else { return .clear(anything: anything) }
      anything = true
      switch sink.write(UnsafeBufferPointer(rebasing: staged[start..<end])) {
      case .wrote(let count):
        start += count
        tellOfRecovery()
      case .refused(let count):
        log.dropped.bump()
        start += count
      case .full: return .full
      case .failed(let problem):
        tell(problem)
        return .failed
      }
    }
  }

  private func stage() {
    (start, end) = (0, 0)
    for ring in log.rings {
      end += ring.take(into: UnsafeMutableBufferPointer(rebasing: staged[end...]))
    }
  }

  private func wait(_ progress: Progress, isEnding: Bool) {
    var wanted = [
      pollfd(fd: log.bell, events: Int16(POLLIN), revents: 0),
      pollfd(fd: -1, events: Int16(POLLOUT), revents: 0),
    ]
    var patience = Self.gathering
    switch progress {
    case .clear(anything: true): break
    case .clear(anything: false):
      // An idle proxy's writer sleeps for good, but not on something that it has still to say.
      guard log.droppedTotal == toldDrops else { break }
      guard log.fallAsleep() else { return }
      patience = -1
    case .full: wanted[1].fd = sink.descriptor
    case .failed: patience = Self.retrying
    }
    poll(&wanted, 2, isEnding ? min(50, patience < 0 ? 50 : patience) : patience)
    log.stayAwake()
  }

  /// A line of which the old file has the beginning does not go on in the new one.
  private func reopen() {
    guard sink.isFile else { return }
    sink.close()
    guard start > 0, start < end, staged[start - 1] != UInt8(ascii: "\n") else { return }
    while start < end, staged[start] != UInt8(ascii: "\n") { start += 1 }
    start = min(start + 1, end)
    log.dropped.bump()
  }

  /// The last lines had their time.
  private func leave() {
    repeat {
      log.dropped.bump(by: staged[start..<end].count { $0 == UInt8(ascii: "\n") })
      stage()
    } while start < end
    tellOfDrops()
    sink.close()
  }

  // MARK: What an operator hears

  private func tell(_ problem: String) {
    let now = Instant.now()
    guard problem != trouble || now >= nextTelling else { return }
    trouble = problem
    nextTelling = now + Self.telling
    journal.say("access log: \(sink.name): \(problem); lines wait for it, and are dropped beyond the buffer", at: now)
  }

  private func tellOfRecovery() {
    guard trouble != nil else { return }
    trouble = nil
    journal.say("access log: \(sink.name) is written again", at: .now())
  }

  private func tellOfDrops() {
    let (total, now) = (log.droppedTotal, Instant.now())
    guard total > toldDrops, now >= nextDropTelling || log.isFinishing else { return }
    journal.say("access log: \(total - toldDrops) lines were dropped, \(total) in all", at: now)
    toldDrops = total
    nextDropTelling = now + Self.telling
  }
}
