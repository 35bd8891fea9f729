import Glibc
import Pool

/// Where lines go. It is opened when there is one to write, and never waited for.
struct LogSink {
  enum Outcome {
    /// So many bytes are out.
    case wrote(Int)
    /// The line that these bytes are will never be taken.
    case refused(Int)
    /// Nothing for now; the descriptor will be writable.
    case full
    case failed(String)
  }

  private enum Kind {
    /// Takes whatever it has space for.
    case file
    /// A pipe or a terminal, which others may write to: pieces that the kernel keeps whole.
    case shared
    case stream
    case datagrams
  }

  private let destination: AccessLogConfiguration.Destination
  /// The descriptor that stands for standard output.
  private let output: Int32
  private(set) var descriptor: Int32 = -1
  private var kind = Kind.file
  private var stamp = SyslogStamp()

  init(_ destination: AccessLogConfiguration.Destination, output: Int32) {
    self.destination = destination
    self.output = output
  }

  var name: String {
    switch destination {
    case .file(let path): path
    case .standardOutput: "standard output"
    case .syslog(let socket, _): "syslog at \(socket)"
    }
  }

  var isFile: Bool {
    switch destination {
    case .file: true
    case .standardOutput, .syslog: false
    }
  }

  mutating func close() {
    if descriptor >= 0, descriptor != output { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// Whole lines, apart from a first one that was begun before.
  mutating func write(_ bytes: UnsafeBufferPointer<UInt8>) -> Outcome {
    if descriptor < 0, let problem = open() { return .failed(problem) }
    let outcome =
      switch kind {
      case .file: put(bytes)
      case .shared: put(UnsafeBufferPointer(rebasing: bytes.prefix(wholePiece(bytes))))
      case .stream: stream(bytes)
      case .datagrams: datagram(bytes)
      }
    // A new one may fare better: a daemon that was started anew, a disk that is mounted again.
    if case .failed = outcome { close() }
    return outcome
  }

  private mutating func open() -> String? {
    switch destination {
    case .file(let path):
      descriptor = Glibc.open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0o640)
    case .standardOutput: openOutput()
    case .syslog(let socket, _):
      let (connected, transfer) = Socket.connectDatagrams(to: socket)
      descriptor = connected
      kind = .datagrams
      if case .failed(let code) = transfer { return Socket.explain(code) }
      return nil
    }
    guard descriptor >= 0 else { return Socket.explain(errno) }
    kind = Self.kind(of: descriptor)
    return nil
  }

  /// A way of its own to the same place: what is set on ours is not set on the supervisor's.
  private mutating func openOutput() {
    let flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
    descriptor = Glibc.open("/proc/self/fd/\(output)", flags)
    // A socket, or another user's terminal, cannot be opened anew.
    if descriptor < 0 { descriptor = output }
  }

  private static func kind(of descriptor: Int32) -> Kind {
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { return .shared }
    switch facts.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFSOCK: return .stream
    default: return .shared
    }
  }

  /// `PIPE_BUF`: no more stays in one piece.
  private static let pieceSize = 4096

  private func wholePiece(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let lines = wholeLines(UnsafeBufferPointer(rebasing: bytes.prefix(Self.pieceSize)))
    return lines > 0 ? lines : min(bytes.count, Self.pieceSize)
  }

  private func put(_ bytes: UnsafeBufferPointer<UInt8>) -> Outcome {
    // A descriptor that may block is only written to when it has room for a piece.
    if descriptor == output, !hasRoom { return .full }
    while true {
      let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      if count >= 0 { return .wrote(count) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .full
      default: return .failed(Socket.explain(errno))
      }
    }
  }

  private var hasRoom: Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return poll(&wanted, 1, 0) > 0
  }

  private func stream(_ bytes: UnsafeBufferPointer<UInt8>) -> Outcome {
    while true {
      let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      if count >= 0 { return .wrote(count) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .full
      default: return .failed(Socket.explain(errno))
      }
    }
  }

  /// One line, without its end.
  private mutating func datagram(_ bytes: UnsafeBufferPointer<UInt8>) -> Outcome {
    guard case .syslog(_, let facility) = destination else { return .failed("it is no syslog") }
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    let line = UnsafeBufferPointer(rebasing: bytes[..<end])
    let size = min(end + 1, bytes.count)
    let descriptor = descriptor
    let transfer = stamp.header(facility).withUnsafeBufferPointer { Socket.send(descriptor, $0, line) }
    switch transfer {
    case .moved: return .wrote(size)
    case .later: return .full
    case .ended: return .failed("it is closed")
    case .failed(EMSGSIZE): return .refused(size)
    case .failed(ENOBUFS): return .full
    case .failed(let code): return .failed(Socket.explain(code))
    }
  }
}

/// What stands before a line in a datagram, as the C library's own syslog writes it (RFC 3164): every local daemon
/// reads that, while many take RFC 5424 on this socket for plain text.
struct SyslogStamp {
  private var second = 0
  private var text: [UInt8] = []
  private static let informational = 6

  mutating func header(_ facility: SyslogFacility) -> [UInt8] {
    let now = time(nil)
    if now != second || text.isEmpty {
      second = now
      text = Self.render(facility, now)
    }
    return text
  }

  private static func render(_ facility: SyslogFacility, _ now: time_t) -> [UInt8] {
    var now = now
    var local = tm()
    localtime_r(&now, &local)
    var buffer = [CChar](repeating: 0, count: 32)
    let count = strftime(&buffer, buffer.count, "%b %e %H:%M:%S", &local)
    let stamp = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return Array("<\(facility.code << 3 | informational)>\(stamp) masterpool[\(getpid())]: ".utf8)
  }
}
