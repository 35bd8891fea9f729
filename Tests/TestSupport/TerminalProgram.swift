import Foundation

/// A program at a terminal of its own: what it shows, what it is typed, and how it leaves the terminal behind.
public final class TerminalProgram: Sendable {
  /// How it is with the process.
  public enum Life: Sendable, Hashable { case running, stopped, ended(ExitStatus) }

  public let pid: pid_t
  private let master: CInt
  /// Held open, so that the terminal outlives the program.
  private let slave: CInt
  private let shown = Monitor([UInt8]())
  private let life = Monitor(Life.running)
  /// False: nobody takes what it writes.
  private let isRead = Monitor(true)

  /// Before the program was started.
  public let modesBefore: [UInt32]

  public init(
    _ program: String, _ arguments: [String], columns: Int = 120, rows: Int = 30,
    environment: [String: String] = [:]
  ) throws {
    // As posix_openpt, unlockpt and ptsname, which Foundation's module leaves out, do it: TIOCSPTLCK and TIOCGPTN.
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var (isLocked, number): (CInt, CInt) = (0, 0)
    guard master >= 0, ioctl(master, 0x4004_5431, &isLocked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
      throw SystemFailure("/dev/ptmx")
    }
    let path = "/dev/pts/\(number)"
    slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard slave >= 0 else { throw SystemFailure("open \(path)") }
    Self.setSize(master, columns, rows)
    modesBefore = Self.modes(of: slave)
    let environment = ["TERM": "xterm", "NO_COLOR": "1"].merging(environment) { $1 }
    // In a session of its own, whose terminal is the first one that its leader opens.
    pid = try spawning.withLock { _ in
      try spawn(program, arguments, environment, flags: Self.setSession) { actions in
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
      }
    }
    read()
    watch()
  }

  deinit {
    close(slave)
    close(master)
  }

  // MARK: What it shows

  /// All it ever wrote.
  public var output: String { String(decoding: shown.read { $0 }, as: UTF8.self) }

  /// The lines of the last picture that was drawn from the top left corner to its end.
  public var picture: [String] { Self.picture(of: output) }

  /// Waits for a picture.
  @discardableResult
  public func shows(
    _ waitedFor: String, within time: Duration = .patience, where isSo: @escaping @Sendable ([String]) -> Bool
  ) async throws -> [String] {
    do {
      return try await shown.first(waitedFor, before: .after(time)) { bytes in
        let picture = Self.picture(of: String(decoding: bytes, as: UTF8.self))
        return isSo(picture) ? picture : nil
      }
    } catch {
      throw HarnessFailure("\(error); it shows:\n\(picture.joined(separator: "\n"))")
    }
  }

  public func shows(_ text: String, within time: Duration = .patience) async throws {
    try await shows("a picture with \(text)", within: time) { $0.contains { $0.contains(text) } }
  }

  private static func picture(of text: String) -> [String] {
    let home = "\u{1B}[H"
    let end = "\u{1B}[J"
    let whole = text.components(separatedBy: home).dropFirst().last { $0.contains(end) }
    guard let frame = whole?.components(separatedBy: end).first else { return [] }
    return frame.components(separatedBy: "\r\n").map { $0.replacingOccurrences(of: "\u{1B}[K", with: "") }
  }

  /// Waits until it is on the alternate screen with the cursor hidden, or has left both.
  public func isOnItsOwnScreen(_ wanted: Bool, within time: Duration = .patience) async throws {
    let what = wanted ? "its own screen" : "the terminal's usual screen"
    _ = try await shown.first(what, before: .after(time)) { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      let isOnIt = Self.isLast("\u{1B}[?1049h", over: "\u{1B}[?1049l", in: text)
      let isHidden = Self.isLast("\u{1B}[?25l", over: "\u{1B}[?25h", in: text)
      return isOnIt == wanted && isHidden == wanted ? true : nil
    }
  }

  private static func isLast(_ one: String, over other: String, in text: String) -> Bool {
    guard let place = text.range(of: one, options: .backwards) else { return false }
    return text.range(of: other, options: .backwards).map { $0.lowerBound < place.lowerBound } ?? true
  }

  /// The terminal's modes and control characters, to be compared.
  public var modes: [UInt32] { Self.modes(of: slave) }

  private static func modes(of terminal: CInt) -> [UInt32] {
    var modes = termios()
    tcgetattr(terminal, &modes)
    let characters = withUnsafeBytes(of: modes.c_cc) { $0.map(UInt32.init) }
    return [modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag] + characters
  }

  // MARK: What is done to it

  public func type(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(master, bytes, bytes.count)
  }

  /// Tells the program too, as a terminal's window does.
  public func resize(columns: Int, rows: Int) { Self.setSize(master, columns, rows) }

  /// From now on nobody takes what it writes.
  public func stopReading() { isRead.update { $0 = false } }

  public func send(_ signal: CInt) { life.read { if case .ended = $0 {} else { kill(pid, signal) } } }

  public func becomes(_ wanted: Life, within time: Duration = .patience) async throws {
    _ = try await life.first("process \(pid) to be \(wanted)", before: .after(time)) { $0 == wanted ? true : nil }
  }

  public func end(within time: Duration = .patience) async throws -> ExitStatus {
    try await life.first("process \(pid) to end", before: .after(time)) { life in
      if case .ended(let status) = life { status } else { nil }
    }
  }

  // MARK: Underneath

  private static func setSize(_ terminal: CInt, _ columns: Int, _ rows: Int) {
    var size = winsize(
      ws_row: UInt16(clamping: rows), ws_col: UInt16(clamping: columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
  }

  private func read() {
    let (master, shown, isRead) = (dup(master), shown, isRead)
    Thread.detachNewThread {
      var room = [UInt8](repeating: 0, count: 1 << 16)
      while isRead.read({ $0 }) {
        var wanted = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        // Wakes up to see whether it is still to read.
        guard poll(&wanted, 1, 50) >= 0 || errno == EINTR else { break }
        guard wanted.revents != 0 else { continue }
        let count = Foundation.read(master, &room, room.count)
        guard count > 0 else { break }
        shown.update { $0 += room[..<count] }
      }
      close(master)
    }
  }

  private func watch() {
    Thread.detachNewThread { [pid, life] in
      while true {
        var status: CInt = 0
        guard waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid else {
          if errno == EINTR { continue }
          return
        }
        if status & 0xff == 0x7f {
          life.update { $0 = .stopped }
        } else if status == 0xffff {
          life.update { $0 = .running }
        } else {
          return life.update { $0 = .ended(ExitStatus(waitStatus: status)) }
        }
      }
    }
  }

  /// POSIX_SPAWN_SETSID, which Foundation's module leaves out.
  private static let setSession: Int16 = 0x80
}
