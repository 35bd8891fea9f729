import Testing

@testable import HTTPWire

private let now = 1_800_000_000
/// Sun, 06 Nov 1994 08:49:37 GMT and a half.
private let sample = FileStamp(size: 1000, modified: 784_111_777_500_000_000, changed: 0xabc, inode: 0x1f)
private let tag = "\"1f-3e8-ae1b981da166f00-abc\""

private func share(_ method: String = "GET", _ fields: String..., of file: FileStamp = sample) throws -> FileShare {
  let lines = fields.filter { !$0.isEmpty }.map { $0 + "\r\n" }.joined()
  let bytes = Array("\(method) /f HTTP/1.1\r\nHost: a\r\n\(lines)\r\n".utf8)
  var head = RequestHead()
  let progress = head.parse(bytes.span, limits: Corpus.limits)
  try #require(progress == .complete)
  return head.share(of: file, in: bytes.span, at: now)
}

@Suite struct FileTests {
  @Test(arguments: [
    // RFC 9110 §14.1.2's own kinds.
    ("bytes=0-0", FileShare.part(start: 0, end: 1)), ("bytes=0-499", .part(start: 0, end: 500)),
    ("bytes=500-", .part(start: 500, end: 1000)), ("bytes=-1", .part(start: 999, end: 1000)),
    ("bytes=-5000", .part(start: 0, end: 1000)), ("bytes=999-5000", .part(start: 999, end: 1000)),
    ("BYTES=1-2", .part(start: 1, end: 3)), ("bytes= 1-2", .part(start: 1, end: 3)),
    ("bytes=0-99999999999999999999999999", .part(start: 0, end: 1000)),
    // Beyond the end.
    ("bytes=1000-", .beyond), ("bytes=1000-1001", .beyond), ("bytes=-0", .beyond),
    ("bytes=99999999999999999999999999-", .beyond),
    // Not for us to serve in parts, or not a range.
    ("bytes=0-0,2-3", .whole), ("bytes=2-1", .whole), ("bytes=", .whole), ("bytes=-", .whole), ("bytes", .whole),
    ("bytes=a-b", .whole), ("bytes=1-2x", .whole), ("bytes=1--2", .whole), ("bytes=+1-2", .whole),
    ("bytes=1 - 2", .whole), ("lines=1-2", .whole), ("byte=1-2", .whole), ("bytes:1-2", .whole), ("", .whole),
  ])
  func weighsRanges(field: String, expected: FileShare) throws {
    let got = try share("GET", "Range: \(field)")
    #expect(got == expected)
    let head = try share("HEAD", "Range: \(field)")
    #expect(head == .whole)
  }

  @Test(arguments: [("bytes=0-0", FileShare.beyond), ("bytes=0-", .beyond), ("bytes=-1", .whole)])
  func rangesOfNothing(field: String, expected: FileShare) throws {
    var empty = sample
    empty.size = 0
    let got = try share("GET", "Range: \(field)", of: empty)
    #expect(got == expected)
  }

