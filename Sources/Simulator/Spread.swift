import Pool

/// How long something takes, and how much that varies.
public enum Spread: Hashable, Sendable {
  case always(Duration)
  /// Never below zero, with a long tail, as compile times are: log-normal with this mean and standard deviation.
  case about(Duration, deviation: Duration)
  /// As if each moment were as likely as any other to be the last: exponential.
  case memoryless(mean: Duration)
  /// As it was seen: the shortest, the longest and those between, evenly spaced by how many are shorter.
  case measured([Duration])

  public var mean: Duration {
    switch self {
    case .always(let time): time
    case .about(let mean, _): mean
    case .memoryless(let mean): mean
    case .measured(let quantiles): Self.mean(of: quantiles)
    }
  }

  /// So many quantiles tell the tail too.
  private static let measuredQuantiles = 128

  /// As these are, in whatever order; nil of none.
  public init?(of times: [Duration]) {
    let sorted = times.sorted()
    guard let least = sorted.first, let most = sorted.last else { return nil }
    guard least < most else {
      self = .always(least)
      return
    }
    self = .measured(
      (0...Self.measuredQuantiles).map { part in
        let place = Double(sorted.count - 1) * Double(part) / Double(Self.measuredQuantiles)
        let below = min(Int(place), sorted.count - 2)
        return sorted[below] + (sorted[below + 1] - sorted[below]).scaled(by: place - Double(below))
      })
  }

  /// Between two neighbours each time is as likely as any other.
  private static func mean(of quantiles: [Duration]) -> Duration {
    guard quantiles.count > 1, let first = quantiles.first, let last = quantiles.last else {
      return quantiles.first ?? .zero
    }
    let sum = quantiles.reduce(0.0) { $0 + $1.inSeconds } - (first.inSeconds + last.inSeconds) / 2
    return .seconds(sum / Double(quantiles.count - 1))
  }

  /// The standard deviation.
  public var deviation: Duration {
    switch self {
    case .always: .zero
    case .about(_, let deviation): deviation
    case .memoryless(let mean): mean
    case .measured(let quantiles): Self.deviation(of: quantiles)
    }
  }

  private static func deviation(of quantiles: [Duration]) -> Duration {
    guard quantiles.count > 1 else { return .zero }
    let mean = mean(of: quantiles).inSeconds
    let squares = zip(quantiles, quantiles.dropFirst()).reduce(0.0) { sum, pair in
      let (low, high) = (pair.0.inSeconds - mean, pair.1.inSeconds - mean)
      return sum + (low * low + low * high + high * high) / 3
    }
    return .seconds((squares / Double(quantiles.count - 1)).squareRoot())
  }
}

/// Draws from a spread in one step: a table of its quantiles, all equally likely, whose mean is the spread's own.
struct Dealer: Sendable {
  private static let bits = 12
  private let times: [Int64]

  init(_ spread: Spread) {
    let mean = Double(max(0, spread.mean.wholeNanoseconds))
    switch spread {
    case .about(_, let deviation) where mean > 0 && deviation > .zero:
      let ratio = Double(deviation.wholeNanoseconds) / mean
      let sigma = Curves.log(1 + ratio * ratio).squareRoot()
      times = Self.table(mean: mean) { Curves.exp(sigma * Curves.normalQuantile($0)) }
    case .memoryless where mean > 0: times = Self.table(mean: mean) { -Curves.log(1 - $0) }
    case .measured(let quantiles) where mean > 0 && quantiles.count > 1:
      times = Self.table(mean: mean) { share in
        let place = share * Double(quantiles.count - 1)
        let below = min(Int(place), quantiles.count - 2)
        let (low, high) = (quantiles[below].inSeconds, quantiles[below + 1].inSeconds)
        return low + (place - Double(below)) * (high - low)
      }
    case .always, .about, .memoryless, .measured: times = [Int64(mean)]
    }
  }

  /// The quantiles' shape, made to have that mean.
  private static func table(mean: Double, _ quantile: (Double) -> Double) -> [Int64] {
    let count = 1 << bits
    let shape = (0..<count).map { quantile((Double($0) + 0.5) / Double(count)) }
    let sum = shape.reduce(0, +)
    let factor = sum > 0 ? mean * Double(count) / sum : 0
    return shape.map { Int64(min(max(0, $0 * factor), Double(Int64.max / 4))) }
  }

  /// In nanoseconds.
  @inline(__always) func draw(_ chance: inout SeededGenerator) -> Int64 {
    times.count == 1 ? times[0] : times[Int(truncatingIfNeeded: chance.next() >> UInt64(64 - Self.bits))]
  }
}
