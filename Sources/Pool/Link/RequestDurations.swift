/// How long a pool's requests took, by class of route and by stage: counts in fixed buckets, fit to be summed over
/// loops, proxies and generations.
public struct RequestDurations: Hashable, Sendable, Codable {
  public enum Stage: Int, Hashable, Sendable, CaseIterable {
    /// From its whole head to the answer's last byte.
    case whole
    /// In line for a worker, over all tries; of those that asked for one, whether they got it or not.
    case queue
    /// With workers, over all tries; of those that got one.
    case worker
  }

  /// Upper bounds of the buckets, in milliseconds; one more bucket has all that is longer. What a master does takes
  /// from milliseconds (a file's metadata) to minutes (a large catalog).
  public static let bounds = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  ]
  /// The buckets, and then the sum of all times, in nanoseconds.
  private static let stride = 21
  public static let slots = RoutePriority.allCases.count * Stage.allCases.count * stride

  /// Empty: none.
  private var counts: [Int] = []

  public init() {}

  /// - Parameter counts: `slots` of them, as `note` has them.
  public init(counts: [Int]) { self.counts = counts.count == Self.slots ? counts : [] }

  /// Which two slots grow for a request, the first by one and the second by its nanoseconds.
  public static func places(
    _ priority: RoutePriority, _ stage: Stage, nanoseconds: Int64
  ) -> (bucket: Int, sum: Int) {
    let first = start(priority, stage)
    return (first + bucket(of: nanoseconds), first + stride - 1)
  }

  /// Not cumulative, the last one for all beyond the last bound; nil: nothing was ever counted.
  public func histogram(_ priority: RoutePriority, _ stage: Stage) -> (buckets: [Int], nanoseconds: Int)? {
    guard !counts.isEmpty else { return nil }
    let first = Self.start(priority, stage)
    return (Array(counts[first..<first + Self.stride - 1]), counts[first + Self.stride - 1])
  }

  public static func + (a: RequestDurations, b: RequestDurations) -> RequestDurations {
    if a.counts.isEmpty { return b }
    if b.counts.isEmpty { return a }
    return RequestDurations(counts: zip(a.counts, b.counts).map { $0 &+ $1 })
  }

  private static func start(_ priority: RoutePriority, _ stage: Stage) -> Int {
    let route =
      switch priority {
      case .report: 0
      case .file: 1
      case .catalog: 2
      case .normal: 3
      }
    return (route * Stage.allCases.count + stage.rawValue) * stride
  }

  /// Spelled out, since it is asked for each request: no memory is read.
  private static func bucket(of nanoseconds: Int64) -> Int {
    switch nanoseconds {
    case ...1_000_000: 0
    case ...2_000_000: 1
    case ...5_000_000: 2
    case ...10_000_000: 3
    case ...20_000_000: 4
    case ...50_000_000: 5
    case ...100_000_000: 6
    case ...200_000_000: 7
    case ...500_000_000: 8
    case ...1_000_000_000: 9
    case ...2_000_000_000: 10
    case ...5_000_000_000: 11
    case ...10_000_000_000: 12
    case ...20_000_000_000: 13
    case ...30_000_000_000: 14
    case ...60_000_000_000: 15
    case ...120_000_000_000: 16
    case ...300_000_000_000: 17
    case ...600_000_000_000: 18
    default: 19
    }
  }

  public init(from decoder: any Decoder) throws {
    self.init(counts: try decoder.singleValueContainer().decode([Int].self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(counts)
  }
}

/// A proxy of an earlier version does not tell it: then there is nothing.
extension KeyedDecodingContainer {
  func decode(_ type: RequestDurations.Type, forKey key: Key) throws -> RequestDurations {
    try decodeIfPresent(type, forKey: key) ?? RequestDurations()
  }
}
