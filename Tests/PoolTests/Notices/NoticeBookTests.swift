import Pool
import Testing

@Suite struct NoticeBookTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var policy = NoticeTable.plain
    var happenings: [(Double, Happening)]
    var until = 100.0
    var told: [String]
  }

  @Test(arguments: NoticeTable.grouping) func whatComesTogetherIsToldTogether(_ example: Case) {
    let lines = told(example.policy, example.happenings, until: example.until)
    #expect(lines == example.told)
  }

  @Test(arguments: NoticeTable.endings) func whatLastsIsToldAgainAndItsEndOnce(_ example: Case) {
    let lines = told(example.policy, example.happenings, until: example.until)
    #expect(lines == example.told)
  }

  @Test(arguments: NoticeTable.limits) func nobodyIsFlooded(_ example: Case) {
    let lines = told(example.policy, example.happenings, until: example.until)
    #expect(lines == example.told)
  }

  @Test(arguments: NoticeTable.choices) func eachIsToldOfWhatItWants(_ example: Case) {
    let lines = told(example.policy, example.happenings, until: example.until)
    #expect(lines == example.told)
  }

  @Test func aSuccessorTellsNothingTwiceAndMissesNoEnd() {
    var book = NoticeBook(policy: NoticeTable.plain)
    book.observe([notice(.history, "history")], at: second(0))
    let first = book.flush(at: second(10)).map(\.words)
    var successor = NoticeBook(policy: NoticeTable.plain)
    successor.recall(book.memory)
    successor.observe([notice(.history, "history")], at: second(20))
    let again = successor.flush(at: second(400)).map(\.words)
    successor.observe([], at: second(401))
    let last = successor.flush(at: second(411))
    #expect(first == ["ops: firing history history"])
    #expect(again == [])
    #expect(last.map(\.words) == ["ops: resolved history history"])
    #expect(last.map(\.number) == [2])
  }

  @Test func aNewReceiverIsToldOfWhatHoldsAndOthersAreNotToldAgain() {
    var book = NoticeBook(policy: policy([hook("ops")]))
    book.observe([notice(.history, "history")], at: second(0))
    _ = book.flush(at: second(10))
    book.change(to: policy([hook("ops"), hook("mail")]), at: second(20))
    book.observe([notice(.history, "history")], at: second(21))
    let lines = book.flush(at: second(30)).map(\.words)
    #expect(lines == ["mail: firing history history"])
  }

  @Test func theWordsAreTheLatest() {
    var book = NoticeBook(policy: NoticeTable.plain)
    let summaries = ["3 of 9", "4 of 9"].map { words in
      Notice(.nodesOverdue, subject: "nodes", summary: words)
    }
    for (second, notice) in summaries.enumerated() {
      book.observe([notice], at: Instant(nanoseconds: Int64(second)))
    }
    let message = book.flush(at: second(11)).first
    #expect(message?.alerts.map(\.notice.summary) == ["4 of 9"])
  }
}
