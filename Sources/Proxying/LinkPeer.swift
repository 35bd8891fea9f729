import FoundationEssentials
import Glibc
import Pool

/// The proxy's end of the link: whole lines in, whole lines out, never blocking.
final class LinkPeer {
  let descriptor: Int32
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private(set) var isOpen = true

  init(descriptor: Int32) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit { close(descriptor) }

  var wantsOutput: Bool { isOpen && !output.isEmpty }

  /// A supervisor that does not read loses counters first; news of workers waits for it.
  func send(_ report: ProxyReport) {
    guard isOpen else { return }
    if case .counters = report, output.count > 1 << 16 { return }
    guard output.count < Link.maxLineBytes, let line = try? JSONEncoder().encode(report) else { return hangUp() }
    output += line
    output.append(UInt8(ascii: "\n"))
    flush()
  }

  func flush() {
    while isOpen, !output.isEmpty {
      switch output.withUnsafeBufferPointer({ Socket.send(descriptor, $0) }) {
      case .moved(let count): output.removeFirst(count)
      case .later: return
      case .ended, .failed: hangUp()
      }
    }
  }

  /// Waits until what is written is sent, for a last word.
  func drain(milliseconds: Int32) {
    var patience = milliseconds
    flush()
    while wantsOutput, patience > 0 {
      var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&wanted, 1, min(patience, 50))
      patience -= 50
      flush()
    }
  }

  /// The commands that have come; none and `isOpen` false: the supervisor is gone.
  func receive() -> [ProxyCommand] {
    var commands: [ProxyCommand] = []
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 << 10) { room in
      while isOpen {
        switch Socket.receive(descriptor, into: room) {
        case .moved(let count):
          input += room[..<count]
          takeLines(into: &commands)
        case .later: return
        case .ended, .failed: hangUp()
        }
      }
    }
    return commands
  }

  private func takeLines(into commands: inout [ProxyCommand]) {
    while let end = input.firstIndex(of: UInt8(ascii: "\n")) {
      guard let command = try? JSONDecoder().decode(ProxyCommand.self, from: Data(input[..<end])) else {
        return hangUp()
      }
      commands.append(command)
      input.removeSubrange(...end)
    }
    if input.count > Link.maxLineBytes { hangUp() }
  }

  /// A supervisor that cannot be understood is as good as none: the pool stays as it was told last.
  private func hangUp() {
    isOpen = false
    shutdown(descriptor, Int32(SHUT_RDWR))
    input = []
    output = []
  }
}
