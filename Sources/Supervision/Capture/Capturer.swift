import Dispatch
import Glibc
import Pool
import Synchronization

/// Looks at workers that are about to be stopped, on a queue of its own: a look at a process can take its time where
/// the machine is in trouble, and the supervisor waits no longer than its patience.
final class Capturer: Sendable {
  /// For a backtrace that a worker was asked for by signal.
  static let backtracePatience = Duration.seconds(1)
  /// For all of it.
  static let patience = Duration.seconds(2)
  private static let pause: UInt32 = 10_000
  private static let maxBacktraceBytes = 24 << 10

  private let queue = DispatchQueue(label: "masterpool.capture", attributes: .concurrent)

  /// Where and how a worker tells what it is doing.
  struct Source: Sendable {
    var child: ChildProcess
    var directory: String
    /// Nil: it is not asked.
    var backtrace: BacktraceSignal? = nil
  }

  func look(at group: Int32) async -> WorkerLook? {
    await within(Self.patience) { WorkerLook(group: group) } ?? nil
  }

  /// Its processes as they are; and its backtraces, for which it is interrupted, if it may be `asked`.
  func capture(_ source: Source, asking: Bool) async -> String {
    let text = await within(Self.patience) {
      let processes = Capture.processes(of: source.child.pid)
      guard asking, let signal = source.backtrace else { return processes }
      return Self.backtrace(source, signal) + processes
    }
    return Capture.bounded(text ?? "nothing could be seen of it within \(Self.patience.short)\n")
  }

  private static func backtrace(_ source: Source, _ signal: BacktraceSignal) -> String {
    let path = "\(source.directory)/\(BacktraceSignal.fileName)"
    unlink(path)
    guard source.child.signal(signal.number) else { return "no backtrace: it has ended\n" }
    let end = Clock.now() + backtracePatience
    while Clock.now() < end {
      // Put in place whole, by renaming.
      if let text = plainFile(path) { return text + "\n" }
      usleep(pause)
    }
    return
      "no backtrace within \(backtracePatience.short) of SIG\(signal.rawValue): it is stopped, or is in native code and holds "
      + "the interpreter's lock\n"
  }

  /// Its folder is the worker's: a link or a pipe that it put there is none of ours to read.
  private static func plainFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
      return nil
    }
    return withUnsafeTemporaryAllocation(byteCount: maxBacktraceBytes, alignment: 1) { room in
      let count = read(descriptor, room.baseAddress, room.count)
      return count > 0 ? String(decoding: room[..<count], as: UTF8.self) : nil
    }
  }

  /// Nil: it takes longer, and is waited for no more.
  private func within<Value: Sendable>(
    _ time: Duration, _ work: @escaping @Sendable () -> Value
  ) async -> Value? {
    await withCheckedContinuation { continuation in
      let answer = FirstAnswer(continuation)
      queue.async { answer.give(work()) }
      queue.asyncAfter(deadline: .now() + .nanoseconds(Int(time.wholeNanoseconds))) { answer.give(nil) }
    }
  }
}

/// Of several that answer the first is heard.
private final class FirstAnswer<Value: Sendable>: Sendable {
  private let waiting: Mutex<CheckedContinuation<Value?, Never>?>

  init(_ continuation: CheckedContinuation<Value?, Never>) { waiting = Mutex(continuation) }

  func give(_ value: Value?) {
    let continuation = waiting.withLock { waiting in
      defer { waiting = nil }
      return waiting
    }
    continuation?.resume(returning: value)
  }
}

extension BacktraceSignal {
  var number: Int32 {
    switch self {
    case .usr1: SIGUSR1
    case .usr2: SIGUSR2
    case .ttin: SIGTTIN
    case .quit: SIGQUIT
    }
  }
}
