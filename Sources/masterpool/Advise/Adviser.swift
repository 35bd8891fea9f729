import Advice
import FoundationEssentials
import History
import Pool
import Supervision

/// Advice for whoever asks over the API: made from the ledger beside the supervisor's own work, and not again for
/// everybody who looks.
actor Adviser {
  /// The same question within it gets the same answer.
  private static let freshness = Duration.seconds(30)
  private static let mostAnswers = 32
  private var answers: [AdviceQuery: (made: ContinuousClock.Instant, document: AdviceDocument)] = [:]

  func advice(
    _ query: AdviceQuery, of pools: [PoolFacts],
    from ledger: @Sendable () async throws(HistoryUnreadable) -> HistoryReader
  ) async throws(HistoryUnreadable) -> AdviceDocument {
    if let known = answers[query], .now - known.made < Self.freshness { return known.document }
    let document = try await Self.advise(query, of: pools, Gathering(try await ledger()))
    if answers.count >= Self.mostAnswers { answers = [:] }
    answers[query] = (.now, document)
    return document
  }

  @concurrent private static func advise(
    _ query: AdviceQuery, of pools: [PoolFacts], _ gathering: sending Gathering<HistoryUnreadable>
  ) async throws(HistoryUnreadable) -> AdviceDocument {
    AdviceDocument(
      pools: try await gathering.evidence(of: pools, only: query.pool, since: query.since).map(Counsel.advise))
  }
}

extension Gathering<HistoryUnreadable> {
  init(_ reader: HistoryReader) {
    self.init(
      samples: { (query) async throws(HistoryUnreadable) in try await reader.samples(query) },
      events: { (filter, limit) async throws(HistoryUnreadable) in try await reader.events(filter, limit: limit) })
  }
}

extension Evidence.Machine {
  /// This one.
  static func own(pools: Int) -> Evidence.Machine {
    Evidence.Machine(
      cores: max(1, ProcessInfo.processInfo.activeProcessorCount),
      bytes: (MemoryAllowance().total?.bytes).map(Double.init) ?? Double(ProcessInfo.processInfo.physicalMemory),
      pools: pools)
  }
}
