import Testing

@testable import Pool

@Suite struct DurationHistogramTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var draw: @Sendable (inout Chance) -> Double
  }

  /// Milliseconds.
  static let shapes = [
    Shape(testDescription: "even") { .random(in: 1...5000, using: &$0) },
    Shape(testDescription: "a long tail") { 40 / max(1e-4, 1 - Double.random(in: 0..<1, using: &$0)) },
    Shape(testDescription: "two humps") { chance in
      .random(in: 0..<1, using: &chance) < 0.97
        ? .random(in: 5...9, using: &chance) : .random(in: 20_000...90_000, using: &chance)
    },
    Shape(testDescription: "always the same") { _ in 12_345 },
  ]

  @Test(arguments: shapes, [1, 2, 3] as [UInt64]) func quantilesAreAsExactAsPromised(_ shape: Shape, _ seed: UInt64) {
    var chance = Chance(seed: seed)
    var histogram = DurationHistogram()
    let times = (0..<3000).map { _ in Int64(shape.draw(&chance) * 1e6) }
    for time in times { histogram.add(time, window: 4096) }
    let sorted = times.sorted()
    for share in [0.5, 0.9, 0.99, 1] {
      let exact = Double(sorted[Int((Double(sorted.count) * share).rounded(.up)) - 1])
      let told = Double(histogram.quantile(share) ?? 0)
      #expect(abs(told - exact) <= exact * DurationHistogram.relativeError, "\(share): \(told), not \(exact)")
    }
    #expect(histogram.total == times.count)
  }

  @Test func whatIsLongAgoIsForgotten() throws {
    var histogram = DurationHistogram()
    for _ in 0..<5000 { histogram.add(60_000_000_000, window: 256) }
    #expect(histogram.total < 256)
    var added = 0
    while try #require(histogram.quantile(0.99)) > 2_000_000_000 {
      histogram.add(1_000_000_000, window: 256)
      added += 1
      #expect(added < 256 * 8)
    }
    #expect(added > 256, "it does not forget at once")
  }

  /// One in a hundred, spread so that no bucket has two of them: halving must not lose them.
  @Test func theFewLongOnesOutliveTheHalving() throws {
    var histogram = DurationHistogram()
    for index in 0..<20_000 {
      let time: Int64 = index % 50 == 0 ? 30_000_000_000 << Int64(index / 50 % 4) : 5_000_000
      histogram.add(time, window: 256)
    }
    #expect(try #require(histogram.quantile(0.99)) >= 30_000_000_000)
    #expect(try #require(histogram.quantile(0.5)) < 6_000_000)
  }

  @Test(arguments: [Int64.min, -1, 0, 1, 1 << 20, .max]) func anyNumberHasItsBucket(_ time: Int64) throws {
    var histogram = DurationHistogram()
    #expect(histogram.quantile(0.99) == nil)
    histogram.add(time, window: .max)
    let told = try #require(histogram.quantile(0.99))
    #expect(told > 0 && told < 200_000 * 1_000_000_000)
  }
}
