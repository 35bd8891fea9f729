import Glibc
import TestSupport

/// A pipe whose writing end a process and its descendants hold: it ends when the last of them is gone.
struct Lifeline {
  let reading: Int32
  let writing: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemFailure("pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reading, writing) = (ends[0], ends[1])
  }

  /// After this only the children hold it; one that reads finds its end.
  func letGo() { close(writing) }

  var isHeld: Bool {
    var poll = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, 0) == 0
  }

  func end() async throws {
    try await onThread { [reading] in
      var byte: UInt8 = 0
      while read(reading, &byte, 1) > 0 {}
      close(reading)
    }
  }
}
