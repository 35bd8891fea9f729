import Foundation
import Synchronization

/// How a process ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32)

  init(waitStatus status: Int32) {
    self = status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
  }

  public var description: String {
    switch self {
    case .exited(let code): "exit \(code)"
    case .signalled(let signal): "signal \(signal)"
    }
  }
}

/// A process that a test started. Its output is kept.
public final class Child: Sendable {
  public let pid: pid_t
  private let output = Monitor((text: "", open: 2))
  private let errors = Monitor("")
  private let status = Monitor<ExitStatus?>(nil)

  /// `program` is a path. The environment is the caller's with these added.
  public init(_ program: String, _ arguments: [String] = [], environment: [String: String] = [:]) throws {
    let started = try spawning.withLock { _ in try start(program, arguments, environment) }
    pid = started.pid
    let (outRead, errRead) = (started.output, started.errors)
    collect(outRead) { text in self.output.update { $0.text += text } }
    collect(errRead) { text in self.errors.update { $0 += text } }
    Thread.detachNewThread { [pid] in
      var status: CInt = 0
      while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
      self.status.update { $0 = ExitStatus(waitStatus: status) }
    }
  }

  public var standardOutput: String { output.read { $0.text } }
  public var standardError: String { errors.read { $0 } }
  public var ended: ExitStatus? { status.read { $0 } }

  public func send(_ signal: CInt) {
    // Between its end and waitpid the pid is still its own, so this never hits another process.
    status.read { if $0 == nil { kill(pid, signal) } }
  }

  /// Waits for its end and for the end of its output, unless something that it left behind holds that open.
  public func end(within time: Duration = .seconds(60)) async throws -> ExitStatus {
    let status = try await status.first("process \(pid) to end", before: .after(time)) { $0 }
    _ = try? await output.first("the end of its output", before: .after(.seconds(1))) { $0.open == 0 ? true : nil }
    return status
  }

  /// Waits until its standard output or error holds this text.
  public func says(_ text: String, within time: Duration = .seconds(60)) async throws {
    _ = try await errors.first("process \(pid) to say \(text)", before: .after(time)) { errors in
      errors.contains(text) ? true : nil
    }
  }

  private func collect(_ descriptor: CInt, _ add: @escaping @Sendable (String) -> Void) {
    Thread.detachNewThread {
      withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { room in
        while true {
          let count = read(descriptor, room.baseAddress, room.count)
          if count < 0 && errno == EINTR { continue }
          guard count > 0 else { break }
          add(String(decoding: room[..<count], as: UTF8.self))
        }
      }
      close(descriptor)
      self.output.update { $0.open -= 1 }
    }
  }
}

/// What a command that ended by itself left.
public struct CommandResult: Sendable {
  public var status: ExitStatus
  public var output: String
  public var errors: String
}

/// Runs a program to its end.
public func run(
  _ program: String, _ arguments: [String], environment: [String: String] = [:], within time: Duration = .seconds(60)
) async throws -> CommandResult {
  let child = try Child(program, arguments, environment: environment)
  do {
    let status = try await child.end(within: time)
    return CommandResult(status: status, output: child.standardOutput, errors: child.standardError)
  } catch {
    child.send(SIGKILL)
    throw error
  }
}

// One at a time: a pipe's ends must be marked close-on-exec before another child is made.
private let spawning = Mutex(())

private func start(
  _ program: String, _ arguments: [String], _ environment: [String: String]
) throws -> (pid: pid_t, output: CInt, errors: CInt) {
  let (outRead, outWrite) = try makePipe()
  let (errRead, errWrite) = try makePipe()
  defer {
    close(outWrite)
    close(errWrite)
  }
  do {
    return (try spawn(program, arguments, environment, output: outWrite, errors: errWrite), outRead, errRead)
  } catch {
    close(outRead)
    close(errRead)
    throw error
  }
}

private func makePipe() throws -> (read: CInt, write: CInt) {
  var ends: [CInt] = [0, 0]
  guard pipe(&ends) == 0 else { throw SystemFailure("pipe") }
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  return (ends[0], ends[1])
}

private func spawn(
  _ program: String, _ arguments: [String], _ environment: [String: String], output: CInt, errors: CInt
) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_adddup2(&actions, output, 1)
  posix_spawn_file_actions_adddup2(&actions, errors, 2)
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var none = sigset_t()
  sigemptyset(&none)
  var all = sigset_t()
  sigfillset(&all)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setsigdefault(&attributes, &all)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
  let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
  var settings: [UnsafeMutablePointer<CChar>?] = merged.map { strdup("\($0.key)=\($0.value)") }
  defer { (words + settings).forEach { free($0) } }
  words.append(nil)
  settings.append(nil)
  var pid: pid_t = 0
  let result = posix_spawn(&pid, program, &actions, &attributes, words, settings)
  guard result == 0 else { throw SystemFailure("spawn \(program)", result) }
  return pid
}
