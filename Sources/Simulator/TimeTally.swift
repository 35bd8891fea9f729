import Pool

/// How long things took, counted in constant memory: sixteen buckets to each doubling, none of them ever forgotten.
///
/// A quantile that it tells is off by at most `relativeError`; what took less than a tenth of a millisecond took no
/// time.
public struct TimeTally: Hashable, Sendable {
  public static let relativeError = 1.0 / 32
  private static let subBits = 4
  /// 2^16 ns, 66 microseconds.
  private static let firstBit = 16
  private static let buckets = 1 + (62 - firstBit) << subBits

  private var counts = [Int](repeating: 0, count: buckets)
  public private(set) var count = 0
  public private(set) var sumSeconds = 0.0
  private var most: Int64 = 0

  public init() {}

  @inline(__always) mutating func add(_ nanoseconds: Int64) {
    counts[Self.bucket(of: nanoseconds)] += 1
    count += 1
    sumSeconds += Double(nanoseconds) * 1e-9
    if nanoseconds > most { most = nanoseconds }
  }

  mutating func merge(_ other: TimeTally) {
    for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
    count += other.count
    sumSeconds += other.sumSeconds
    most = max(most, other.most)
  }

  public var maxSeconds: Double { Double(most) / 1e9 }
  public var meanSeconds: Double { count > 0 ? sumSeconds / Double(count) : 0 }

  /// `share` of all took no longer; 0 where nothing was counted.
  public func quantileSeconds(_ share: Double) -> Double {
    guard count > 0 else { return 0 }
    var left = Int((Double(count) * min(max(share, 0), 1)).rounded(.up))
    for bucket in counts.indices {
      left -= counts[bucket]
      if left <= 0 { return min(Self.middle(of: bucket), maxSeconds) }
    }
    return maxSeconds
  }

  /// Of all, those that took any time.
  public var shareAboveZero: Double { count > 0 ? 1 - Double(counts[0]) / Double(count) : 0 }

  @inline(__always) private static func bucket(of nanoseconds: Int64) -> Int {
    guard nanoseconds >= 1 << firstBit else { return 0 }
    let bit = 63 - nanoseconds.leadingZeroBitCount
    let sub = Int(truncatingIfNeeded: nanoseconds >> Int64(bit - subBits)) & (1 << subBits - 1)
    return min(1 + (bit - firstBit) << subBits + sub, buckets - 1)
  }

  private static func middle(of bucket: Int) -> Double {
    guard bucket > 0 else { return 0 }
    let bit = firstBit + (bucket - 1) >> subBits
    let sub = Double((bucket - 1) & (1 << subBits - 1))
    let base = Double(sign: .plus, exponent: bit, significand: 1)
    return base * (1 + (sub + 0.5) / Double(1 << subBits)) / 1e9
  }
}
