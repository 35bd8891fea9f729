import Testing

@testable import HTTPWire

@Suite struct WritingTests {
  private func error(_ status: Int, retryAfter: Int? = nil, keepAlive: Bool, _ method: Method, _ version: HTTPVersion)
    -> String?
  {
    written {
      writeError(
        status: status, explanation: "No.", retryAfter: retryAfter, keepAlive: keepAlive, method: method, to: version,
        into: &$0)
    }.map(text)
  }

  @Test func anErrorIsAWholeResponse() {
    #expect(
      error(503, retryAfter: 5, keepAlive: false, .get, .http11)
        == "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n"
        + "Retry-After: 5\r\nConnection: close\r\n\r\nNo.\n")
    #expect(
      error(403, keepAlive: true, .head, .http11)
        == "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\n")
    #expect(
      error(404, keepAlive: true, .get, .http10)
        == "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n"
        + "Connection: keep-alive\r\n\r\nNo.\n")
  }

  @Test(arguments: HeadRefusal.allCases)
  func everyRefusalHasAnAnswer(refusal: HeadRefusal) {
    #expect((400..<600).contains(refusal.status))
    #expect(text(Array("\(reasonPhrase(refusal.status))".utf8)) != "Error")
    #expect(refusal.explanation.hasSuffix("."))
  }

  @Test func otherRefusalsToo() {
    for (status, explanation) in PathRefusal.allCases.map({ ($0.status, $0.explanation) })
      + ChunkRefusal.allCases.map({ ($0.status, $0.explanation) })
    {
      #expect("\(reasonPhrase(status))" != "Error")
      #expect(explanation.hasSuffix("."))
    }
  }

  @Test func continueIsWrittenWhereItFits() {
    let whole = written(capacity: 25) { writeContinue(into: &$0) }.map(text)
    #expect(whole == "HTTP/1.1 100 Continue\r\n\r\n")
    let none = written(capacity: 24) { writeContinue(into: &$0) }
    #expect(none == nil)
  }

  @Test(arguments: [0, 1, 50, 150, 250])
  func whatDoesNotFitIsNotBegun(capacity: Int) throws {
    let bytes = Array("GET /a HTTP/1.1\r\nHost: a.example\r\nX: 1\r\n\r\n".utf8)
    var head = RequestHead()
    let progress = head.parse(bytes)
    #expect(progress == .complete)
    let identity = Corpus.identity
    let needed = head.forwardedAtMost(identity: identity.count)
    var untouched = false
    var fits = false
    let output = [UInt8](capacity: capacity) { output in
      fits = writeRequest(head, bytes.span, identity: identity.span, framing: .chunked, into: &output)
      untouched = output.isEmpty
    }
    #expect(fits == (capacity >= needed))
    #expect(untouched == !fits)
    #expect(output.count <= needed)
  }

  @Test func theBoundsHoldForEveryMessage() throws {
    for request in Corpus.validRequests {
      var head = RequestHead()
      let progress = head.parse(request.bytes)
      #expect(progress == .complete)
      let identity = Corpus.identity
      for framing in [ForwardedFraming.none, .chunked, .length(.max)] {
        let output = written(capacity: head.forwardedAtMost(identity: identity.count)) {
          writeRequest(head, request.bytes.span, identity: identity.span, framing: framing, into: &$0)
        }
        #expect(output != nil, "\(request.name)")
      }
    }
    for response in Corpus.validResponses {
      var head = ResponseHead()
      let progress = head.parse(response.bytes.span, to: .get, limits: Corpus.limits)
      #expect(progress == .complete)
      let output = written(capacity: head.forwardedAtMost) {
        writeResponse(
          head, response.bytes.span, to: .http10, framing: .length(.max), keepAlive: true, into: &$0)
      }
      #expect(output != nil, "\(response.name)")
    }
  }

  @Test(arguments: [
    (0, "0"), (7, "7"), (10, "10"), (.max, "9223372036854775807"), (-1, "-1"), (.min, "-9223372036854775808"),
  ])
  func numbersAreDecimal(number: Int, digits: String) {
    let output = written { output in
      output.append(decimal: number)
      return true
    }
    #expect(output.map(text) == digits)
  }
}

@Suite struct LimitTests {
  private func progress(_ request: String, _ limits: HeadLimits) -> HeadProgress {
    var head = RequestHead()
    return head.parse(Array(request.utf8), limits: limits)
  }

  @Test func aHeadMayFillItsLimitButNotMore() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    let size = request.utf8.count
    #expect(progress(request, HeadLimits(maxBytes: size)) == .complete)
    #expect(progress(request + "body", HeadLimits(maxBytes: size)) == .complete)
    #expect(progress(request, HeadLimits(maxBytes: size - 1)) == .refused(.headTooLarge))
    #expect(progress(String(request.dropLast()), HeadLimits(maxBytes: size)) == .incomplete)
    #expect(progress(request, HeadLimits(maxBytes: 10)) == .refused(.targetTooLong))
    #expect(progress("", HeadLimits(maxBytes: 0)) == .refused(.targetTooLong))
  }

  @Test func fieldsAreCounted() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n"
    #expect(progress(request, HeadLimits(maxBytes: 100, maxFields: 2)) == .complete)
    #expect(progress(request, HeadLimits(maxBytes: 100, maxFields: 1)) == .refused(.tooManyFields))
  }

  @Test func offsetsNeverOverflow() {
    #expect(HeadLimits(maxBytes: .max).maxBytes == HeadLimits.ceiling)
    #expect(HeadLimits(maxBytes: -1).maxBytes == 0)
  }
}
