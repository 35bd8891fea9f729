import Pool

/// How fast an agent must send a body and take an answer. All in nanoseconds; a rate as what one byte is given.
struct Pace: BitwiseCopyable {
  let grace: Int64
  /// 0: any rate will do.
  private let perBodyByte: Int64
  private let perSentByte: Int64

  init(_ limits: ProxyLimits) {
    grace = Loop.timeout(limits.bodyGrace)
    perBodyByte = Self.perByte(limits.minBodyRate)
    perSentByte = Self.perByte(limits.minSendRate)
  }

  private static func perByte(_ rate: ByteCount?) -> Int64 {
    guard let rate, rate.bytes > 0 else { return 0 }
    return Int64(max(1, 1_000_000_000 / rate.bytes))
  }

  /// When the first bytes of a body that begins now, or begins to be read again, are due.
  @inline(__always) func bodyDue(from now: Int64) -> Int64 { perBodyByte == 0 ? .max : now &+ grace }

  /// Each byte buys the next one its time, so that the rate counts on the average: trickling does not help.
  @inline(__always) func bodyDue(_ due: Int64, after bytes: Int) -> Int64 {
    due == .max ? due : Self.later(due, Self.time(for: bytes, perBodyByte))
  }

  /// When so many bytes must be with the agent; nil: whenever.
  func sendDue(_ bytes: Int, from now: Int64) -> Int64? {
    perSentByte == 0 ? nil : Self.later(now &+ grace, Self.time(for: bytes, perSentByte))
  }

  private static func time(for bytes: Int, _ perByte: Int64) -> Int64 {
    let (time, overflow) = Int64(bytes).multipliedReportingOverflow(by: perByte)
    return overflow ? Loop.longestTimeout : min(time, Loop.longestTimeout)
  }

  /// Centuries ahead at most, so that sums do not overflow.
  private static func later(_ due: Int64, _ time: Int64) -> Int64 { min(due &+ time, .max / 2) }
}
