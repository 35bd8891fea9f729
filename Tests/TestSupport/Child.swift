import Foundation

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
  public func end(within time: Duration = .patience) async throws -> ExitStatus {
    let status = try await status.first("process \(pid) to end", before: .after(time)) { $0 }
    _ = try? await output.first("the end of its output", before: .after(.seconds(1))) { $0.open == 0 ? true : nil }
    return status
  }

  /// Waits until its standard output or error holds this text.
  public func says(_ text: String, within time: Duration = .patience) async throws {
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
  _ program: String, _ arguments: [String], environment: [String: String] = [:], within time: Duration = .patience
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
    let pid = try spawn(program, arguments, environment) { actions in
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_adddup2(&actions, outWrite, 1)
      posix_spawn_file_actions_adddup2(&actions, errWrite, 2)
    }
    return (pid, outRead, errRead)
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
