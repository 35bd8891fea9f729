import FoundationEssentials
import Glibc
import Pool

/// The edge's clocks: what the pure machines are told.
enum Clock {
  static func now() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// RFC 3339, UTC, with milliseconds.
  static func timestamp(_ date: Date = Date()) -> String {
    date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }

  static func sleep(until instant: Instant) async throws {
    try await Task.sleep(for: instant - now(), tolerance: .milliseconds(1))
  }
}

/// `errno` in words.
func reason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
