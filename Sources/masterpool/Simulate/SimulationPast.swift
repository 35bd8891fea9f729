import ArgumentParser
import Control
import Foundation
import Hindsight
import History
import Pool

/// The past of one pool, from a running supervisor or from the ledger that one left.
struct SimulationPast {
  let source: SimulationSource
  let only: PoolName?

  private enum Found {
    case past(Past)
    /// These are there, and which one is not said.
    case oneOf([PoolName])
  }

  func past() async throws -> Past {
    switch try await found(since()) {
    case .past(let past): return past
    case .oneOf(let names):
      let list = names.map(\.rawValue).joined(separator: ", ")
      let what = only.map { "no pool \($0) is known" } ?? "several pools are known: name one after --from-history"
      Terminal.complain(names.isEmpty ? "the ledger knows no pool yet" : "\(what); there is \(list)")
      throw ExitCode(names.isEmpty ? 1 : 64)
    }
  }

  private func found(_ since: String?) async throws -> Found {
    if let history = source.history {
      do throws(HistoryUnreadable) { return try await read(try reader(of: history), since) } catch {
        Terminal.complain(error.description)
        throw ExitCode(FileManager.default.fileExists(atPath: history) ? 1 : 69)
      }
    }
    var words: [String] = []
    if let control = source.options.control { words += ["--control", control] }
    if let config = source.config { words += ["--config", config] }
    return try await HistoryPlace.parse(words).ask { client async throws(ControlFailure) in
      try await ask(client, since)
    } orRead: { reader async throws(HistoryUnreadable) in
      try await read(reader, since)
    }
  }

  private func pick<Pool>(_ pools: [Pool], _ name: (Pool) -> PoolName) -> Pool? {
    guard let only else { return pools.count == 1 ? pools.first : nil }
    return pools.first { name($0) == only }
  }

  private func since() throws -> String? {
    guard let text = source.since else { return nil }
    guard let moment = Moment.read(text, now: Date()) else { throw ValidationError("--since takes \(Moment.forms)") }
    return moment
  }

  // MARK: A supervisor

  private func ask(_ client: ControlClient, _ since: String?) async throws(ControlFailure) -> Found {
    let pools = try await client.status().pools
    guard let pool = pick(pools, \.name) else { return .oneOf(pools.map(\.name)) }
    let nodes = try await client.nodes(NodeQuery(sort: .seen, limit: ControlLimit.nodes))
    var past = try await Gathering(client).past(of: PoolFacts(pool), since: since, nodes: nodes)
    past.settings = Past.Settings(PoolPolicy(pool, try await client.settings()), source: "in force now")
    past.classes = Past.ClassTimes.read(metrics: try await client.metrics(), of: pool.name)
    return .past(past)
  }

  // MARK: A file

  private func reader(of history: String) throws(HistoryUnreadable) -> HistoryReader {
    let path = history.hasPrefix("/") ? history : FileManager.default.currentDirectoryPath + "/" + history
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return isThere && isFolder.boolValue ? try HistoryReader(stateDirectory: path) : try HistoryReader(file: path)
  }

  private func read(_ reader: HistoryReader, _ since: String?) async throws(HistoryUnreadable) -> Found {
    let plans = (try? source.config.map { try loadSettings(config: $0) })?.pools ?? []
    let pools = plans.isEmpty ? try await reader.pools() : plans.map(PoolFacts.init)
    guard let pool = pick(pools, \.name) else { return .oneOf(pools.map(\.name)) }
    var gathering = Gathering(reader)
    if let end = try await reader.end() { gathering.now = end }
    let nodes = try await reader.nodes(NodeQuery(sort: .seen, limit: ControlLimit.nodes))
    var past = try await gathering.past(of: pool, since: since, nodes: nodes)
    if let plan = plans.first(where: { $0.name == pool.name }) {
      past.settings = Past.Settings(plan.policy, source: source.config ?? "the settings")
    }
    return .past(past)
  }
}
