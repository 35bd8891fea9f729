import Pool
import Testing

@testable import Simulator

@Suite struct WordsTests {
  @Test(arguments: [
    ("1.2s±0.5", Spread.about(.milliseconds(1200), deviation: .milliseconds(500))),
    ("1.2s+-0.5", .about(.milliseconds(1200), deviation: .milliseconds(500))),
    ("1.2s±300ms", .about(.milliseconds(1200), deviation: .milliseconds(300))),
    ("40ms±20", .about(.milliseconds(40), deviation: .milliseconds(20))),
    ("2s±40%", .about(.seconds(2), deviation: .milliseconds(800))),
    ("1m30s", .always(.seconds(90))), ("0", .always(.zero)), ("~1.5s", .memoryless(mean: .milliseconds(1500))),
  ])
  func spreads(text: String, expected: Spread) {
    #expect(Spread(words: text) == expected)
    #expect(Spread(words: expected.description) == expected)
  }

  @Test(arguments: [
    "", "1.2", "s", "±0.5", "1.2s±", "1.2s±x", "1s±2s±3s", "-1s", "1.2.3s", "1e3s", "1s1m", "1s1s", "~", "~x",
    "9999999d",
    "1s±99999999999999999999", "١s", "1s ±2",
  ])
  func whatIsNoSpread(text: String) { #expect(Spread(words: text) == nil) }

  @Test(arguments: [
    ("2MiB/request", Leak(perRequest: 2 * 0x1p20)), ("20MiB/hour", Leak(perHour: 20 * 0x1p20)),
    ("24GiB/day", Leak(perHour: 0x1p30)), ("1.5KiB/r+1MiB/h", Leak(perRequest: 1536, perHour: 0x1p20)),
    ("none", Leak()), ("0", Leak()),
  ])
  func leaks(text: String, expected: Leak) { #expect(Leak(words: text) == expected) }

  @Test(arguments: [
    "2MiB", "2/request", "MiB/request", "2MiB/minute", "2MiB/request+", "-1MiB/hour", "9999999TiB/hour",
  ])
  func whatIsNoLeak(text: String) { #expect(Leak(words: text) == nil) }

  @Test func rates() {
    #expect(Rate(words: "0.1%/request")?.perRequest == 0.001)
    #expect(Rate(words: "48/day")?.perHour == 2)
    #expect(Rate(words: "168/week+1/hour")?.perHour == 2)
    #expect(Rate(words: "none")?.isZero == true)
    for text in ["2", "200%/request", "1/year", "x/day"] { #expect(Rate(words: text) == nil, "\(text)") }
  }

  @Test func sizes() {
    #expect(ByteCount(words: "600MiB") == .mebibytes(600))
    #expect(ByteCount(words: "1.5KiB") == ByteCount(bytes: 1536))
    for text in ["600", "600MB", "", "MiB"] { #expect(ByteCount(words: text) == nil, "\(text)") }
  }

  @Test(arguments: [
    (0.0, 2, "0"), (1.0, 2, "1"), (1.25, 1, "1.3"), (0.004, 2, "0"), (-0.5, 1, "-0.5"), (12.05, 2, "12.05"),
    (.infinity, 1, "?"),
  ])
  func plainNumbers(number: Double, places: Int, text: String) { #expect(number.plain(places) == text) }
}

@Suite struct SpreadTests {
  @Test(arguments: [
    (Spread.about(.milliseconds(1200), deviation: .milliseconds(500)), 0.5),
    (.memoryless(mean: .seconds(2)), 2), (.always(.seconds(3)), 0), (.about(.seconds(1), deviation: .zero), 0),
  ])
  func drawsHaveTheSpreadsMeanAndDeviation(spread: Spread, deviation: Double) {
    let dealer = Dealer(spread)
    var chance = SeededGenerator(seed: 1)
    let draws = (0..<50_000).map { _ in Double(dealer.draw(&chance)) / 1e9 }
    let mean = draws.reduce(0, +) / Double(draws.count)
    let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(draws.count)
    #expect(abs(mean - spread.mean.inSeconds) < 0.02 * spread.mean.inSeconds)
    #expect(abs(variance.squareRoot() - deviation) <= 0.03 * deviation)
    #expect(draws.min() ?? -1 >= 0)
  }

  @Test func aTallysQuantilesAreWithinItsError() {
    var tally = TimeTally()
    var chance = SeededGenerator(seed: 2)
    let dealer = Dealer(.memoryless(mean: .milliseconds(700)))
    let times = (0..<20_000).map { _ in dealer.draw(&chance) }
    for time in times { tally.add(time) }
    let sorted = times.sorted()
    for share in [0.5, 0.9, 0.99, 1] {
      let exact = Double(sorted[Int((Double(sorted.count) * share).rounded(.up)) - 1]) / 1e9
      let told = tally.quantileSeconds(share)
      #expect(abs(told - exact) <= exact * TimeTally.relativeError, "\(share): \(told) \(exact)")
    }
    let mean = Double(times.reduce(0, +)) / 1e9 / Double(times.count)
    #expect(abs(tally.meanSeconds - mean) < 1e-6)
  }

  @Test func curvesAreThoseOfTheBook() {
    for (share, quantile) in [(0.5, 0.0), (0.975, 1.959_963_985), (0.001, -3.090_232_306), (0.9999, 3.719_016_485)] {
      #expect(abs(Curves.normalQuantile(share) - quantile) < 1e-6)
    }
    for x in [1e-9, 0.1, 1, 2.718_281_828_459_045, 12345.678] {
      #expect(abs(Curves.exp(Curves.log(x)) - x) < 1e-12 * max(1, x))
    }
    #expect(abs(Curves.log(2.718_281_828_459_045) - 1) < 1e-14)
  }
}
