import Pool
import Testing

@testable import Proxying

@Suite struct PaceTests {
  private let second: Int64 = 1_000_000_000

  private func pace(body: Int? = nil, sent: Int? = nil) -> Pace {
    var limits = ProxyLimits()
    limits.bodyGrace = .seconds(20)
    limits.minBodyRate = body.map { ByteCount(bytes: $0) }
    limits.minSendRate = sent.map { ByteCount(bytes: $0) }
    return Pace(limits)
  }

  @Test func eachByteBuysTheNextItsTime() {
    let pace = pace(body: 500)
    let begun = pace.bodyDue(from: 7 * second)
    #expect(begun == 27 * second)
    #expect(pace.bodyDue(begun, after: 500) == 28 * second)
    let byteByByte = (0..<500).reduce(begun) { due, _ in pace.bodyDue(due, after: 1) }
    #expect(byteByByte == 28 * second)
  }

  @Test func noRateIsAnyRate() {
    #expect(pace().bodyDue(from: 7) == .max)
    #expect(pace().bodyDue(.max, after: 1000) == .max)
    #expect(pace().sendDue(1000, from: 7) == nil)
  }

  @Test func answersHaveTheirTimeBySize() {
    #expect(pace(sent: 1000).sendDue(5000, from: second) == 26 * second)
  }

  /// A rate beyond a byte a nanosecond is none less than that; nothing overflows.
  @Test(arguments: [1, 1 << 30, .max]) func bearsAnySize(_ rate: Int) {
    let pace = pace(body: rate, sent: rate)
    var due = pace.bodyDue(from: second)
    for _ in 0..<100 {
      let next = pace.bodyDue(due, after: .max)
      #expect(next >= due && next < .max)
      due = next
    }
    let sent = pace.sendDue(.max, from: second) ?? 0
    #expect(sent > second)
  }
}
