import Pool
import Testing

/// A report's own status is found wherever an agent puts it, and nothing else is taken for it.
@Suite struct ReportTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var report: String
    var status: RunStatus?

    init(_ name: String, _ report: String, _ status: RunStatus?) {
      testDescription = name
      self.report = report
      self.status = status
    }
  }

  static let cases = [
    Case(
      "Puppet 8", #"{"host":"web","time":"2026-11-29T06:00:00Z","status":"unchanged","noop":false,"logs":[]}"#,
      .unchanged),
    Case("blanks", "\n { \"host\" : \"web\",\n  \"status\" : \"changed\" }", .changed),
    Case("the last key", #"{"logs":[{"message":"x"}],"metrics":{"a":{"b":[[1,2]]}},"status":"failed"}"#, .failed),
    Case(
      "a resource's status before it",
      #"{"resource_statuses":{"File[/a]":{"status":"failed"}},"status":"changed"}"#, .changed),
    Case("only deeper ones", #"{"resource_statuses":{"File[/a]":{"status":"failed"}},"logs":[]}"#, nil),
    Case("in a text", #"{"logs":["\"status\":\"failed\"","status"],"status":"unchanged"}"#, .unchanged),
    Case("as a value", #"{"kind":"status","status":"unchanged"}"#, .unchanged),
    Case("ends within an escape", #"{"host":"web\"#, nil),
    Case("escaped quotes and backslashes", #"{"host":"a\\\"b\\","status":"failed"}"#, .failed),
    Case("no word of Puppet's", #"{"status":"pending"}"#, nil),
    Case("no text", #"{"status":3}"#, nil),
    Case("cut off", #"{"host":"web","stat"#, nil),
    Case("cut off behind it", #"{"host":"web","status":"changed","logs":[{"mess"#, .changed),
    Case("bytes of PSON", "{\"host\":\"\u{1}\u{fffd}\",\"status\":\"changed\"}", .changed),
    Case("a list", #"["status","changed"]"#, nil),
    Case("more brackets closed than opened", #"{}},"status":"changed"}"#, nil),
    Case("empty", "", nil),
    Case("blank", " \n", nil),
    Case(
      "YAML of Puppet 3", "--- !ruby/object:Puppet::Transaction::Report\n  host: web\n  status: changed\n", .changed),
    Case("YAML of psych", "---\nhost: web\nlogs: []\nstatus: failed\n", .failed),
    Case("YAML, quoted", "---\nstatus: \"unchanged\"\r\n", .unchanged),
    Case(
      "YAML, deeper ones",
      """
      --- !ruby/object:Puppet::Transaction::Report
      # a comment
      resource_statuses:
        File[/a]:
          status: failed
        status: failed
      message: |
        status: failed
      status: unchanged
      """, .unchanged),
    Case("YAML, another word", "---\nstatusquo: changed\nstatus: pending\n", nil),
    Case("YAML without an end", "---\nstatus: changed", .changed),
  ]

  @Test(arguments: cases) func itsStatusIsFoundAtItsTopLevel(_ one: Case) {
    let bytes = Array(one.report.utf8)
    #expect(RunStatus(report: bytes.span) == one.status)
  }

  @Test func noPrefixOfAReportSaysWhatTheWholeDoesNot() {
    for one in Self.cases {
      let bytes = Array(one.report.utf8)
      for count in 0...bytes.count {
        let found = RunStatus(report: bytes.span.extracting(0..<count))
        #expect(found == nil || found == one.status, "\(one.testDescription), \(count) bytes")
      }
    }
  }

  @Test func itIsLookedForWithinABound() {
    let far = "{\"logs\":\"" + String(repeating: "x", count: RunStatus.maxLook) + "\",\"status\":\"changed\"}"
    #expect(RunStatus(report: Array(far.utf8).span) == nil)
  }

  static let versions: [(String, String?)] = [
    ("8.10.0", "8.10.0"), ("7.26.0.rc1", "7.26.0.rc1"), ("8.10.0 beta", "8.10.0"), ("", nil), (" 8", nil),
    ("01234567890123456789", "0123456789012345"), ("8\u{1b}[2J", "8"),
  ]

  @Test(arguments: versions) func aVersionIsItsFirstPrintableWord(_ text: String, _ version: String?) {
    #expect(AgentVersion(text)?.description == version)
  }

  static let agents: [(String, String?)] = [
    ("Puppet/8.10.0 Ruby/3.1.2-p20 (x86_64-linux)", "8.10.0"), ("curl/7.88.1", "curl/7.88.1"), ("Puppet/", nil),
  ]

  @Test(arguments: agents) func aUserAgentNamesAVersionToo(_ text: String, _ version: String?) {
    #expect(AgentVersion(userAgent: Array(text.utf8).span)?.description == version)
  }
}
