import Pool
import Testing

@testable import Logs

/// However long a message is, a line has its limit.
@Suite struct BoundTests {
  static let pieces = ["", "x", "\n", "\u{1}", "\u{202E}", "🐈", "\"\\", "e\u{301}\u{301}\u{301}"]

  @Test(arguments: pieces, [1024, 1500, 16384])
  func noRenderingIsLonger(piece: String, limit: Int) {
    let text = String(repeating: piece, count: 5000)
    for fields in [0, 1, 3, 40] {
      let names = ["pid", "pool", "slot", "generation"] + (0..<40).map { "\(text.prefix(70))\($0)" }
      let all = names.prefix(fields).map { LogRecord.Field($0, text) }
      let record = LogRecord(
        time: "2026-11-23T13:49:59.123Z", level: .critical, origin: .supervisor, message: text, fields: all)
      let short = record.bounded(by: limit)
      let lengths = [short.text(.time).utf8.count, short.json.utf8.count, short.journal.count]
      #expect(lengths.max() ?? 0 <= limit, "\(fields) fields: \(lengths)")
      let isBeginning = text.unicodeScalars.starts(with: short.message.unicodeScalars)
      #expect(isBeginning)
    }
  }

  @Test func whatFitsIsLeftAloneAndWhatIsCutSaysSo() {
    let fits = RenderingTests.record("hello", RenderingTests.worker)
    #expect(fits.bounded(by: 1024) == fits)
    let long = RenderingTests.record(String(repeating: "x", count: 5000), RenderingTests.worker).bounded(by: 2048)
    #expect(long["cut"] == "yes" && long["pool"] == "masters" && long.message.count > 1000)
    let wide = RenderingTests.record("hello", ["why": String(repeating: "x", count: 5000)]).bounded(by: 2048)
    #expect(wide["cut"] == "yes" && wide.message == "hello" && (wide["why"]?.count ?? 0) > 500)
  }

  @Test(arguments: [
    (LogOrigin.supervisor, LogLevel.info), (.proxy, .debug), (.http, .critical), (.lifecycle, .warning),
    (.worker, .error),
  ])
  func eachOriginHasItsOwnLevelOrTheCommonOne(origin: LogOrigin, level: LogLevel) {
    let policy = LogPolicy(level: .info, levels: [.proxy: .debug, .worker: .error])
    #expect(policy.level(of: origin) == level)
    #expect(LogPolicy(level: .trace).level(of: .http) == .trace)
    #expect(LogPolicy(level: .trace, levels: [.http: .error]).level(of: .http) == .error)
  }
}
