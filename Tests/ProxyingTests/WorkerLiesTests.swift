import Seeded
import TestSupport
import Testing

/// Each answer of the corpus's table, from a worker to an agent over a proxy that runs.
@Suite struct WorkerLiesTests {
  /// `/lie/3` is answered with that line of the table as it is, anything else with `clean`.
  private static func liar(_ answers: [TableCase], closesAfterwards: Bool) -> Origin.Manner {
    { connection in
      while let (head, _) = try connection.request() {
        let target = head.split(separator: " ")[1]
        guard target.hasPrefix("/lie/"), let index = Int(target.dropFirst(5)) else {
          try connection.respond("clean")
          continue
        }
        try connection.send(answers[index].bytes)
        let lie = answers[index].expectation
        if closesAfterwards || lie.contains("until-close") || lie.contains("cut") || lie.hasSuffix("502") { return }
      }
    }
  }

  @Test(arguments: [true, false])
  func whateverAWorkerSaysTheAgentSeesOneAnswerOrAnError(_ closesAfterwards: Bool) async throws {
    let answers = CorpusTable.cases("answers.txt")
    #expect(answers.count > 100)
    try await withProxy(worker: Self.liar(answers, closesAfterwards: closesAfterwards)) { proxy, _ in
      for (index, answer) in answers.enumerated() {
        let seen = try await seen("/lie/\(index)", at: proxy.address)
        #expect(seen == expected(of: answer), "\(answer)")
        // Nothing of the lie is left on a connection that is used again.
        let next = try await self.seen("/next", at: proxy.address)
        #expect(next == "200 clean", "behind \(answer)")
      }
    }
  }

  private func expected(of answer: TableCase) -> String {
    let parts = answer.expectation.split(separator: ";", maxSplits: 1)
    let status = parts[0].prefix(3)
    guard parts.count > 1 else { return String(status) }
    let rest = parts[1].dropFirst()
    if rest == "cut" || rest == "502" { return String(rest) }
    // The final answer's status, behind interim ones.
    return "\(status.hasPrefix("1") ? "200" : status) \(rest.dropFirst("body ".count))"
  }

  private func seen(_ target: String, at address: Address) async throws -> String {
    do {
      let response = try await request("GET", target, at: address)
      return response.status == 502 ? "502" : "\(response.status) \(response.text)"
    } catch let failure as ExchangeFailure {
      switch failure {
      // A reset may overtake the answer's beginning.
      case .cut, .unanswered(.reset): return "cut"
      case .unanswered, .timedOut, .malformed: return "\(failure)"
      }
    }
  }
}
