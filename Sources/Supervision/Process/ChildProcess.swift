import CLinux
import Dispatch
import Glibc
import Synchronization

/// A process of ours by its pidfd: never a stranger that was given its number later. Either we started it, or it was
/// adopted.
///
/// It leads a process group of its own. When it ends it stays a zombie until `killRemains`, because as long as it is
/// there the kernel gives its number to no other process and no other group, so that the rest of its group can be
/// signalled without hitting anybody else. One that was adopted and is no child of ours is reaped by others: see
/// `holdsItsNumber`.
final class ChildProcess: Sendable {
  let pid: Int32
  /// In clock ticks since the boot; with the pid it names one process for ever (proc(5), stat, field 22).
  let startTime: UInt64

  private let pidfd: Int32
  /// Nil: its output is nobody's to read.
  private let pump: OutputPump?
  private let life: Mutex<Life>

  enum Life {
    case running(waiting: [CheckedContinuation<ExitStatus, Never>])
    /// A zombie: its group can still be signalled.
    case ended(ExitStatus)
    case reaped(ExitStatus)
  }

  private static let queue = DispatchQueue(label: "masterpool.children")
  /// How long lines are still read from an output that survivors hold open.
  private static let lastWords = DispatchTimeInterval.seconds(1)

  init(pid: Int32, pidfd: Int32, startTime: UInt64, output: OutputPump?, life: Life = .running(waiting: [])) {
    self.pid = pid
    self.pidfd = pidfd
    self.startTime = startTime
    pump = output
    self.life = Mutex(life)
  }

  deinit {
    killRemains()
    if pidfd >= 0 { close(pidfd) }
  }

  /// Standard output and error by line, for one reader; ends after the process and its group.
  var output: AsyncStream<OutputLine> { pump?.lines ?? AsyncStream { $0.finish() } }

  /// By which another supervisor finds its output again.
  var outputPipe: UInt64 { pump?.pipe ?? 0 }

  /// Lines of `output` that its reader did not take in time.
  var lostLines: Int { pump?.lostLines ?? 0 }

  /// Waits for its end, however often and late it is asked; a cancelled task waits too.
  func exit() async -> ExitStatus {
    await withCheckedContinuation { continuation in
      let status = life.withLock { life -> ExitStatus? in
        switch life {
        case .running(let waiting):
          life = .running(waiting: waiting + [continuation])
          return nil
        case .ended(let status), .reaped(let status): return status
        }
      }
      if let status { continuation.resume(returning: status) }
    }
  }

  /// It is known to have.
  var hasEnded: Bool {
    life.withLock { life in
      switch life {
      case .running: false
      case .ended, .reaped: true
      }
    }
  }

  /// False: it has ended.
  @discardableResult
  func signal(_ signal: Int32) -> Bool { clinux_pidfd_signal(pidfd, signal) == 0 }

  /// Signals all that are in its process group, also after its own end; false once `killRemains` has reaped it.
  @discardableResult
  func signalGroup(_ signal: Int32) -> Bool {
    life.withLock { life in
      switch life {
      case .running, .ended: holdsItsNumber && kill(-pid, signal) == 0
      case .reaped: false
      }
    }
  }

  /// After its exit: kills what is left of its group, without exception since no member can fork past a SIGKILL to
  /// the group, and reaps it; members that are ours to reap and die a moment later are reaped then.
  func killRemains() {
    let isReaped = life.withLock { life -> Bool in
      switch life {
      case .running, .reaped: return false
      case .ended(let status):
        if holdsItsNumber { kill(-pid, SIGKILL) }
        life = .reaped(status)
        Self.forget(pid)
        return true
      }
    }
    guard isReaped else { return }
    Self.queue.asyncAfter(deadline: .now() + Self.lastWords) { [pump, pid] in
      pump?.end()
      Self.reapGroup(pid)
    }
  }

  /// The group under its number is still its own. A zombie of ours keeps it; where others reap, the kernel keeps the
  /// number for as long as the group has a member, so that another process under it tells that the group is gone.
  private var holdsItsNumber: Bool {
    if pidfd >= 0, clinux_pidfd_signal(pidfd, 0) == 0 || errno != ESRCH { return true }
    return ProcessTable.entry(of: pid) == nil
  }

