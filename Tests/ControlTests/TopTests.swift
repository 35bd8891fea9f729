import Foundation
import Pool
import Testing

@testable import Control

@Suite struct TopTests {
  private let start = Date(timeIntervalSince1970: 1_795_428_240)

  private func model() -> TopModel {
    var model = TopModel()
    model.take(.sample, at: start)
    return model
  }

  private func text(_ model: TopModel, width: Int = 120, height: Int = 20) -> String {
    TopView.frame(model, width: width, height: height, now: start.addingTimeInterval(60), palette: .plain)
      .joined(separator: "\n")
  }

  @Test func keysMoveAskAndAct() {
    var model = model()
    #expect(model.press(.letter("d")) == .perform(.drain(SlotID(pool: .masters, index: 0))))
    #expect(model.press(.letter("j")) == nil)
    #expect(model.press(.down) == nil)
    #expect(model.press(.enter) == .showEvents(SlotID(pool: .masters, index: 1)))
    #expect(model.press(.letter("R")) == nil)
    #expect(text(model).hasSuffix("recycle masters/1? y/n" + String(repeating: " ", count: 98)))
    #expect(model.press(.letter("n")) == nil)
    #expect(model.press(.letter("R")) == nil)
    let recycle = ControlCommand.restart(targets: [.slot(SlotID(pool: .masters, index: 1))], reason: .manual)
    #expect(model.press(.letter("y")) == .perform(recycle))
    #expect(model.press(.letter("q")) == .quit)
  }

  @Test func ratesComeFromDifferences() {
    var model = model()
    var later = StatusDocument.sample
    later.proxy?.requestsTotal += 20
    later.pools[0].workers[1].requestsTotal += 5
    model.take(later, at: start.addingTimeInterval(2))
    #expect(text(model).contains("10.0 requests/s"))
    #expect(model.rows[1].perSecond == 2.5)
    later.pid = 7
    later.proxy?.requestsTotal = 1000
    model.take(later, at: start.addingTimeInterval(4))
    #expect(!text(model).contains("requests/s"))
  }

  @Test func sortingPutsTheMostAtTheTopAndReverses() {
    var model = model()
    while model.sort != .memory { _ = model.press(.letter("s")) }
    #expect(model.rows.map(\.worker.memoryBytes) == [90_000_000, 10_000_000, nil])
    _ = model.press(.letter("r"))
    #expect(model.rows.map(\.worker.memoryBytes) == [nil, 10_000_000, 90_000_000])
  }

  @Test func aLostSupervisorLeavesTheLastPictureAndSaysSinceWhen() {
    var model = model()
    model.lose("refused", at: start)
    model.lose("refused", at: start.addingTimeInterval(30))
    #expect(text(model).hasPrefix("! no supervisor for 1m, trying again: refused"))
    #expect(text(model).contains("masters/1"))
    model.take(.sample, at: start.addingTimeInterval(40))
    #expect(!text(model).contains("no supervisor"))
  }

  @Test(arguments: [(1, 1), (10, 3), (80, 24), (300, 60), (0, 0)])
  func aFrameFits(width: Int, height: Int) {
    let lines = TopView.frame(model(), width: width, height: height, now: start, palette: .plain)
    #expect(lines.count == height)
    let widths = Set(lines.map { ColumnWidth.of($0) })
    #expect(widths.isSubset(of: [width]))
  }

  @Test(arguments: [
    ("abcdef", 4, "abc…"), ("ab", 4, "ab  "), ("日本語", 5, "日本…"), ("日本語", 4, "日… "), ("e\u{301}x", 2, "e\u{301}x"),
  ])
  func textsAreCutByColumns(text: String, width: Int, fitted: String) {
    #expect(ColumnWidth.fit(text, width) == fitted)
  }

  @Test func strangeWordsMoveNoCursor() {
    var status = StatusDocument.sample
    status.pools[0].workers[0].state = "\u{1B}[2Jready"
    var model = TopModel()
    model.take(status, at: start)
    model.show(["\u{1B}]0;title\u{7}"], of: SlotID(pool: .masters, index: 0))
    #expect(!text(model).contains("\u{1B}"))
    #expect(!text(model).contains("\u{7}"))
  }

  @Test func barsAndSparklines() {
    #expect(TopView.bar(50, 100) == "████░░░░")
    #expect(TopView.bar(500, 100) == "████████")
    #expect(TopView.bar(nil, 100) == "")
    #expect(TopView.sparkline([0, 50, 100]) == "▁▄█")
    #expect(TopView.sparkline([5, 5]) == "▁▁")
    #expect(TopView.sparkline([]) == "")
  }

  @Test func keysOfATerminal() {
    let bytes: [UInt8] = Array("j\u{1B}[A\u{1B}OB\u{1B}[15~<\r".utf8) + [3, 0x1B]
    #expect(KeyReader.keys(in: bytes) == [.letter("j"), .up, .down, .letter("<"), .enter, .interrupt, .escape])
  }
}
