import Testing

@testable import HTTPWire

/// What becomes of a request from its first byte to its body's last.
enum RequestOutcome: Equatable {
  case incomplete
  case refused(status: Int, cause: String)
  /// With so many bytes in all.
  case accepted(RequestSummary, count: Int)
}

struct RequestSummary: Equatable {
  var method: String
  var target: String
  var path: String
  var version: HTTPVersion
  var framing: BodyFraming
  var keepAlive: Bool
  var expectsContinue: Bool
  var forwarded: [UInt8]
}

extension RequestOutcome {
  /// The outcome for bytes that came in pieces ending at `ends`.
  init(_ bytes: [UInt8], ends: [Int]) {
    var head = RequestHead()
    for end in ends {
      switch head.parse(bytes, upTo: end) {
      case .incomplete: continue
      case .refused(let refusal):
        self = .refused(status: refusal.status, cause: "\(refusal)")
        return
      case .complete:
        self = RequestOutcome(head, bytes)
        return
      }
    }
    self = .incomplete
  }

  private init(_ head: RequestHead, _ bytes: [UInt8]) {
    var verdict = PathVerdict.path(0)
    let path = [UInt8](capacity: head.target.count + 1) {
      verdict = normalizePath(bytes.span.extracting(head.target), into: &$0)
    }
    if case .refused(let refusal) = verdict {
      self = .refused(status: refusal.status, cause: "\(refusal)")
      return
    }
    switch RequestOutcome.bodyEnd(head, bytes) {
    case .more: self = .incomplete
    case .invalid(let refusal): self = .refused(status: refusal.status, cause: "\(refusal)")
    case .ended(let count): self = .accepted(RequestSummary(head, bytes, path: path), count: head.byteCount + count)
    }
  }

  private static func bodyEnd(_ head: RequestHead, _ bytes: [UInt8]) -> ChunkProgress {
    let body = bytes.span.extracting(head.byteCount..<bytes.count)
    switch head.framing {
    case .none, .untilClose: return .ended(0)
    case .length(let length): return body.count < length ? .more : .ended(length)
    case .chunked:
      var scanner = ChunkScanner()
      return scanner.follow(body, limits: ChunkLimits())
    }
  }
}

extension RequestSummary {
  init(_ head: RequestHead, _ bytes: [UInt8], path: [UInt8]) {
    method = text(Array(bytes[head.methodName]))
    target = text(Array(bytes[head.target]))
    self.path = text(path)
    version = head.version
    framing = head.framing
    keepAlive = head.keepAlive
    expectsContinue = head.expectsContinue
    forwarded = forward(head, bytes) ?? []
  }

  init(_ expected: CorpusCase) throws {
    method = expected["method"]
    target = expected["target"]
    path = expected["path"]
    version = expected["version"] == "HTTP/1.0" ? .http10 : .http11
    framing = try BodyFraming(expected: expected["framing"])
    keepAlive = expected["keep-alive"] == "yes"
    expectsContinue = expected["continue"] == "yes"
    forwarded = expected.forwarded
  }
}

extension BodyFraming {
  init(expected text: String) throws {
    switch text {
    case "none": self = .none
    case "chunked": self = .chunked
    case "until-close": self = .untilClose
    default: self = .length(try #require(Int(text.dropFirst("length ".count))))
    }
  }
}

extension [UInt8] {
  subscript(range: ByteRange) -> ArraySlice<UInt8> { self[Int(range.start)..<Int(range.end)] }
}

extension RequestHead {
  mutating func parse(_ bytes: [UInt8], upTo end: Int? = nil, limits: HeadLimits = Corpus.limits) -> HeadProgress {
    parse(bytes.span.extracting(0..<(end ?? bytes.count)), limits: limits)
  }
}

/// The head as it goes to a worker, the body framed as it came.
func forward(_ head: RequestHead, _ bytes: [UInt8]) -> [UInt8]? {
  let framing: ForwardedFraming =
    switch head.framing {
    case .none, .untilClose: .none
    case .length(let length): .length(length)
    case .chunked: .chunked
    }
  let identity = Corpus.identity
  return written {
    writeRequest(head, bytes.span, identity: identity.span, framing: framing, into: &$0)
  }
}

@Suite struct RequestCorpusTests {
  @Test func corpusIsThere() {
    #expect(Corpus.validRequests.count >= 80)
    #expect(Corpus.invalidRequests.count >= 250)
  }

