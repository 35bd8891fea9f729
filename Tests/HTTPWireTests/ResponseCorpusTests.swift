import Testing

@testable import HTTPWire

enum ResponseOutcome: Equatable {
  case incomplete
  case refused(String)
  case accepted(ResponseSummary)
}

struct ResponseSummary: Equatable {
  var status: Int
  var framing: BodyFraming
  var keepAlive: Bool
  var byteCount: Int
  var forwarded: [UInt8]

  init(_ head: ResponseHead, _ bytes: [UInt8]) {
    status = head.status
    framing = head.framing
    keepAlive = head.keepAlive
    byteCount = head.byteCount
    forwarded =
      written {
        writeResponse(
          head, bytes.span, to: .http11, framing: head.framing, keepAlive: head.keepAlive, into: &$0)
      } ?? []
  }
}

extension ResponseOutcome {
  init(_ bytes: [UInt8], to method: Method, ends: [Int]) {
    var head = ResponseHead()
    for end in ends {
      switch head.parse(bytes.span.extracting(0..<end), to: method, limits: Corpus.limits) {
      case .incomplete: continue
      case .refused(let refusal):
        self = .refused("\(refusal)")
        return
      case .complete:
        self = .accepted(ResponseSummary(head, bytes))
        return
      }
    }
    self = .incomplete
  }
}

@Suite struct ResponseCorpusTests {
  private func method(_ response: CorpusCase) -> Method {
    Method.allCases.first { "\($0)".uppercased() == response["to"] } ?? .get
  }

  @Test(arguments: Corpus.validResponses)
  func validResponseIsUnderstoodAndForwarded(_ response: CorpusCase) throws {
    let outcome = ResponseOutcome(response.bytes, to: method(response), ends: [response.bytes.count])
    guard case .accepted(let found) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(text(found.forwarded) == text(response.forwarded))
    #expect(found.status == Int(response["status"]))
    #expect(found.framing == (try BodyFraming(expected: response["framing"])))
    #expect(found.keepAlive == (response["keep-alive"] == "yes"))
    #expect(found.byteCount + bodyCount(found, response) == response.bytes.count)
  }

  private func bodyCount(_ found: ResponseSummary, _ response: CorpusCase) -> Int {
    let left = response.bytes.count - found.byteCount
    return switch found.framing {
    case .none: Int(response["rest"]) ?? 0
    case .length(let length): length
    case .chunked, .untilClose: left
    }
  }

  @Test(arguments: Corpus.invalidResponses)
  func invalidResponseIsRefused(_ response: CorpusCase) {
    for method in Method.allCases {
      let outcome = ResponseOutcome(response.bytes, to: method, ends: [response.bytes.count])
      #expect(outcome == .refused(response["cause"]), "to \(method)")
    }
    #expect(response["status"] == "502")
  }

  @Test(arguments: Corpus.validResponses + Corpus.invalidResponses)
  func howTheBytesWereCutChangesNothing(_ response: CorpusCase) {
    let count = response.bytes.count
    let method = method(response)
    let whole = ResponseOutcome(response.bytes, to: method, ends: [count])
    #expect(ResponseOutcome(response.bytes, to: method, ends: Array(0...count)) == whole)
    for length in cutLengths(count) {
      let cut = ResponseOutcome(Array(response.bytes[..<length]), to: method, ends: [length])
      #expect(cut == .incomplete || cut == whole)
    }
  }

  @Test func anAgentOfHTTP10IsToldWhatPersists() throws {
    let bytes = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n".utf8)
    var head = ResponseHead()
    let progress = head.parse(bytes.span, to: .get, limits: Corpus.limits)
    #expect(progress == .complete)
    func forwarded(_ framing: BodyFraming, _ keepAlive: Bool) -> String? {
      written {
        writeResponse(head, bytes.span, to: .http10, framing: framing, keepAlive: keepAlive, into: &$0)
      }.map(text)
    }
    #expect(forwarded(.untilClose, false) == "HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\n\r\n")
    #expect(
      forwarded(.length(7), true)
        == "HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\n")
  }
}
