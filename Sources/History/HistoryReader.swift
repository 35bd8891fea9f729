import FoundationEssentials
import GRDB
import Glibc
import Pool

/// Asks the ledger: of a running masterpool, or of one that is gone.
public struct HistoryReader: Sendable {
  private let source: any DatabaseReader

  init(_ source: any DatabaseReader) { self.source = source }

  /// Opens a ledger that nobody may be writing, and changes nothing.
  ///
  /// - Parameter stateDirectory: the folder that holds it.
  public init(stateDirectory: String) throws(HistoryUnreadable) {
    try self.init(file: LedgerFile(stateDirectory: stateDirectory).path)
  }

  /// The same of a file by whatever name, such as a copy.
  public init(file path: String) throws(HistoryUnreadable) {
    guard access(path, F_OK) == 0 else {
      throw HistoryUnreadable("there is no \(path)")
    }
    guard access(path, R_OK) == 0 else {
      throw HistoryUnreadable("no permission to read \(path)")
    }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(LedgerFile.lockPatience)
    do {
      let queue = try DatabaseQueue(path: Self.name(of: path), configuration: configuration)
      if try queue.read(Schema.migrator.hasBeenSuperseded) { throw NewerLedger() }
      source = queue
    } catch {
      throw HistoryUnreadable("\(path): \(Trouble(error).words)")
    }
  }

  /// Without a log beside it the file is whole, and whoever may not write the folder can read it all the same.
  private static func name(of path: String) -> String {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    guard access(path + "-wal", F_OK) != 0, access(folder, W_OK) != 0 else { return path }
    let plain = path.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "%"): false
      default: true
      }
    }
    return plain ? "file:\(path)?immutable=1" : path
  }

  // MARK: Events

  /// The first `limit` that fit after `after`, or without it the last; before number `before`.
  public func events(
    _ filter: EventFilter = EventFilter(), after: Int? = nil, before: Int? = nil, limit: Int
  ) async throws(HistoryUnreadable) -> [Event] {
    try await read { db in
      var condition = Condition(filter, in: "event")
      condition.add("id > ?", after)
      condition.add("id < ?", before)
      let order = after == nil ? "DESC" : "ASC"
      let documents = try String.fetchAll(
        db, sql: "SELECT document FROM event \(condition.clause) ORDER BY id \(order) LIMIT \(max(0, limit))",
        arguments: condition.arguments)
      let events = documents.compactMap(StoredEvent.event)
      return after == nil ? events.reversed() : events
    }
  }

  // MARK: Exits

  /// The last `limit` exits that fit, and what all that fit come to.
  public func history(_ filter: EventFilter = EventFilter(), limit: Int) async throws(HistoryUnreadable)
    -> HistoryDocument
  {
    var exits = filter
    exits.kinds = [.exit]
    return HistoryDocument(
      exits: try await events(exits, limit: limit), summary: .init(byReason: try await shares(filter)))
  }

  /// The exits for each reason that there was.
  public func shares(_ filter: EventFilter = EventFilter()) async throws(HistoryUnreadable) -> [HistoryDocument.Share]
  {
    try await read { db in
      var filter = filter
      filter.kinds = []
      let condition = Condition(filter, in: "exit")
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT reason, count(*) AS exits, avg(age_seconds) AS age, sum(requests_served) AS served,
            sum(requests_lost) AS lost, max(memory_at_death_bytes) AS memory, sum(wiped_entries) AS entries,
            sum(wiped_bytes) AS bytes
          FROM exit \(condition.clause) GROUP BY reason
          """, arguments: condition.arguments)
      return rows.compactMap { row in
        RecycleReason(rawValue: row["reason"]).map { reason in
          HistoryDocument.Share(
            reason: reason, exits: row["exits"], meanAgeSeconds: row["age"], requestsServed: row["served"],
            requestsLost: row["lost"], memoryMaxBytes: row["memory"], wipedEntries: row["entries"],
            wipedBytes: row["bytes"])
        }
      }
    }
  }

  // MARK: Samples

  /// In the order of time, at most `limit`: the first from `since` on, or without it the last.
  public func samples(_ query: SampleQuery) async throws(HistoryUnreadable) -> [SampleRow] {
    try await read { db in
      var condition = Condition(workers: query.filter)
      condition.add("sample.at >= ?", query.filter.since.flatMap(Moments.seconds))
      condition.add("sample.at < ?", query.filter.until.flatMap(Moments.seconds))
      condition.addPlain("sample.level IN (0, 1, 2)")
      let step = max(1, query.step ?? 1)
      let order = query.filter.since == nil ? "DESC" : "ASC"
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT sample.at / \(step) * \(step) AS start, max(span) AS span, worker.pool, worker.slot,
            worker.generation, worker.pid, sum(count) AS count, sum(memory_mean * count) / sum(count) AS mean,
            max(memory_max) AS most, max(requests_total) AS total, max(requests_lost) AS lost,
            max(in_flight_max) AS flight, sum(in_flight_max * count) * 1.0 / sum(count) AS mean_flight
          FROM sample JOIN worker ON worker.id = sample.worker \(condition.clause)
          GROUP BY start, sample.worker
          ORDER BY start \(order), worker.pool \(order), worker.slot \(order), worker.generation \(order)
          LIMIT \(max(0, query.limit))
          """, arguments: condition.arguments)
      let samples = rows.compactMap { SampleRow($0, step: query.step) }
      return query.filter.since == nil ? samples.reversed() : samples
    }
  }

  // MARK: Nodes

  /// As the last supervisor knew them; who is overdue is judged by the usual `nodes.overdue`, and now.
  public func nodes(_ query: NodeQuery) async throws(HistoryUnreadable) -> NodesDocument {
    let rows = try await read { db in
      try db.tableExists("node") ? NodeTable.rows(db, limit: NodePolicy().limit) : []
    }
    let now = Instant(nanoseconds: 0)
    let offset = WallOffset(milliseconds: Int((Date().timeIntervalSince1970 * 1000).rounded()))
    var book = NodeBook()
    book.load(rows.map { NodeRecord($0, offset, now: now) }, at: now)
    return NodesDocument(book, query, quarantined: [], at: now, offset) {
      Moments.text(milliseconds: $0)
    }
  }

  private func read<Value: Sendable>(
    _ body: @Sendable @escaping (Database) throws -> Value
  ) async throws(HistoryUnreadable) -> Value {
    do { return try await source.read(body) } catch {
      throw HistoryUnreadable(Trouble(error).words)
    }
  }
}

