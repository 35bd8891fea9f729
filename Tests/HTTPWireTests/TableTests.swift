import Seeded
import Testing

@testable import HTTPWire

/// The corpus's tables: each line refused for its reason, or understood with its framing.
@Suite struct TableTests {
  static let requests = CorpusTable.cases("requests.txt") + CorpusTable.cases("targets.txt")
  static let answers = CorpusTable.cases("answers.txt")

  @Test func theTablesAreThere() {
    #expect(Self.requests.count > 450)
    #expect(Self.answers.count > 80)
  }

  @Test func eachRequestIsRefusedForItsReasonOrUnderstood() {
    for request in Self.requests {
      let outcome = RequestOutcome(request.bytes, ends: [request.bytes.count])
      #expect(word(outcome) == request.expectation, "\(request)")
    }
  }

  @Test func eachAnswersHeadIsRefusedForItsReasonOrUnderstood() {
    for answer in Self.answers {
      let outcome = ResponseOutcome(answer.bytes, to: .get, ends: [answer.bytes.count])
      // What becomes of bodies shows where they are relayed.
      let expected = answer.expectation.split(separator: ";")[0]
      #expect(word(outcome) == expected, "\(answer)")
    }
  }

  @Test func howTheBytesWereCutChangesNothing() {
    for request in Self.requests {
      let whole = RequestOutcome(request.bytes, ends: [request.bytes.count])
      let cut = RequestOutcome(request.bytes, ends: Array(0...request.bytes.count))
      #expect(cut == whole, "\(request)")
    }
    for answer in Self.answers {
      let whole = ResponseOutcome(answer.bytes, to: .get, ends: [answer.bytes.count])
      let cut = ResponseOutcome(answer.bytes, to: .get, ends: Array(0...answer.bytes.count))
      #expect(cut == whole, "\(answer)")
    }
  }

  private func word(_ outcome: RequestOutcome) -> String {
    switch outcome {
    case .incomplete: "incomplete"
    case .refused(let status, let cause): "\(status) \(cause)"
    case .accepted(let summary, _): "ok \(word(summary.framing))"
    }
  }

  private func word(_ outcome: ResponseOutcome) -> String {
    switch outcome {
    case .incomplete: "incomplete"
    case .refused(let cause): "502 \(cause)"
    case .accepted(let summary): "\(summary.status) \(word(summary.framing))"
    }
  }

  private func word(_ framing: BodyFraming) -> String {
    switch framing {
    case .none: "none"
    case .length(let length): "length \(length)"
    case .chunked: "chunked"
    case .untilClose: "until-close"
    }
  }
}
