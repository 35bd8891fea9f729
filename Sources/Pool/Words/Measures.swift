/// A number of bytes, never negative.
public struct ByteCount: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  public let bytes: Int

  public init(bytes: Int) { self.bytes = max(0, bytes) }

  public static func mebibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 20) }
  public static func kibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 10) }
  public static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }

  /// Saturates instead of trapping: they are measured.
  public static func + (a: ByteCount, b: ByteCount) -> ByteCount {
    let (sum, overflow) = a.bytes.addingReportingOverflow(b.bytes)
    return ByteCount(bytes: overflow ? .max : sum)
  }

  /// Never below zero.
  public static func - (a: ByteCount, b: ByteCount) -> ByteCount { ByteCount(bytes: a.bytes - b.bytes) }

  /// Rounded down.
  public func percent(_ percent: Int) -> ByteCount {
    let part = bytes / 100 * max(0, percent) + bytes % 100 * max(0, percent) / 100
    return ByteCount(bytes: part)
  }

  public init(from decoder: any Decoder) throws {
    self.init(bytes: try decoder.singleValueContainer().decode(Int.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(bytes)
  }

  /// `600MiB`, `1.5GiB`, `12KiB`, `17B`: at most one decimal.
  public var description: String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where bytes >= 1 << shift {
      let tenths = ((bytes >> (shift - 10)) * 10) >> 10
      return tenths % 10 == 0 ? "\(tenths / 10)\(unit)" : "\(tenths / 10).\(tenths % 10)\(unit)"
    }
    return "\(bytes)B"
  }
}

/// A point on the machine's monotonic clock (CLOCK_MONOTONIC), the same for all its processes until a reboot.
public struct Instant: Hashable, Comparable, Sendable, Codable, BitwiseCopyable {
  public let nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Saturates instead of trapping: durations come from settings.
  public static func + (a: Instant, b: Duration) -> Instant {
    let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.wholeNanoseconds)
    return Instant(nanoseconds: overflow ? (b < .zero ? .min : .max) : sum)
  }

  public static func - (a: Instant, b: Instant) -> Duration {
    let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
    return .nanoseconds(overflow ? (a < b ? Int64.min : .max) : difference)
  }

  public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
}

extension Duration {
  /// Saturating at about 292 years.
  public var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflowed ? (seconds < 0 ? .min : .max) : sum
  }

  public var inSeconds: Double { Double(wholeNanoseconds) / 1e9 }

  /// This times a factor, rounded to nanoseconds, never below zero.
  public func scaled(by factor: Double) -> Duration {
    let nanoseconds = (Double(wholeNanoseconds) * factor).rounded()
    return .nanoseconds(nanoseconds >= 9.2e18 ? Int64.max : max(0, Int64(nanoseconds)))
  }

  /// As an operator writes it: `15m`, `1h30m`, `2.5s`, `40ms`.
  public var short: String {
    let total = max(0, wholeNanoseconds)
    if total < 1_000_000_000 { return "\(total / 1_000_000)ms" }
    let seconds = total / 1_000_000_000
    if seconds < 60 {
      let tenths = total / 100_000_000 % 10
      return tenths == 0 ? "\(seconds)s" : "\(seconds).\(tenths)s"
    }
    let parts = [(seconds / 86400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")]
    return parts.filter { $0.0 > 0 }.prefix(2).map { "\($0.0)\($0.1)" }.joined()
  }
}
