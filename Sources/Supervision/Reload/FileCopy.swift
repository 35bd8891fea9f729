import CLinux
import Glibc

/// A file's content as it was read once, kept in memory and sealed, for a process that inherits the descriptor.
final class FileCopy: Sendable {
  let descriptor: Int32

  /// Nil: the kernel gives no such memory.
  init?() {
    descriptor = clinux_open_memory_file()
    guard descriptor >= 0 else { return nil }
  }

  deinit { close(descriptor) }

  func append(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Nobody changes it from here on.
  func seal() -> Bool { clinux_seal(descriptor) }
}
