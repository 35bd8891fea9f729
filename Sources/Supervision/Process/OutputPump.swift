import Glibc
import Logging
import Synchronization

/// Reads a child's output as fast as it comes and hands it on by line: the child never waits for whoever logs it, and
/// what a slow reader cannot take is counted instead of kept.
final class OutputPump: Sendable {
  /// Lines kept for a slow reader.
  static let maxWaitingLines = 1024
  /// Bytes taken at once; what is left is told again, so that other children have their turn.
  static let readSize = 64 << 10

  let lines: AsyncStream<OutputLine>
  /// The pipe's inode number, by which another supervisor knows it again; 0: not known.
  let pipe: UInt64
  private let descriptor: Int32
  private let continuation: AsyncStream<OutputLine>.Continuation
  private let state: Mutex<State>
  private let watch = Mutex<ReadableWatch.Token?>(nil)

  private struct State {
    var splitter: LineSplitter
    /// Since the last line that was handed on, and ever.
    var lost = 0
    var lostEver = 0
  }

  /// - Parameter descriptor: a pipe's reading end, which does not block; the pump's own from now on.
  init(reading descriptor: Int32, lineLimit: Int = LineSplitter.defaultLimit) {
    self.descriptor = descriptor
    var facts = stat()
    pipe = fstat(descriptor, &facts) == 0 ? UInt64(facts.st_ino) : 0
    state = Mutex(State(splitter: LineSplitter(limit: lineLimit)))
    (lines, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maxWaitingLines))
    // The handlers keep the pump alive until the end.
    let token = ReadableWatch.shared.add(
      descriptor, onReadable: { self.readOnce() == .ended ? .done : .again },
      onEnd: {
        self.finish()
        close(descriptor)
      })
    watch.withLock { $0 = token }
  }

  /// Takes what is still in the pipe and ends the lines, whoever may hold the other end.
  func end() {
    if let token = watch.withLock({ $0 }) { ReadableWatch.shared.cancel(token) }
  }

  /// Lines that nobody took in time.
  var lostLines: Int { state.withLock(\.lostEver) }

  private enum Reading { case more, none, ended }

  private func readOnce() -> Reading {
    withUnsafeTemporaryAllocation(byteCount: Self.readSize, alignment: 16) { buffer in
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0 { return errno == EAGAIN || errno == EINTR ? .none : .ended }
      if count == 0 { return .ended }
      state.withLock { state in
        for line in state.splitter.take(buffer[..<count]) { handOn(line, &state) }
      }
      return .more
    }
  }

  private func finish() {
    // A pipe holds at most 1 MiB unless root made it larger; a writer that goes on is not waited for.
    for _ in 0..<32 { if readOnce() != .more { break } }
    state.withLock { state in
      if let rest = state.splitter.end() { handOn(rest, &state) }
    }
    continuation.finish()
  }

  private func handOn(_ line: OutputLine, _ state: inout State) {
    var line = line
    line.lostBefore = state.lost
    switch continuation.yield(line) {
    case .enqueued, .terminated: state.lost = 0
    case .dropped:
      state.lost += 1
      state.lostEver += 1
    @unknown default: state.lost = 0
    }
  }
}

extension Logger {
  /// Hands on what a child writes, to its end.
  func follow(_ child: ChildProcess) {
    Task { for await line in child.output { hear(line) } }
  }

  /// A line that a child wrote, and what is missing of it and before it.
  private func hear(_ line: OutputLine) {
    var gaps: Metadata = [:]
    if line.isCut { gaps["cut"] = "yes" }
    if line.lostBefore > 0 { gaps["lines_lost"] = "\(line.lostBefore)" }
    info("\(line.text)", metadata: gaps)
  }
}