extension SampleRow {
  fileprivate init?(_ row: Row, step: Int?) {
    guard let pool = PoolName(rawValue: row["pool"]) else { return nil }
    self.init(
      at: Moments.text(seconds: row["start"]), spanSeconds: max(step ?? 0, row["span"]), pool: pool,
      slot: row["slot"],
      generation: row["generation"], pid: row["pid"], samples: row["count"], memoryMeanBytes: row["mean"],
      memoryMaxBytes: row["most"], requestsTotal: row["total"], requestsLost: row["lost"],
      requestsInFlightMax: row["flight"], requestsInFlightMean: row["mean_flight"])
  }
}

/// A WHERE clause and its arguments.
private struct Condition {
  private var terms: [String] = []
  private(set) var arguments = StatementArguments()

  var clause: String { terms.isEmpty ? "" : "WHERE \(terms.joined(separator: " AND "))" }

  init(_ filter: EventFilter, in table: String) {
    add(anyOf: filter.kinds.map(\.rawValue).sorted(), "kind")
    add(anyOf: filter.reasons.map(\.rawValue).sorted(), "reason")
    addPlace(filter, in: table)
    add("at >= ?", filter.since)
    add("at < ?", filter.until)
  }

  init(workers filter: EventFilter) { addPlace(filter, in: "worker") }

  private mutating func addPlace(_ filter: EventFilter, in table: String) {
    switch filter.target {
    case nil: break
    case .pool(let pool): add("\(table).pool = ?", pool.rawValue)
    case .slot(let slot):
      add("\(table).pool = ?", slot.pool.rawValue)
      add("\(table).slot = ?", slot.index)
    }
    add("\(table).generation = ?", filter.generation)
  }

  mutating func add(_ term: String, _ argument: (some DatabaseValueConvertible)?) {
    guard let argument else { return }
    terms.append(term)
    arguments += [argument]
  }

  mutating func addPlain(_ term: String) { terms.append(term) }

  private mutating func add(anyOf words: [String], _ column: String) {
    guard !words.isEmpty else { return }
    terms.append("\(column) IN (\(words.map { _ in "?" }.joined(separator: ", ")))")
    arguments += StatementArguments(words)
  }
}

/// An event as its row has it.
private enum StoredEvent {
  /// What an older or newer version may have called otherwise.
  private struct Loose: Decodable {
    var id: Int
    var at: String
    var kind: String
    var message: String
  }

  static func event(_ document: String) -> Event? {
    let data = Data(document.utf8)
    if let event = try? JSONDecoder().decode(Event.self, from: data) { return event }
    // Of a kind that this version does not know: the sentence says what it was.
    guard let loose = try? JSONDecoder().decode(Loose.self, from: data) else { return nil }
    return Event(id: loose.id, at: loose.at, kind: .supervisor, message: "\(loose.kind): \(loose.message)")
  }
}
