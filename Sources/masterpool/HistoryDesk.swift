import Control
import History
import Pool
import Supervision

/// The supervisor as the control API sees it, with the ledger behind its memory.
struct HistoryDesk: Controlled {
  let supervisor: Supervisor
  let history: History
  let adviser = Adviser()

  func status() async -> StatusDocument {
    var status = await supervisor.status()
    status.history = .init(trouble: history.trouble, lostTotal: history.lostRows)
    return status
  }

  func perform(_ command: ControlCommand, by caller: Caller?) async -> ControlReply {
    await supervisor.perform(command, by: caller)
  }

  func nodes(_ query: NodeQuery) async -> NodesDocument { await supervisor.nodes(query) }

  func advice(_ query: AdviceQuery) async throws(HistoryUnreadable) -> AdviceDocument {
    try await adviser.advice(query, of: await supervisor.status().pools.map(PoolFacts.init)) {
      () async throws(HistoryUnreadable) in
      await history.settle()
      return try history.reader
    }
  }

  func settings() async -> SettingsDocument { await supervisor.settings() }
  func settingsDifferences() async -> SettingsDifferences { await supervisor.settingsDifferences() }
  func liveEvents() async -> AsyncStream<Event> { await supervisor.liveEvents() }
  func measurements() async -> Measurements { await supervisor.measurements() }
  func isReady() async -> Bool { await supervisor.isReady() }

  func events(after id: Int?, limit: Int) async -> [Event] {
    await events(EventFilter(), after: id, limit: limit)
  }

  /// The supervisor has the last ones, without a gap; what was before them is in the ledger.
  func events(_ filter: EventFilter, after id: Int?, limit: Int) async -> [Event] {
    let recent = await supervisor.recentEvents(filter, after: id, limit: limit)
    guard let id else {
      let missing = limit - recent.events.count
      return await earlier(filter, after: nil, before: recent.oldest, limit: missing) + recent.events
    }
    guard id + 1 < recent.oldest else { return recent.events }
    let first = await earlier(filter, after: id, before: recent.oldest, limit: limit)
    return first + recent.events.prefix(max(0, limit - first.count))
  }

  /// Nothing where the ledger cannot be read: it says so itself, by an event.
  private func earlier(_ filter: EventFilter, after: Int?, before: Int, limit: Int) async -> [Event] {
    guard limit > 0 else { return [] }
    do { return try await history.reader.events(filter, after: after, before: before, limit: limit) } catch {
      return []
    }
  }

  func history(_ filter: EventFilter, limit: Int) async throws(HistoryUnreadable) -> HistoryDocument {
    await history.settle()
    return try await history.reader.history(filter, limit: limit)
  }

  func samples(_ query: SampleQuery) async throws(HistoryUnreadable) -> [SampleRow] {
    await history.settle()
    return try await history.reader.samples(query)
  }
}

extension History: LedgerKeeping {}
