import Glibc
import Pool
import Synchronization

/// The proxy's own log on standard error: one line a second at most, since agents can cause them at will.
final class Journal: Sendable {
  private struct State {
    var next = Instant(nanoseconds: .min)
    var suppressed = 0
  }
  private let state = Mutex(State())

  /// The longest line; what an agent wrote may be in it.
  static let maxLineBytes = 500

  func say(_ text: String, at now: Instant) {
    let suppressed: Int? = state.withLock { state in
      guard state.next <= now else {
        state.suppressed += 1
        return nil
      }
      state.next = now + .seconds(1)
      defer { state.suppressed = 0 }
      return state.suppressed
    }
    guard let suppressed else { return }
    let more = suppressed > 0 ? " (and \(suppressed) more problems)" : ""
    let plain = String(text.unicodeScalars.prefix(Self.maxLineBytes).map { $0.value < 0x20 ? " " : Character($0) })
    let line = Array("proxy: \(plain)\(more)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
