import Glibc
import HTTPWire
import Pool

/// One loop's part in the access log: its notes, its names for requests, and its way to the writer. Nothing here waits.
struct LoopLog: ~Copyable {
  let isOn: Bool
  let maxField: Int
  var notes: NotePool
  private let log: AccessLog?
  private let ring: LogRing?
  private let format: AccessLogConfiguration.Format
  /// For one line at its longest.
  private let line: UnsafeMutableBufferPointer<UInt8>
  /// Where the next line goes, and what the writer may take.
  private var mark = 0
  private var published = 0
  /// From the monotonic clock to that of the calendar, which may be set.
  private var calendar: Int64 = 0
  private var calendarIsDue: Int64 = .min
  private let maker: UInt64
  private var made: UInt64 = 0

  init(_ log: AccessLog?, loop: UInt16) {
    isOn = log != nil
    self.log = log
    ring = log?.rings[Int(loop)]
    format = log?.configuration.format ?? .json
    maxField = log?.configuration.maxField.bytes ?? 0
    notes = NotePool(maxField: maxField)
    line = .allocate(
      capacity: isOn ? AccessRecord.lineAtMost(text: RequestNote.textCapacity(maxField: maxField)) : 0)
    // The loops of a proxy differ in the low bits, proxies in the rest.
    maker = (log?.chance ?? 0) & ~0xffff | UInt64(loop)
  }

  deinit { line.deallocate() }

  mutating func nextID(for note: UnsafeMutablePointer<RequestNote>) -> ByteRange {
    made &+= 1
    return note.keepMade(maker, made)
  }

  /// Writes the note's line on its way, or counts it as dropped.
  mutating func write(_ note: UnsafeMutablePointer<RequestNote>, at now: Int64) {
    guard let ring, let log else { return }
    if now >= calendarIsDue { readCalendar(now) }
    keepPlaces(of: note, log)
    var record = note.pointee.record
    record.time = calendar &+ record.time
    var out = OutputSpan(buffer: line, initializedCount: 0)
    let texts = note.texts
    switch format {
    case .json: _ = record.writeJSON(texts.span, into: &out)
    case .combined: _ = record.writeCombined(texts.span, into: &out)
    }
    let count = out.finalize(for: line)
    guard count > 0 else { return }
    guard ring.put(UnsafeBufferPointer(rebasing: line[..<count]), at: mark) else { return ring.dropped.bump() }
    ring.lines.bump()
    mark += count
    // A long batch of events must not fill it while the writer has nothing to do.
    if mark - published > ring.capacity / 4 { handOver(ring, log) }
  }

  private func keepPlaces(of note: UnsafeMutablePointer<RequestNote>, _ log: AccessLog) {
    guard note.pointee.route >= 0 else { return }
    let route = Int(note.pointee.route)
    note.pointee.record.route = note.keep(log.routes[route], upTo: maxField)
    note.pointee.record.pool = note.keep(log.pools[route], upTo: RequestNote.maxName)
  }

  /// Once a second: that is as late as a clock that was set may be noticed.
  private mutating func readCalendar(_ now: Int64) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    calendar = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - Instant.now().nanoseconds
    calendarIsDue = now + 1_000_000_000
  }

  /// After each batch of events: one look for many lines.
  @inline(__always) mutating func publish() {
    guard mark != published, let ring, let log else { return }
    handOver(ring, log)
  }

  private mutating func handOver(_ ring: LogRing, _ log: AccessLog) {
    published = mark
    ring.publish(upTo: mark)
    log.wake(isUrgent: ring.isHalfFull)
  }
}