  func watch() {
    // The handler keeps this object, and with it the pidfd, until the end.
    _ = ReadableWatch.shared.add(
      pidfd,
      onReadable: {
        var ended = clinux_exit()
        switch clinux_wait(self.pidfd, false, &ended) {
        case 0: return .again
        case 1: self.noteEnd(ExitStatus(ended))
        // Readable, so it has ended; and it is not ours to ask.
        default: self.noteEnd(.unknown)
        }
        return .done
      }, onEnd: { _ = self })
  }

  private func noteEnd(_ status: ExitStatus) {
    let waiting = life.withLock { life -> [CheckedContinuation<ExitStatus, Never>] in
      guard case .running(let waiting) = life else { return [] }
      life = .ended(status)
      return waiting
    }
    for continuation in waiting { continuation.resume(returning: status) }
  }
}

// MARK: Starting

extension ChildProcess {
  /// Returns when the program runs; every failure before that is thrown and leaves nothing behind.
  static func spawn(_ order: LaunchOrder) throws(SpawnFailure) -> ChildProcess {
    try order.checkTexts()
    let program = try order.program()
    var identity: UserIdentity?
    if let user = order.user { identity = try UserIdentity.named(user) }
    // Only root can switch, and to become oneself needs no right.
    if let uid = identity?.uid, uid == geteuid(), uid != 0 { identity = nil }

    var ends: [Int32] = [-1, -1]
    guard clinux_output_pipe(&ends) == 0 else { throw .failed(stage: "making its output's pipe", errno: errno) }
    defer { close(ends[1]) }

    var child = clinux_child()
    let isRunning = known.withLock { known in
      guard launch(order, program, identity, output: ends[1], &child) else { return false }
      known.insert(child.pid)
      return true
    }
    guard isRunning else {
      close(ends[0])
      throw .failed(stage: stageName(child.stage), errno: child.error)
    }
    let process = ChildProcess(
      pid: child.pid, pidfd: child.pidfd, startTime: ProcessTable.entry(of: child.pid)?.startTime ?? 0,
      output: OutputPump(reading: ends[0]))
    process.watch()
    return process
  }

  private static func launch(
    _ order: LaunchOrder, _ program: String, _ identity: UserIdentity?, output: Int32, _ child: inout clinux_child
  ) -> Bool {
    let arguments = CStrings(order.arguments)
    let environment = CStrings(order.environment.map { "\($0)=\($1)" })
    let inherited = order.inherited.map { clinux_inherited(descriptor: $0.descriptor, number: $0.number) }
    let groups = identity?.groups ?? []
    let entrance = order.groupEntrance.map { open($0, O_WRONLY | O_CLOEXEC) } ?? -1
    defer { if entrance >= 0 { close(entrance) } }
    return program.withCString { program in
      withOptionalCString(order.workingDirectory) { directory in
        inherited.withUnsafeBufferPointer { inherited in
          groups.withUnsafeBufferPointer { groups in
            var launch = clinux_launch(
              program: program, arguments: arguments.pointer, environment: environment.pointer,
              directory: directory, inherited: inherited.baseAddress, inherited_count: inherited.count,
              output: output, mask: order.fileModeMask, group_entrance: max(entrance, 0),
              switches_user: identity != nil, user: identity?.uid ?? 0,
              group: identity?.gid ?? 0, groups: groups.baseAddress, group_count: groups.count)
            return clinux_launch(&launch, &child) == 0
          }
        }
      }
    }
  }

  private static func stageName(_ stage: Int32) -> String {
    switch UInt32(stage) {
    case CLINUX_STAGE_PIPE.rawValue: "making a pipe"
    case CLINUX_STAGE_FORK.rawValue: "forking"
    case CLINUX_STAGE_WATCH.rawValue: "opening its pidfd"
    case CLINUX_STAGE_GROUP.rawValue: "making its process group"
    case CLINUX_STAGE_DESCRIPTORS.rawValue: "handing over descriptors"
    case CLINUX_STAGE_USER.rawValue: "switching to its user"
    case CLINUX_STAGE_DIRECTORY.rawValue: "entering its working directory"
    default: "executing its program"
    }
  }
}

/// A NULL-terminated array of C strings.
final class CStrings {
  private let strings: [UnsafeMutablePointer<CChar>?]
  let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  init(_ texts: [String]) {
    strings = texts.map { strdup($0) } + [nil]
    pointer = .allocate(capacity: strings.count)
    pointer.initialize(from: strings, count: strings.count)
  }

  deinit {
    for string in strings { free(string) }
    pointer.deallocate()
  }
}

private func withOptionalCString<Result>(
  _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
) -> Result {
  guard let text else { return body(nil) }
  return text.withCString { body($0) }
}