  static let conditions: [(String, String, FileShare)] = [
    ("If-None-Match: \(tag)", "", .unchanged), ("If-None-Match: *", "", .unchanged),
    ("If-None-Match: W/\(tag)", "", .unchanged), ("If-None-Match: \"a\", W/\"b,c\" ,,\(tag)", "", .unchanged),
    ("If-None-Match: \"a\"", "", .whole), ("If-None-Match: \(tag.dropLast())", "", .whole),
    ("If-None-Match: x", "", .whole), ("If-None-Match: ", "", .whole),
    // The tag outweighs the date.
    ("If-None-Match: \"a\"", "If-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT", .whole),
    ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "", .unchanged),
    ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", "", .whole),
    ("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", "", .whole), ("If-Modified-Since: yesterday", "", .whole),
    ("If-Match: \(tag)", "", .whole), ("If-Match: *", "", .whole), ("If-Match: W/\(tag)", "", .mismatched),
    ("If-Match: \"a\"", "", .mismatched), ("If-Match: \"a\"", "If-None-Match: \(tag)", .mismatched),
    ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "", .whole),
    ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT", "", .mismatched),
    ("Range: bytes=0-9", "If-Range: \(tag)", .part(start: 0, end: 10)),
    ("Range: bytes=0-9", "If-Range: W/\(tag)", .whole), ("Range: bytes=0-9", "If-Range: \"a\"", .whole),
    ("Range: bytes=0-9", "If-Range: *", .whole),
    ("Range: bytes=0-9", "If-Range: Sun, 06 Nov 1994 08:49:37 GMT", .part(start: 0, end: 10)),
    ("Range: bytes=0-9", "If-Range: Sun, 06 Nov 1994 08:49:38 GMT", .whole),
    ("Range: bytes=0-9", "If-None-Match: \(tag)", .unchanged),
    ("Range: bytes=5000-", "If-Range: \"a\"", .whole),
  ]

  @Test(arguments: conditions)
  func weighsConditions(first: String, second: String, expected: FileShare) throws {
    let got = try share("GET", first, second)
    #expect(got == expected)
  }

  /// What was written within this second may change once more within it.
  @Test func youngDatesResumeNothing() throws {
    var young = sample
    young.modified = Int64(now) * 1_000_000_000
    let got = try share("GET", "Range: bytes=0-9", "If-Range: \(httpDate(now))", of: young)
    #expect(got == .whole)
  }

  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (-62_135_596_800, "Mon, 01 Jan 0001 00:00:00 GMT"),
  ])
  func datesGoThereAndBack(seconds: Int, text: String) {
    #expect(httpDate(seconds) == text)
    let parsed = HTTPDate.parse(Array(text.utf8).span)
    #expect(parsed == seconds)
  }

  @Test(arguments: [Int.min, .max, Int(Int64.max / 1_000_000_000)])
  func datesBeyondTheCalendarAreCut(seconds: Int) {
    #expect(httpDate(seconds).utf8.count == HTTPDate.length)
  }

  @Test(arguments: [
    "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    "Sunday, 06-Nov-94 08:49:37 GMT", "", "Sun, 06 Nov 1994 08:49:3\u{0} GMT",
  ])
  func whatIsNoDateIsNone(text: String) {
    let parsed = HTTPDate.parse(Array(text.utf8).span)
    #expect(parsed == nil)
  }

  @Test(arguments: [
    (
      FileShare.whole, Method.get,
      "200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \(tag)\r\n"
        + "Accept-Ranges: bytes\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\n"
    ),
    (
      .part(start: 1, end: 3), .get,
      "206 Partial Content\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        + "ETag: \(tag)\r\nAccept-Ranges: bytes\r\nContent-Range: bytes 1-2/1000\r\n"
        + "Content-Type: application/octet-stream\r\nContent-Length: 2\r\n\r\n"
    ),
    (
      .unchanged, .get,
      "304 Not Modified\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        + "ETag: \(tag)\r\nAccept-Ranges: bytes\r\n\r\n"
    ),
    (
      .beyond, .get,
      "416 Range Not Satisfiable\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nContent-Range: bytes */1000\r\n"
        + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 43\r\n\r\n"
        + "The range lies beyond the end of the file.\n"
    ),
    (
      .mismatched, .head,
      "412 Precondition Failed\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        + "ETag: \(tag)\r\nAccept-Ranges: bytes\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 51\r\n\r\n"
    ),
  ])
  func writesHeads(share: FileShare, method: Method, expected: String) {
    let manners = FileManners(
      contentType: "application/octet-stream", version: .http11, keepAlive: true, time: now)
    let head = written { writeFileHead(share, of: sample, method: method, manners, into: &$0) }
    #expect(head.map(text) == "HTTP/1.1 " + expected)
    let cramped = written(capacity: 500) { writeFileHead(share, of: sample, method: method, manners, into: &$0) }
    #expect(cramped == nil)
  }

  @Test func timesToComeAreNotTold() throws {
    var file = sample
    file.modified = .max
    let manners = FileManners(contentType: "text/plain", version: .http10, keepAlive: false, time: now)
    let output = written { writeFileHead(.whole, of: file, method: .get, manners, into: &$0) }
    let head = try #require(output)
    #expect(text(head).contains("Last-Modified: Fri, 15 Jan 2027 08:00:00 GMT\r\n"))
    #expect(text(head).contains("Connection: close\r\n"))
  }

  @Test(arguments: [
    ("/a", ""), ("/a?", ""), ("/a?b=c&d=?", "b=c&d=?"), ("http://a/b?c", "c"), ("http://a?c", "c"),
  ])
  func findsQueries(target: String, expected: String) throws {
    let bytes = Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    var head = RequestHead()
    let progress = head.parse(bytes.span, limits: Corpus.limits)
    try #require(progress == .complete)
    let query = bytes.span.extracting(head.query(in: bytes.span))
    let got = query.withUnsafeBufferPointer { text(Array($0)) }
    #expect(got == expected)
  }

  private func httpDate(_ seconds: Int) -> String {
    written {
      HTTPDate.append(seconds, into: &$0)
      return true
    }.map(text) ?? ""
  }
}
