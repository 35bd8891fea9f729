/// How long things took, in constant memory: eight buckets to each doubling, old times forgotten by and by.
///
/// A quantile that it tells is off by at most `relativeError`, for times from a millisecond to 39 hours.
struct DurationHistogram: Sendable {
  static let relativeError = 0.0625
  private static let subBits = 3
  /// 2^20 ns, about a millisecond: all below is one bucket.
  private static let firstBit = 20
  private static let bits = 27
  private static let buckets = 217

  private var counts = InlineArray<217, UInt16>(repeating: 0)
  private(set) var total = 0

  /// Once there are `window` of them all weigh half as much.
  mutating func add(_ nanoseconds: Int64, window: Int) {
    let bucket = Self.bucket(of: nanoseconds)
    counts[bucket] &+= 1
    total &+= 1
    if total >= min(window, Int(UInt16.max)) { halve() }
  }

  /// Nil where nothing was added. `share` of all took no longer.
  func quantile(_ share: Double) -> Int64? {
    guard total > 0 else { return nil }
    // From the top, where what is asked for is near.
    var longer = total - Int((Double(total) * min(max(share, 0), 1)).rounded(.up))
    for bucket in (0..<Self.buckets).reversed() {
      let count = Int(counts[bucket])
      if longer < count { return Self.middle(of: bucket) }
      longer -= count
    }
    return Self.middle(of: 0)
  }

  /// Odd ones out are paired with the next longer, so that half of all is left and the few long times are not lost.
  private mutating func halve() {
    var odd: UInt16 = 0
    total = 0
    for bucket in 0..<Self.buckets where counts[bucket] > 0 {
      let count = counts[bucket] &+ odd
      odd = count & 1
      counts[bucket] = count >> 1
      total += Int(count >> 1)
    }
  }

  private static func bucket(of nanoseconds: Int64) -> Int {
    let value = UInt64(max(1, nanoseconds))
    let bit = 63 - value.leadingZeroBitCount
    guard bit >= firstBit else { return 0 }
    let sub = Int(truncatingIfNeeded: value >> UInt64(bit - subBits)) & (1 << subBits - 1)
    return min(1 + (bit - firstBit) << subBits + sub, buckets - 1)
  }

  private static func middle(of bucket: Int) -> Int64 {
    guard bucket > 0 else { return 1 << (firstBit - 1) }
    let bit = firstBit + (bucket - 1) >> subBits
    let sub = Int64((bucket - 1) & (1 << subBits - 1))
    let step = Int64(1) << (bit - subBits)
    return Int64(1) << bit + sub * step + step / 2
  }
}
