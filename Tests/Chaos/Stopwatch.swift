/// Time since the driver's start: what clients, faults and events are put in order by.
enum Stopwatch {
  private static let start = ContinuousClock.now

  static var now: Duration { at(.now) }

  static func at(_ moment: ContinuousClock.Instant) -> Duration { moment - start }
}

extension ContinuousClock.Instant {
  fileprivate static func - (end: Self, start: Self) -> Duration { start.duration(to: end) }
}

extension Duration {
  /// `12.345 s`
  var inWords: String {
    let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    let rest = String(milliseconds % 1000)
    return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest) s"
  }

  var inMicroseconds: UInt32 {
    UInt32(clamping: components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000)
  }
}
