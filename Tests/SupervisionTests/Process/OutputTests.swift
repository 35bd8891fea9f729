import Glibc
import TestSupport
import Testing

@testable import Supervision

@Suite struct OutputTests {
  @Test(arguments: [
    ("a\nb\n", ["a", "b"]),
    ("a\r\n\nb", ["a", "", "b"]),
    ("1234567890\n", ["1234567890"]),
    ("1234567890\r\n", ["1234567890"]),
    ("12345678901\n", ["1234567890…"]),
    ("1234567890123456789012345678901234567890\nnext\n", ["1234567890…", "next"]),
    ("12345678é…\n", ["12345678é…"]),
    ("123456789é\n", ["123456789…"]),
    ("esc \u{1B}[2J\n", ["esc \\u{1B}[2J"]),
    ("tab\tbell\u{7}\n", ["tab\tbell\\u{7}"]),
    ("a\rb\u{85}\u{2028}\n", ["a\\u{D}b\\u{85}\\u{2028}"]),
    ("\u{202E}evil\n", ["\\u{202E}evil"]),
    ("\u{0}\u{7F}\n", ["\\u{0}\\u{7F}"]),
  ])
  func outputIsCutIntoSafeLines(_ text: String, _ expected: [String]) {
    let bytes = Array(text.utf8)
    for size in [1, 3, bytes.count] {
      var splitter = LineSplitter(limit: 10)
      var lines: [OutputLine] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        lines += splitter.take(bytes[start..<min(start + size, bytes.count)])
      }
      if let rest = splitter.end() { lines.append(rest) }
      let texts = lines.map { $0.text + ($0.isCut ? "…" : "") }
      #expect(texts == expected)
      #expect(splitter.end() == nil)
    }
  }

  @Test func invalidUTF8IsRepaired() {
    var splitter = LineSplitter()
    #expect(splitter.take([0x61, 0xFF, 0xC3, 0x0A]).map(\.text) == ["a\u{FFFD}\u{FFFD}"])
  }

  @Test func bothOutputsArriveInOrder() async throws {
    let child = try shell("echo 1; echo 2 >&2; echo 3; printf 4")
    #expect(await child.finish() == ["1", "2", "3", "4"])
  }

  @Test func aChildNeverWaitsForItsReader() async throws {
    let total = 20_000
    let child = try shell("i=0; while [ $i -lt \(total) ]; do i=$((i+1)); echo $i; done")
    // Nobody reads until it has ended.
    #expect(await child.exit() == .exited(0))
    child.killRemains()
    var number = 0
    var kept = 0
    for await line in child.output {
      kept += 1
      number += line.lostBefore + 1
      guard line.text == "\(number)" else {
        Issue.record("\(line.text) came for \(number)")
        break
      }
    }
    #expect(kept >= OutputPump.maxWaitingLines && kept < total)
    #expect(kept + child.lostLines == total)
  }

  @Test func whatWasLostIsToldWithTheNextLine() async throws {
    let line = try Lifeline()
    let child = try shell(
      "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; exec 3>&-; kill -STOP $$; echo last",
      inherited: [InheritedDescriptor(descriptor: line.writing, as: 3)])
    line.letGo()
    try await line.end()
    try await eventually("lines are lost") { child.lostLines >= 3000 - OutputPump.maxWaitingLines }
    var lines = child.output.makeAsyncIterator()
    for _ in 0..<OutputPump.maxWaitingLines { #expect(await lines.next()?.lostBefore == 0) }
    try await eventually("it ends") {
      child.signal(SIGCONT)
      return ProcessTable.entry(of: child.pid)?.isZombie != false
    }
    let last = await lines.next()
    #expect(last?.text == "last")
    #expect(last?.lostBefore == 3000 - OutputPump.maxWaitingLines)
    child.killRemains()
  }

  @Test func aFloodWithoutALineEndIsOneCutLine() async throws {
    let child = try shell("head -c 4000000 /dev/zero | tr '\\0' x")
    #expect(await child.exit() == .exited(0))
    child.killRemains()
    var lines: [OutputLine] = []
    for await line in child.output { lines.append(line) }
    #expect(lines.map(\.isCut) == [true])
    #expect(lines.first?.text.utf8.count == LineSplitter.defaultLimit)
  }
}
