import Testing

@testable import HTTPWire

/// A record with its texts, as the tests fill it.
private struct Written {
  var record = AccessRecord()
  var text: [UInt8] = []

  mutating func add(_ bytes: some Sequence<UInt8>) -> ByteRange {
    let start = text.count
    text += bytes
    return ByteRange(start, text.count)
  }

  mutating func add(_ string: String) -> ByteRange { add(string.utf8) }

  var json: String? { line { record, text, out in record.writeJSON(text, into: &out) } }
  var combined: String? { line { record, text, out in record.writeCombined(text, into: &out) } }

  private func line(
    _ write: (AccessRecord, Span<UInt8>, inout OutputSpan<UInt8>) -> Bool
  ) -> String? {
    written(capacity: AccessRecord.lineAtMost(text: text.count)) { out in write(record, text.span, &out) }.map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// 2026-11-24T21:55:39.123Z
  static let moment: Int64 = 1_795_557_339_123_456_789

  /// A catalog over TLS, all well.
  static var catalog: Written {
    var line = Written()
    line.record.time = moment
    line.record.id = line.add("0f")
    line.record.address = line.add("192.0.2.7")
    line.record.certname = line.add("web-1.example.com")
    line.record.method = line.add("POST")
    line.record.target = line.add("/puppet/v3/catalog/web-1.example.com?environment=production")
    line.record.userAgent = line.add("Puppet/8.10.0")
    line.record.status = 200
    line.record.sent = 1250
    line.record.sentHeads = 250
    line.record.received = 5000
    line.record.total = 1_234_567_890
    line.record.firstByte = 1_200_000_999
    line.record.queue = 999
    line.record.worker = 1_234_000_000
    line.record.route = line.add("/puppet/v3/catalog/{certname}")
    line.record.pool = line.add("masters")
    line.record.slot = 3
    line.record.generation = 17
    line.record.retries = 1
    line.record.tlsVersion = line.add("TLSv1.3")
    line.record.tlsCipher = line.add("TLS_AES_256_GCM_SHA384")
    line.record.isResumed = true
    line.record.ending = .whole
    return line
  }
}

@Suite struct AccessLogTests {
  @Test func saysAllOfARequestInJSON() {
    #expect(
      Written.catalog.json == """
        {"time":"2026-11-24T21:55:39.123Z","id":"0f","address":"192.0.2.7","certname":"web-1.example.com",\
        "method":"POST","path":"/puppet/v3/catalog/web-1.example.com?environment=production","http":"1.1",\
        "status":200,"bytes_sent":1250,"bytes_received":5000,"total_ms":1234.567,"first_byte_ms":1200.000,\
        "queue_ms":0.000,"worker_ms":1234.000,"route":"/puppet/v3/catalog/{certname}","pool":"masters","slot":3,\
        "generation":17,"retries":1,"tls":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384","resumed":true,\
        "user_agent":"Puppet/8.10.0"}

        """)
  }

  @Test func saysWhatCameFromDisk() {
    var line = Written()
    line.record.pool = line.add("masters")
    line.record.isFromDisk = true
    line.record.ending = .whole
    #expect(line.json?.contains(",\"pool\":\"masters\",\"disk\":true") == true)
    #expect(line.json?.contains("queue_ms") == false)
  }

