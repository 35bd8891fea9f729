import CLinux
import Glibc
import Pool
import Synchronization

/// The access log of one proxy: each loop's ring of lines, and the thread that writes them where they are to go.
final class AccessLog: Sendable {
  let configuration: AccessLogConfiguration
  /// One for each loop.
  let rings: [LogRing]
  /// By the route's index: its path, and its pool's name.
  let routes: Labels
  let pools: Labels
  /// What makes request IDs differ from those of every other proxy.
  let chance: UInt64
  let bell: Int32
  /// Lines that came as far as the writer and no further.
  let dropped = Atomic<Int>(0)
  private let isAsleep = Atomic<Bool>(false)
  private let isUrgent = Atomic<Bool>(false)
  private let mustReopen = Atomic<Bool>(false)
  private let isOver = Atomic<Bool>(false)
  private let thread = Mutex<pthread_t?>(nil)

  /// `output` is the descriptor that stands for standard output.
  static func start(
    _ configuration: ProxyConfiguration, loops: Int, output: Int32
  ) throws(SetupFailure) -> AccessLog? {
    guard let log = configuration.accessLog else { return nil }
    let started = try AccessLog(log, configuration.routes, loops: loops)
    try started.startWriter(output: output)
    return started
  }

  private init(_ configuration: AccessLogConfiguration, _ routes: [Route], loops: Int) throws(SetupFailure) {
    self.configuration = configuration
    // A ring that cannot hold one line would drop all.
    let longest = LogWriter.longestLine(configuration)
    let capacity = max(configuration.buffer.bytes, 2 * longest)
    rings = (0..<loops).map { _ in LogRing(capacity: capacity) }
    self.routes = Labels(routes.map(\.path))
    pools = Labels(routes.map(\.pool.rawValue))
    var random = SystemRandomNumberGenerator()
    chance = random.next()
    bell = clinux_eventfd()
    guard bell >= 0 else { throw SetupFailure("no descriptor left for the access log: \(Socket.explain(errno))") }
  }

  deinit { close(bell) }

  // MARK: The loops' side

  /// A writer that works looks at the rings by itself before long; one that sleeps is woken, and one that must hurry.
  func wake(isUrgent urgent: Bool) {
    if isAsleep.load(ordering: .sequentiallyConsistent) {
      if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { ring(bell) }
    } else if urgent, !isUrgent.load(ordering: .relaxed), !isUrgent.exchange(true, ordering: .relaxed) {
      ring(bell)
    }
  }

  // MARK: The link's side

  /// The next line goes to a file under the configured name.
  func reopen() {
    mustReopen.store(true, ordering: .releasing)
    ring(bell)
  }

  /// Writes what is left, within a limit, and ends the writer. No loop may run any more.
  func finish() {
    isOver.store(true, ordering: .releasing)
    ring(bell)
    let writer = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    if let writer { pthread_join(writer, nil) }
  }

  func add(to counters: inout ProxyCounters) {
    let handedOver = rings.reduce(0) { $0 + $1.lines.load(ordering: .relaxed) }
    counters.accessLinesTotal += handedOver - dropped.load(ordering: .relaxed)
    counters.accessLinesDroppedTotal += droppedTotal
  }

  // MARK: The writer's side

  var droppedTotal: Int {
    rings.reduce(dropped.load(ordering: .relaxed)) { $0 + $1.dropped.load(ordering: .relaxed) }
  }

  var isFinishing: Bool { isOver.load(ordering: .acquiring) }

  func takeReopening() -> Bool { mustReopen.exchange(false, ordering: .acquiringAndReleasing) }

  /// Before it reads the rings, so that what comes behind its back rings again.
  func calmDown() {
    silence(bell)
    isUrgent.store(false, ordering: .relaxed)
  }

  /// True where the writer may sleep until it is woken: either it sees the last line here, or the line's loop sees that
  /// it sleeps.
  func fallAsleep() -> Bool {
    isAsleep.store(true, ordering: .sequentiallyConsistent)
    if rings.allSatisfy(\.isEmpty) { return true }
    isAsleep.store(false, ordering: .sequentiallyConsistent)
    return false
  }

  func stayAwake() { isAsleep.store(false, ordering: .sequentiallyConsistent) }

  private func startWriter(output: Int32) throws(SetupFailure) {
    var started = pthread_t()
    let seed = Unmanaged.passRetained(LogWriter(self, output: output))
    let code = pthread_create(
      &started, nil,
      { seed in
        if let seed { Unmanaged<LogWriter>.fromOpaque(seed).takeRetainedValue().run() }
        return nil
      }, seed.toOpaque())
    guard code == 0 else {
      seed.release()
      throw SetupFailure("no thread for the access log: \(Socket.explain(code))")
    }
    thread.withLock { [started] in $0 = started }
  }
}

/// Texts that stay, by index, to be read without counting references.
final class Labels: @unchecked Sendable {
  // Written here alone.
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private let ends: UnsafeMutableBufferPointer<Int>

  init(_ texts: [String]) {
    let all = texts.flatMap { Array($0.utf8) }
    bytes = .allocate(capacity: all.count)
    _ = bytes.initialize(from: all)
    ends = .allocate(capacity: texts.count)
    var end = 0
    for (index, text) in texts.enumerated() {
      end += text.utf8.count
      ends.initializeElement(at: index, to: end)
    }
  }

  deinit {
    bytes.deallocate()
    ends.deallocate()
  }

  subscript(index: Int) -> UnsafeBufferPointer<UInt8> {
    guard index < ends.count else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(rebasing: UnsafeBufferPointer(bytes)[(index > 0 ? ends[index - 1] : 0)..<ends[index]])
  }
}
