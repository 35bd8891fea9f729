import CLinux
import Glibc

/// Why a process cannot be taken on.
enum AdoptionFailure: Error, Hashable, CustomStringConvertible {
  /// There is none under this number any more.
  case gone(pid: Int32)
  /// The number was given to another process.
  case stranger(pid: Int32)
  case failed(pid: Int32, errno: Int32)

  var description: String {
    switch self {
    case .gone(let pid): "process \(pid) has ended"
    case .stranger(let pid): "process \(pid) is another one by now"
    case .failed(let pid, let errno): "process \(pid) cannot be watched: \(reason(errno))"
    }
  }
}

extension ChildProcess {
  /// Takes on a process that we did not exec: forked by a parent of ours, or started by an earlier supervisor. It must
  /// lead a process group.
  ///
  /// How it ended is known where it is our child by then, as orphaned descendants of a subreaper become; else its end
  /// is noticed all the same, by its pidfd, and its status is `unknown`. What is left of its group is killed either way.
  ///
  /// - Parameters:
  ///   - startTime: in clock ticks since the boot: with the pid it names one process for ever.
  ///   - output: the reading end of the pipe that is its standard output and error, which does not block; the new
  ///     object's own from now on, and closed where this throws. Nil: its output is nobody's to read.
  static func adopt(pid: Int32, startTime: UInt64, output: Int32? = nil) throws(AdoptionFailure) -> ChildProcess {
    do throws(AdoptionFailure) {
      let pidfd = try open(pid, startedAt: startTime)
      let process = ChildProcess(
        pid: pid, pidfd: pidfd, startTime: startTime, output: output.map { OutputPump(reading: $0) })
      process.watch()
      return process
    } catch {
      if let output { close(output) }
      throw error
    }
  }

  /// One that ended while nobody looked: its exit is `unknown`, and what is left of its group can still be killed.
  static func departed(pid: Int32, startTime: UInt64) -> ChildProcess {
    ChildProcess(pid: pid, pidfd: -1, startTime: startTime, output: nil, life: .ended(.unknown))
  }

  /// Reopens the pipe that is its output; nil: it is not there any more, or may not be opened.
  static func reopenOutput(of pid: Int32, pipe: UInt64) -> Int32? {
    let descriptor = clinux_reopen_output(pid, ino_t(pipe))
    return descriptor >= 0 ? descriptor : nil
  }

  /// First the pidfd and then the look: what the pidfd stands for cannot change in between.
  private static func open(_ pid: Int32, startedAt startTime: UInt64) throws(AdoptionFailure) -> Int32 {
    // A pid of 0 or less would be a group, or everybody.
    guard pid > 0 else { throw .gone(pid: pid) }
    let pidfd = clinux_pidfd_open(pid)
    guard pidfd >= 0 else { throw errno == ESRCH ? .gone(pid: pid) : .failed(pid: pid, errno: errno) }
    let failure = known.withLock { known -> AdoptionFailure? in
      guard let entry = ProcessTable.entry(of: pid) else { return .gone(pid: pid) }
      guard entry.startTime == startTime else { return .stranger(pid: pid) }
      // Only a descendant can ever be ours to reap; the number of another may be a child's of ours after its end.
      if isDescendant(entry) { known.insert(pid) }
      return nil
    }
    guard let failure else { return pidfd }
    close(pidfd)
    throw failure
  }

  /// A child, or one that becomes ours when those between us end.
  private static func isDescendant(_ entry: ProcessTable.Entry) -> Bool {
    let own = getpid()
    var parent = entry.parent
    for _ in 0..<maxDepth {
      if parent == own { return true }
      guard parent > 1, let next = ProcessTable.entry(of: parent) else { return false }
      parent = next.parent
    }
    return false
  }

  /// Of processes between us and one that we adopt.
  private static let maxDepth = 16
}
