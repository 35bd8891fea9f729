import Foundation
import Pool
import Testing

@testable import Logs

/// What a message looks like, as text, as JSON and to the journal.
@Suite struct RenderingTests {
  static func record(
    _ message: String, _ fields: [String: String] = [:], _ level: LogLevel = .info, _ origin: LogOrigin = .supervisor
  ) -> LogRecord {
    LogRecord(
      time: "2026-11-23T13:49:59.123Z", level: level, origin: origin, message: message,
      fields: fields.map { .init($0.key, $0.value) })
  }

  static let worker = ["pool": "masters", "slot": "0", "generation": "3", "pid": "123"]

  @Test(arguments: [
    (record("it runs", ["event": "supervisor"]), "2026-11-23T13:49:59.123Z info it runs event=supervisor\n"),
    (record("hello", worker), "2026-11-23T13:49:59.123Z info masters/0#3 pid 123: hello\n"),
    (
      record("hello", worker.merging(["cut": "yes"]) { $1 }, .warning),
      "2026-11-23T13:49:59.123Z warning masters/0#3 pid 123: hello cut=yes\n"
    ),
    (record("who?", ["proxy": "2", "pid": "9"]), "2026-11-23T13:49:59.123Z info proxy 2 pid 9: who?\n"),
    (
      record("warm", ["pool": "masters", "parent": "1", "pid": "9"]),
      "2026-11-23T13:49:59.123Z info pid 9: warm parent=1\n"
    ),
    (record("a\nb\u{1B}[2J\u{202E}c"), "2026-11-23T13:49:59.123Z info a\\nb\\u{1B}[2J\\u{202E}c\n"),
    (record("x", ["a\nb": "c\rd"]), "2026-11-23T13:49:59.123Z info x a\\nb=c\\u{D}d\n"),
  ])
  func textIsOneLineThatNothingInItCanEnd(record: LogRecord, line: String) {
    #expect(record.text(.time) == line)
  }

  @Test(arguments: [
    (LogLevel.trace, "<7>trace x\n"), (.debug, "<7>debug x\n"), (.info, "<6>info x\n"), (.notice, "<5>notice x\n"),
    (.warning, "<4>warning x\n"), (.error, "<3>error x\n"), (.critical, "<2>critical x\n"),
  ])
  func aServiceManagerIsToldTheLevelByItsPrefix(level: LogLevel, line: String) {
    #expect(Self.record("x", [:], level).text(.priority) == line)
    #expect(Self.record("x", [:], level).text(.none) == String(line.dropFirst(3)))
  }

  @Test(arguments: [
    (record("plain"), #""message":"plain"}"#),
    (record("a\"b\\c"), #""message":"a\"b\\c"}"#),
    (record("a\nb\tc\r\0\u{1B}"), #""message":"a\nb\tc\u000d\u0000\u001b"}"#),
    (record("\u{7F}\u{9B}\u{2028}\u{202E}"), #""message":"\u007f\u009b\u2028\u202e"}"#),
    (record("Grüße 🐈"), #""message":"Grüße 🐈"}"#),
    (record("x", worker), #""message":"x","generation":3,"pid":123,"pool":"masters","slot":0}"#),
    (record("x", ["pid": "007"]), #""message":"x","pid":"007"}"#),
    (record("x", ["pid": "99999999999999999999"]), #""message":"x","pid":"99999999999999999999"}"#),
    (record("x", ["pool": "7"]), #""message":"x","pool":"7"}"#),
    (record("x", ["time": "no", "label": "\""]), #""message":"x","field_label":"\"","field_time":"no"}"#),
  ])
  func jsonIsOneObjectALine(record: LogRecord, end: String) throws {
    let line = record.json
    #expect(
      line == #"{"time":"2026-11-23T13:49:59.123Z","level":"info","label":"supervisor","# + end + "\n", "\(line)")
    let read = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    #expect(read?["message"] as? String == record.message)
  }

  /// systemd's Native Journal Protocol.
  @Test func theJournalGetsFieldsAndLengthsOfWhatHasLines() {
    let plain = Self.record("it runs", ["pool": "masters", "by": "anna"], .warning, .worker)
    #expect(
      String(decoding: plain.journal, as: UTF8.self) == """
        MESSAGE=it runs
        PRIORITY=4
        SYSLOG_IDENTIFIER=masterpool
        MASTERPOOL_LABEL=worker
        MASTERPOOL_BY=anna
        MASTERPOOL_POOL=masters

        """)
    let spoken = Self.record("hello", Self.worker).journal
    #expect(String(decoding: spoken, as: UTF8.self).hasPrefix("MESSAGE=masters/0#3 pid 123: hello\nPRIORITY=6\n"))
    let long = Self.record(String(repeating: "a\n", count: 150)).journal
    let head = Array("MESSAGE\n".utf8) + [44, 1, 0, 0, 0, 0, 0, 0] + Array("a\na\n".utf8)
    #expect(Array(long.prefix(head.count)) == head)
    #expect(Array(long[(16 + 300)...]).starts(with: Array("\nPRIORITY=6\n".utf8)))
  }

  @Test(arguments: [
    ("pool", "MASTERPOOL_POOL"), ("requests_served", "MASTERPOOL_REQUESTS_SERVED"), ("a.b-c d", "MASTERPOOL_A_B_C_D"),
    ("_x", "MASTERPOOL__X"), ("é=\n", "MASTERPOOL____"), ("7", "MASTERPOOL_7"), ("", "MASTERPOOL_"),
    (String(repeating: "k", count: 80), "MASTERPOOL_" + String(repeating: "K", count: 50)),
  ])
  func fieldsAreNamedAsTheJournalTakesThem(key: String, name: String) {
    #expect(LogRecord.journalName(key) == name)
    #expect(name.utf8.count <= 64)
  }
}
