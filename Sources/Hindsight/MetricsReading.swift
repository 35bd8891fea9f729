import Pool

extension Past.ClassTimes {
  private static let family = "masterpool_worker_duration_seconds"

  /// How long workers took for each class of one pool's requests, as `/metrics` tells it. Empty where it does not.
  public static func read(metrics text: String, of pool: PoolName) -> [RoutePriority: Past.ClassTimes] {
    var tallies: [RoutePriority: Tally] = [:]
    for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(family) {
      guard let (suffix, labels, value) = parts(of: line.dropFirst(family.count)), labels["pool"] == pool.rawValue,
        let priority = labels["class"].flatMap(RoutePriority.init(rawValue:))
      else { continue }
      tallies[priority, default: Tally()].take(suffix, labels["le"].flatMap { Double($0) }, value)
    }
    return tallies.compactMapValues(\.times)
  }

  /// `_bucket{class="catalog",le="0.5",pool="masters"} 12`
  private static func parts(
    of line: Substring
  ) -> (suffix: Substring, labels: [String: String], value: Double)? {
    guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}"), open < close,
      let value = line[line.index(after: close)...].split(separator: " ").first.flatMap({ Double(String($0)) }),
      value.isFinite, value >= 0
    else { return nil }
    var labels: [String: String] = [:]
    for label in line[line.index(after: open)..<close].split(separator: ",") {
      let sides = label.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { return nil }
      labels[String(sides[0])] = sides[1].filter { $0 != "\"" }
    }
    return (line[..<open], labels, value)
  }

  private struct Tally {
    var count = 0.0
    var sum = 0.0
    /// Upper bound and how many took no longer.
    var buckets: [(bound: Double, below: Double)] = []

    mutating func take(_ suffix: Substring, _ bound: Double?, _ value: Double) {
      switch suffix {
      case "_count": count = value
      case "_sum": sum = value
      case "_bucket": if let bound, bound.isFinite { buckets.append((bound, value)) }
      default: break
      }
    }

    /// Within a bucket each time is as likely as any other.
    var times: Past.ClassTimes? {
      guard count >= 1, count < 1e15 else { return nil }
      let mean = sum / count
      var (low, below, squares) = (0.0, 0.0, 0.0)
      for bucket in buckets.sorted(by: { $0.bound < $1.bound }) {
        let here = max(0, bucket.below - below)
        squares += here * (low * low + low * bucket.bound + bucket.bound * bucket.bound) / 3
        (low, below) = (bucket.bound, max(below, bucket.below))
      }
      squares += max(0, count - below) * low * low
      return Past.ClassTimes(
        count: Int(count), meanSeconds: mean, deviationSeconds: max(0, squares / count - mean * mean).squareRoot())
    }
  }
}
