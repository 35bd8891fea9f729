import Testing

@testable import HTTPWire

@Suite struct OwnAnswerTests {
  @Test func keepsADate() {
    let date = DateText(unixSeconds: 784_111_777)
    let bytes = (0..<date.span.count).map { date.span[$0] }
    #expect(text(bytes) == "Sun, 06 Nov 1994 08:49:37 GMT")
  }

  private func written(_ answer: OwnAnswer, _ method: Method = .get) -> String? {
    HTTPWireTests.written { writeOwnAnswer(answer, keepAlive: true, method: method, into: &$0) }.map(text)
  }

  @Test func saysWhatAPuppetMasterWouldSay() {
    let answer = OwnAnswer(status: 403, explanation: "No \"way\" \\ out.\n\u{1}", form: .json)
    let body = #"{"message":"No \"way\" \\ out.\n","issue_kind":"RUNTIME_ERROR"}"#
    #expect(
      written(answer) == "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json; charset=utf-8\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    #expect(written(answer, .head)?.hasSuffix("\r\n\r\n") == true)
  }

  @Test func saysWhenAndMayHaveNoBody() {
    let answer = OwnAnswer(status: 200, explanation: "", date: DateText(unixSeconds: 0))
    #expect(
      written(answer) == "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
  }

  private func relayed(_ response: String, to version: HTTPVersion = .http11) -> String? {
    let bytes = Array(response.utf8)
    var head = ResponseHead()
    guard head.parse(bytes.span, to: .get, limits: Corpus.limits) == .complete else { return nil }
    return HTTPWireTests.written {
      writeResponse(
        head, bytes.span, to: version, framing: head.framing, keepAlive: true, date: DateText(unixSeconds: 0),
        into: &$0)
    }.map(text)
  }

  /// RFC 9110 §6.6.1.
  @Test func addsADateWhereTheWorkerSaidNone() {
    let date = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    #expect(relayed("HTTP/1.1 204 No\r\nA: b\r\n\r\n") == "HTTP/1.1 204 No\r\nA: b\r\n\(date)\r\n")
    for own in ["Date: x\r\n", "DATE: x\r\n"] {
      #expect(relayed("HTTP/1.1 204 No\r\n\(own)\r\n") == "HTTP/1.1 204 No\r\n\(own)\r\n")
    }
    #expect(relayed("HTTP/1.1 204 No\r\nDated: x\r\n\r\n") == "HTTP/1.1 204 No\r\nDated: x\r\n\(date)\r\n")
    #expect(relayed("HTTP/1.1 103 Early\r\n\r\n") == "HTTP/1.1 103 Early\r\n\r\n")
  }

  private func head(_ request: String, _ limits: HeadLimits = Corpus.limits) -> (RequestHead, HeadProgress) {
    var head = RequestHead()
    let progress = head.parse(Array(request.utf8).span, limits: limits)
    return (head, progress)
  }

  @Test(arguments: [
    ("application/vnd.puppet.rich+json, application/json, text/pson", true), ("Application/JSON", true),
    ("json", true), ("application/octet-stream", false), ("jso", false), ("", false), ("*/*", false),
  ])
  func knowsWhoReadsJSON(_ accept: String, _ expected: Bool) {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Json: json\r\nAccept: \(accept)\r\n\r\n"
    #expect(head(request).0.acceptsJSON(Array(request.utf8).span) == expected)
  }

  @Test func boundsTheTarget() {
    let limits = HeadLimits(maxBytes: 1000, maxTargetBytes: 10)
    #expect(head("GET /123456789 HTTP/1.1\r\nHost: a\r\n\r\n", limits).1 == .complete)
    #expect(head("GET /1234567890 HTTP/1.1\r\nHost: a\r\n\r\n", limits).1 == .refused(.targetTooLong))
    // Before its end is known.
    #expect(head("GET /1234567890", limits).1 == .refused(.targetTooLong))
    #expect(head("GET /123456789", limits).1 == .incomplete)
  }

  @Test(arguments: ["TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"])
  func refusesWhatWouldShowOrHideTooMuch(_ request: String) {
    #expect(head(request).1 == .refused(.unsupportedMethod))
    #expect(HeadRefusal.unsupportedMethod.status == 501)
  }
}
