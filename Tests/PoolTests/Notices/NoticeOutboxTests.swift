import Pool
import Seeded
import Testing

@Suite struct NoticeOutboxTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var receiver = hook("ops") { $0.maxAttempts = 4 }
    /// One for each attempt; the last for all that follow.
    var results: [NoticeOutbox.Result]
    /// Seconds at which it is tried; each may be a quarter later.
    var attempts: [Double]
    var outcome: [Int]
  }

  private static let busy = NoticeOutbox.Result.later("503", after: nil)

  /// Outcomes are delivered, failed, dropped.
  static let cases = [
    Case(testDescription: "taken at once", results: [.taken], attempts: [0], outcome: [1, 0, 0]),
    Case(testDescription: "taken later", results: [busy, busy, .taken], attempts: [0, 1, 3], outcome: [1, 0, 0]),
    Case(testDescription: "refused", results: [busy, .refused("404")], attempts: [0, 1], outcome: [0, 1, 0]),
    Case(testDescription: "never", results: [busy], attempts: [0, 1, 3, 7], outcome: [0, 1, 0]),
    Case(
      testDescription: "it says when", results: [.later("429", after: .seconds(60)), .taken], attempts: [0, 60],
      outcome: [1, 0, 0]),
    Case(
      testDescription: "but not for ever",
      receiver: hook("ops") { $0.maxRetryWait = .seconds(20) },
      results: [.later("429", after: .seconds(86400)), .taken], attempts: [0, 20], outcome: [1, 0, 0]),
    Case(
      testDescription: "until it is too old", receiver: hook("ops") { $0.maxAge = .seconds(5) }, results: [busy],
      attempts: [0, 1, 3], outcome: [0, 1, 0]),
  ]

  @Test(arguments: cases) func triesGrowRarerAndEnd(_ example: Case) {
    var outbox = NoticeOutbox()
    var random = SeededGenerator(seed: 1)
    outbox.add(Self.message(1), example.receiver, at: second(0))
    var attempts: [Double] = []
    var now = second(0)
    while let due = outbox.due, attempts.count < 20 {
      now = max(now, due)
      guard outbox.next(at: now) != nil else { break }
      let result = example.results[min(attempts.count, example.results.count - 1)]
      attempts.append((now - second(0)).inSeconds)
      outbox.ended(result, example.receiver, at: now, using: &random)
    }
    let isInTime = zip(attempts, example.attempts).allSatisfy { ($1...$1 * 1.25).contains($0) }
    let count = attempts.count
    let tally = outbox.tally
    #expect(isInTime, "\(attempts)")
    #expect(count == example.attempts.count)
    #expect([tally.delivered, tally.failed, tally.dropped] == example.outcome)
    #expect(outbox.waiting == 0)
  }

  @Test func waitsAreJitteredUpwardByAQuarterAtMost() {
    var random = SeededGenerator(seed: 7)
    let ops = hook("ops")
    let waits = (0..<200).map { _ in
      var outbox = NoticeOutbox()
      outbox.add(Self.message(1), ops, at: second(0))
      _ = outbox.next(at: second(0))
      outbox.ended(Self.busy, ops, at: second(0), using: &random)
      return outbox.due.map { ($0 - second(0)).inSeconds } ?? 0
    }
    let outside = waits.filter { !(1.0...1.25).contains($0) }
    let distinct = Set(waits).count
    #expect(outside == [])
    #expect(distinct > 100)
  }

  @Test func oneAtATimeAndInOrder() {
    var outbox = NoticeOutbox()
    var random = SeededGenerator(seed: 1)
    let ops = hook("ops")
    for number in 1...3 { outbox.add(Self.message(number), ops, at: second(0)) }
    let first = outbox.next(at: second(0))?.number
    let meanwhile = outbox.next(at: second(0))
    outbox.ended(Self.busy, ops, at: second(0), using: &random)
    let tooSoon = outbox.next(at: second(0.5))
    let again = outbox.next(at: second(2))?.number
    outbox.ended(.taken, ops, at: second(2), using: &random)
    let second = outbox.next(at: second(2))?.number
    #expect([first, again, second] == [1, 1, 2])
    #expect(meanwhile == nil)
    #expect(tooSoon == nil)
  }

  @Test func theOldestMakesRoomButNotTheOneOnItsWay() {
    var outbox = NoticeOutbox()
    let ops = hook("ops") { $0.queue = 2 }
    outbox.add(Self.message(1), ops, at: second(0))
    _ = outbox.next(at: second(0))
    let displaced = (2...4).map { outbox.add(Self.message($0), ops, at: second(0)) }
    #expect(displaced == [0, 1, 1])
    #expect(outbox.messages.map(\.number) == [1, 4])
    #expect(outbox.tally.dropped == 2)
  }

  private static func message(_ number: Int) -> NoticeMessage {
    NoticeMessage(number: number, receiver: "ops", at: second(0), alerts: [])
  }
}
