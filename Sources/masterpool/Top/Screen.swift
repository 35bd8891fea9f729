import Dispatch
import Foundation
import Glibc

/// A terminal in raw mode on its alternate screen, until `leave`.
final class Screen {
  enum Input: Sendable {
    case bytes([UInt8])
    case resized, continued, suspend
    /// The terminal is gone, or a signal says to end.
    case end(exitStatus: Int32)
  }

  let inputs: AsyncStream<Input>
  private let mailbox: AsyncStream<Input>.Continuation
  private let before: termios
  /// A way of its own to the terminal: what is set on it is not set on the shell's.
  private let output: Int32
  /// It takes nothing more.
  private var isFull = false
  private var reading: (any DispatchSourceRead)?
  private var signals: Signals?

  /// - Returns: nil where standard input or output is no terminal.
  init?() {
    var settings = termios()
    guard isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
    before = settings
    let own = ttyname(STDOUT_FILENO).map { open($0, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) } ?? -1
    output = own >= 0 ? own : STDOUT_FILENO
    (inputs, mailbox) = AsyncStream.makeStream(of: Input.self, bufferingPolicy: .bufferingNewest(256))
  }

  var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  func enter() {
    if signals == nil { listen() }
    show()
  }

  /// Also after somebody else had the terminal.
  func show() {
    var raw = before
    cfmakeraw(&raw)
    // A terminal that takes nothing more is not waited for.
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    put("\u{1B}[?1049h\u{1B}[?25l")
  }

  func leave() {
    isFull = false
    put("\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l")
    var settings = before
    tcsetattr(STDIN_FILENO, TCSANOW, &settings)
  }

  /// Stops as the shell's job control has it; shows again when it is continued.
  func suspend() {
    leave()
    // To this thread, which then stops here: one for the process may first reach another, while this one shows again.
    raise(SIGSTOP)
    show()
  }

  func draw(_ lines: [String]) {
    put("\u{1B}[H" + lines.map { "\($0)\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
  }

  /// For a terminal that takes nothing for the moment; milliseconds. The rest of the picture is dropped then.
  private static let patience: Int32 = 500

  private func put(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: guard takesMore() else { return }
      default:
        mailbox.yield(.end(exitStatus: 1))
        return
      }
    }
  }

  private func takesMore() -> Bool {
    var wanted = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
    // One that was waited for in vain is not waited for with every picture.
    isFull = poll(&wanted, 1, isFull ? 0 : Self.patience) <= 0
    return !isFull
  }

  private func listen() {
    let mailbox = mailbox
    let reading = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: .global())
    reading.setEventHandler {
      var bytes = [UInt8](repeating: 0, count: 256)
      let count = read(STDIN_FILENO, &bytes, bytes.count)
      if count < 0, errno == EINTR || errno == EAGAIN { return }
      guard count > 0 else {
        mailbox.yield(.end(exitStatus: 1))
        return mailbox.finish()
      }
      mailbox.yield(.bytes(Array(bytes.prefix(count))))
    }
    reading.activate()
    self.reading = reading
    signals = Signals([
      SIGWINCH: { mailbox.yield(.resized) }, SIGCONT: { mailbox.yield(.continued) },
      SIGTSTP: { mailbox.yield(.suspend) }, SIGTERM: { mailbox.yield(.end(exitStatus: 128 + SIGTERM)) },
      SIGINT: { mailbox.yield(.end(exitStatus: 128 + SIGINT)) },
      SIGHUP: { mailbox.yield(.end(exitStatus: 128 + SIGHUP)) },
    ])
  }
}