  @Test(arguments: Corpus.validRequests)
  func validRequestIsUnderstoodAndForwarded(_ request: CorpusCase) throws {
    let rest = try #require(Int(request["rest"]))
    let outcome = RequestOutcome(request.bytes, ends: [request.bytes.count])
    let summary = try RequestSummary(request)
    if case .accepted(let found, _) = outcome { #expect(text(found.forwarded) == text(summary.forwarded)) }
    #expect(outcome == .accepted(summary, count: request.bytes.count - rest))
  }

  @Test(arguments: Corpus.invalidRequests)
  func invalidRequestIsRefused(_ request: CorpusCase) throws {
    let status = try #require(Int(request["status"]))
    let outcome = RequestOutcome(request.bytes, ends: [request.bytes.count])
    #expect(outcome == .refused(status: status, cause: request["cause"]))
  }

  @Test(arguments: Corpus.validRequests + Corpus.invalidRequests)
  func howTheBytesWereCutChangesNothing(_ request: CorpusCase) {
    let count = request.bytes.count
    let whole = RequestOutcome(request.bytes, ends: [count])
    #expect(RequestOutcome(request.bytes, ends: Array(0...count)) == whole)
    #expect(RequestOutcome(request.bytes, ends: Array(stride(from: 7, to: count, by: 7)) + [count]) == whole)
  }

  @Test(arguments: Corpus.validRequests)
  func noHeadIsCompleteEarly(_ request: CorpusCase) {
    var whole = RequestHead()
    let progress = whole.parse(request.bytes)
    #expect(progress == .complete)
    for length in cutLengths(whole.byteCount) {
      var head = RequestHead()
      let progress = head.parse(request.bytes, upTo: length)
      #expect(progress == .incomplete, "at \(length)")
    }
  }

  @Test(arguments: Corpus.invalidRequests)
  func noInvalidRequestIsAcceptedEarly(_ request: CorpusCase) {
    let whole = RequestOutcome(request.bytes, ends: [request.bytes.count])
    for length in cutLengths(request.bytes.count) {
      let outcome = RequestOutcome(Array(request.bytes[..<length]), ends: [length])
      #expect(outcome == .incomplete || outcome == whole)
    }
  }

  @Test func oneHeadServesRequestAfterRequest() throws {
    var reused = RequestHead()
    for request in Corpus.validRequests + Corpus.invalidRequests + Corpus.validRequests {
      var fresh = RequestHead()
      let expected = fresh.parse(request.bytes)
      let progress = reused.parse(request.bytes)
      #expect(progress == expected, "\(request.name)")
      if progress == .incomplete { reused.reset() }
      guard expected == .complete else { continue }
      let same = RequestSummary(reused, request.bytes, path: []) == RequestSummary(fresh, request.bytes, path: [])
      #expect(same, "\(request.name)")
    }
  }

  @Test func aHeadThatWasBegunIsForgotten() {
    var head = RequestHead()
    let begun = Array("GET http://b.example/ HTTP/1.1\r\nHost: b".utf8)
    let next = Array("GET /x HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    let first = head.parse(begun)
    #expect(first == .incomplete)
    head.reset()
    let second = head.parse(next)
    #expect(second == .complete)
    #expect(text(Array(next[head.host])) == "a")
  }

  @Test(arguments: [
    ("host" as StaticString, "a.example" as String?), ("x-puppet-version", "7.23.0"), ("x-puppet", nil),
    ("accept", ""),
    ("x-client-dn", "CN=x"),
  ])
  func aFieldIsFoundByItsName(name: StaticString, value: String?) {
    let lines = "Host: a.example\r\nX-PUPPET-Version:\t7.23.0 \r\nX-Client-DN: CN=x\r\nAccept:\r\nAccept: b\r\n\r\n"
    let bytes = Array(("GET / HTTP/1.1\r\n" + lines).utf8)
    var head = RequestHead()
    let progress = head.parse(bytes)
    #expect(progress == .complete)
    let found = head.field(name, in: bytes.span)
    let foundText = found.map { text(Array(bytes[$0])) }
    #expect(foundText == value)
  }
}