  @Test func saysTheUsualInTheCombinedFormat() {
    var line = Written.catalog
    #expect(
      line.combined == """
        192.0.2.7 - web-1.example.com [24/Nov/2026:21:55:39 +0000] "POST \
        /puppet/v3/catalog/web-1.example.com?environment=production HTTP/1.1" 200 1000 "-" "Puppet/8.10.0"

        """)
    line.record.referer = line.add("https://a.example/ \"x\"")
    line.record.certname = line.add("J\u{fc}rgen's box")
    line.record.address = ByteRange()
    line.record.version = .http10
    line.record.status = 0
    line.record.ending = .agentGone
    #expect(
      line.combined == """
        - - J\\xC3\\xBCrgen's\\x20box [24/Nov/2026:21:55:39 +0000] "POST \
        /puppet/v3/catalog/web-1.example.com?environment=production HTTP/1.0" 499 1000 \
        "https://a.example/ \\x22x\\x22" "Puppet/8.10.0"

        """)
    line.record.ending = .stopped
    #expect(line.combined?.contains("HTTP/1.0\" 000 ") == true)
  }

  @Test func saysWhatWasNoRequest() {
    var line = Written()
    line.record.time = Written.moment
    line.record.requestLine = line.add("GET / \"HTTP\"")
    line.record.status = 400
    line.record.sent = 120
    line.record.sentHeads = 100
    line.record.received = 12
    line.record.ending = .refused
    line.record.cause = line.add("No.")
    #expect(
      line.json == """
        {"time":"2026-11-24T21:55:39.123Z","request_line":"GET / \\"HTTP\\"","status":400,"bytes_sent":120,\
        "bytes_received":12,"total_ms":0.000,"first_byte_ms":0.000,"ended":"refused","cause":"No."}

        """)
    #expect(
      line.combined == """
        - - - [24/Nov/2026:21:55:39 +0000] "GET / \\x22HTTP\\x22" 400 20 "-" "-"

        """)
  }

  @Test func saysWhyAHandshakeFailed() {
    var line = Written()
    line.record.kind = .handshake
    line.record.time = Written.moment
    line.record.address = line.add("2001:db8::1")
    line.record.cause = line.add("certificate revoked")
    #expect(
      line.json == """
        {"time":"2026-11-24T21:55:39.123Z","kind":"handshake","address":"2001:db8::1","ended":"failed",\
        "cause":"certificate revoked"}

        """)
    #expect(line.combined == "")
  }

  @Test(
    arguments: [
      (.whole, nil), (.refused, "refused"), (.forbidden, "forbidden"), (.shed, "shed"), (.timedOut, "timed_out"),
      (.workerFailed, "worker_failed"), (.cut, "cut"), (.agentGone, "agent_gone"), (.stopped, "stopped"),
    ] as [(AccessEnding, String?)])
  func namesEveryEnding(ending: AccessEnding, word: String?) {
    var line = Written()
    line.record.ending = ending
    #expect(line.json?.contains("\"ended\"") == (word != nil))
    if let word { #expect(line.json?.contains(",\"ended\":\"\(word)\"}") == true) }
  }

  @Test(
    arguments: [
      (200, .whole), (304, .whole), (400, .refused), (403, .forbidden), (408, .timedOut), (413, .refused),
      (502, .workerFailed), (503, .shed), (504, .timedOut), (505, .refused),
    ] as [(Int, AccessEnding)])
  func readsAnEndingOffAnAnswerOfOurOwn(status: Int, ending: AccessEnding) {
    #expect(AccessEnding(ownStatus: status) == ending)
  }

  @Test func writesNothingWhereALineMayNotFit() {
    let line = Written.catalog
    let capacity = AccessRecord.lineAtMost(text: line.text.count) - 1
    let json = written(capacity: capacity) { line.record.writeJSON(line.text.span, into: &$0) }
    let combined = written(capacity: capacity) { line.record.writeCombined(line.text.span, into: &$0) }
    #expect(json == nil)
    #expect(combined == nil)
  }

  /// The longest that every part can become.
  @Test func theBoundHoldsForTheWorst() {
    var line = Written()
    let part = [UInt8](repeating: 1, count: 500)
    for path in [
      \AccessRecord.id, \.address, \.certname, \.method, \.target, \.requestLine, \.userAgent, \.referer, \.pool,
      \.route,
      \.tlsVersion, \.tlsCipher, \.cause,
    ] {
      line.record[keyPath: path] = line.add(part)
    }
    for path in [\AccessRecord.status, \.sent, \.received, \.generation, \.retries] {
      line.record[keyPath: path] = .max
    }
    line.record.slot = .max
    for path in [\AccessRecord.time, \.total, \.firstByte, \.queue, \.worker] { line.record[keyPath: path] = .max }
    line.record.ending = .workerFailed
    let (json, combined) = (line.json, line.combined)
    #expect(json != nil)
    #expect(combined != nil)
  }
}

@Suite struct LogEscapingTests {
  private func json(_ bytes: [UInt8]) -> String? {
    written(capacity: 6 * bytes.count + 1) { out in
      out.append(json: bytes.span)
      return true
    }.map { String(decoding: $0, as: UTF8.self) }
  }

  private func combined(_ bytes: [UInt8]) -> String? {
    written(capacity: 4 * bytes.count + 1) { out in
      out.append(combined: bytes.span)
      return true
    }.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(arguments: [
    ("plain ~ text", "plain ~ text"), ("a\"b\\c", #"a\"b\\c"#),
    ("\u{0}\t\r\n\u{1f}", #"\u0000\u0009\u000D\u000A\u001F"#),
    ("\u{7f}\u{80}\u{9f}\u{a0}", "\\u007F\\u0080\\u009F\u{a0}"),
    ("\u{fc}\u{20ac}\u{1f600}", "\u{fc}\u{20ac}\u{1f600}"), ("", ""),
  ])
  func textStaysTextInJSON(text: String, line: String) {
    let bytes = Array(text.utf8)
    #expect(json(bytes) == line)
  }

  /// Unicode's table 3-7, at its edges.
  @Test(
    arguments: [
      ([0xff], #"\\xFF"#), ([0x80], #"\\x80"#), ([0xc0, 0xaf], #"\\xC0\\xAF"#), ([0xc3], #"\\xC3"#),
      ([0xc3, 0x28], #"\\xC3("#), ([0xe0, 0x9f, 0xbf], #"\\xE0\\x9F\\xBF"#),
      ([0xed, 0xa0, 0x80], #"\\xED\\xA0\\x80"#),
      ([0xf0, 0x8f, 0xbf, 0xbf], #"\\xF0\\x8F\\xBF\\xBF"#), ([0xf4, 0x90, 0x80, 0x80], #"\\xF4\\x90\\x80\\x80"#),
      ([0xe2, 0x82, 0x22], #"\\xE2\\x82\""#), ([0x61, 0xe2, 0x82], #"a\\xE2\\x82"#),
    ] as [([UInt8], String)])
  func whatIsNoTextIsShownInJSON(bytes: [UInt8], line: String) {
    #expect(json(bytes) == line)
  }

  @Test func theCombinedFormatHoldsPrintableASCIIAlone() {
    let all = (UInt8.min...UInt8.max).map { $0 }
    let line = combined(all)
    let isPlain = line?.utf8.allSatisfy { (0x20..<0x7f).contains($0) }
    #expect(isPlain == true)
    #expect(combined(Array("a \"b\" \\ \n\u{e9}".utf8)) == #"a \x22b\x22 \x5C \x0A\xC3\xA9"#)
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
      (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
      (1_735_689_599_001, "2024-12-31T23:59:59.001Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (-1, "1970-01-01T00:00:00.000Z"),
    ] as [(Int64, String)])
  func timesAreThoseOfTheCalendar(milliseconds: Int64, text: String) {
    let bytes = written { out in
      out.append(rfc3339: milliseconds * 1_000_000)
      return true
    }
    let read = bytes.map { String(decoding: $0, as: UTF8.self) }
    #expect(read == text)
  }

  @Test func monthsHaveTheirNames() {
    let names = (1...12).map { month in
      "\(CivilTime(nanoseconds: Int64(month * 30 - 15) * 86_400_000_000_000).monthName)"
    }
    #expect(names == ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
  }
}

@Suite struct RequestIDTests {
  /// What a worker is told, of a request with these further lines.
  private func told(_ lines: String, id: String = "") throws -> [String] {
    let bytes = Array("GET /a HTTP/1.1\r\nHost: a\r\n\(lines)X-Other: 1\r\n\r\n".utf8)
    var head = RequestHead()
    let progress = head.parse(bytes)
    #expect(progress == .complete)
    let name = Array(id.utf8)
    let room = head.forwardedAtMost(identity: 0, requestID: name.count)
    let output = written(capacity: room) {
      writeRequest(head, bytes.span, identity: Span(), requestID: name.span, framing: .none, into: &$0)
    }
    let text = String(decoding: try #require(output), as: UTF8.self)
    return text.split(separator: "\r\n").filter { $0.lowercased().contains("request") }.map(String.init)
  }

  private static let longest = String(repeating: "x", count: 128)

  @Test(arguments: ["7", "0a1b-2C.d_e:f/g+h=i@j", longest])
  func keepsOneThatIsWellFormed(id: String) throws {
    #expect(try told("x-request-id: \(id)\r\n") == ["X-Request-ID: \(id)"])
    #expect(try told("Connection: x-request-id\r\nX-REQUEST-ID:\(id)\r\n") == ["X-Request-ID: \(id)"])
  }

  @Test(arguments: [
    "X-Request-ID:\r\n", "X-Request-ID: a b\r\n", "X-Request-ID: \"a\"\r\n", "X-Request-ID: a,b\r\n",
    "X-Request-ID: \(longest)x\r\n", "X-Request-ID: \u{fc}\r\n", "X-Request-ID: a\r\nX-Request-ID: a\r\n",
    "X_Request_ID: a\r\n", "X-Request-ID: a\r\nX_Request_ID: b\r\n", "X.Request.ID: b\r\nX-Request-ID: a\r\n",
  ])
  func dropsWhatCouldBeMistaken(lines: String) throws {
    #expect(try told(lines) == [])
    #expect(try told(lines, id: "made") == ["X-Request-ID: made"])
  }

  @Test func putsOursInItsPlace() throws {
    #expect(try told("", id: "made") == ["X-Request-ID: made"])
    #expect(try told("X-Request-ID: theirs\r\n", id: "ours") == ["X-Request-ID: ours"])
    #expect(try told("X-Request-IDs: 1\r\n") == ["X-Request-IDs: 1"])
  }

  @Test func makesThirtyTwoDigits() {
    let made = written { RequestID.make(0x0123_4567_89ab_cdef, 255, into: &$0) }
    let id = made.map { String(decoding: $0, as: UTF8.self) }
    #expect(id == "0123456789abcdef00000000000000ff")
    let none = written(capacity: 31) { RequestID.make(1, 1, into: &$0) }
    #expect(none == nil)
  }
}
