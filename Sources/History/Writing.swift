import FoundationEssentials
import GRDB
import Pool

/// Puts rows in; within the caller's transaction.
struct LedgerWriter {
  /// How far two tellings of one worker's birth may be apart: clocks are set while it lives.
  static let sameBirth = 120

  private struct Key: Hashable {
    var worker: WorkerID
    var pid: Int32
  }

  /// Rows of workers that were met in this process's life and have not ended.
  private var known: [Key: Int64] = [:]
  private let encoder: JSONEncoder

  init() {
    encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  }

  /// Workers that still write, whatever their age.
  var living: Set<Int64> { Set(known.values) }

  mutating func write(_ batch: Backlog.Batch, _ db: Database) throws {
    // Samples first: an exit is the last that is heard of a worker.
    for sample in batch.samples { try write(sample, db) }
    for event in batch.events { try write(event, db) }
    for name in batch.gone { try NodeTable.delete(name, db) }
    for row in batch.nodes { try NodeTable.write(row, db) }
  }

  private mutating func write(_ event: Event, _ db: Database) throws {
    let document = String(decoding: try encoder.encode(event), as: UTF8.self)
    // A number that is there already is of a life whose last words came too late to be counted on.
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO event (id, at, kind, pool, slot, generation, reason, document)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      event.id, event.at, event.kind.rawValue, event.pool?.rawValue, event.slot, event.generation,
      event.exit?.reason.rawValue, document,
    ])
    guard let row = event.exit, let pool = event.pool, let slot = event.slot, let generation = event.generation
    else { return }
    let id = WorkerID(slot: SlotID(pool: pool, index: slot), generation: Generation(rawValue: generation))
    try write(row, of: id, event, db)
  }

  private mutating func write(_ row: ExitRow, of id: WorkerID, _ event: Event, _ db: Database) throws {
    let end = Moments.seconds(event.at) ?? 0
    let worker = try worker(id, pid: row.pid ?? 0, bornAt: end - whole(row.ageSeconds), db)
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO exit (event, worker, at, pool, slot, generation, reason, measured, measured_limit,
          status, pid, memory_at_birth_bytes, memory_at_death_bytes, age_seconds, requests_served, requests_lost,
          drain_seconds, wiped_entries, wiped_bytes)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      event.id, worker, event.at, id.pool.rawValue, id.slot.index, id.generation.rawValue, row.reason.rawValue,
      row.measured, row.limit, row.status, row.pid, row.memoryAtBirthBytes, row.memoryAtDeathBytes, row.ageSeconds,
      row.requestsServed, row.requestsLost, row.drainSeconds, row.wipedEntries, row.wipedBytes,
    ])
    try db.cachedStatement(sql: "UPDATE worker SET ended_at = ? WHERE id = ?").execute(arguments: [end, worker])
    known[Key(worker: id, pid: row.pid ?? 0)] = nil
  }

  private mutating func write(_ sample: WorkerSample, _ db: Database) throws {
    let worker = try worker(sample.worker, pid: sample.pid, bornAt: sample.bornAt, db)
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO sample (level, at, worker, span, count, memory_mean, memory_max, requests_total,
          requests_lost, in_flight_max)
        VALUES (0, ?, ?, 0, 1, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      sample.at, worker, sample.memory.bytes, sample.memory.bytes, sample.requestsTotal, sample.requestsLost,
      sample.requestsInFlight,
    ])
  }

  private mutating func worker(_ id: WorkerID, pid: Int32, bornAt: Int, _ db: Database) throws -> Int64 {
    let key = Key(worker: id, pid: pid)
    if let row = known[key] { return row }
    let row = try find(id, pid: pid, bornAt: bornAt, db) ?? insert(id, pid: pid, bornAt: bornAt, db)
    known[key] = row
    return row
  }

  /// One that an earlier supervisor knew.
  private func find(_ id: WorkerID, pid: Int32, bornAt: Int, _ db: Database) throws -> Int64? {
    try Int64.fetchOne(
      db,
      sql: """
        SELECT id FROM worker WHERE pool = ? AND slot = ? AND generation = ? AND pid = ? AND abs(born_at - ?) <= ?
        ORDER BY id DESC LIMIT 1
        """,
      arguments: [id.pool.rawValue, id.slot.index, id.generation.rawValue, pid, bornAt, Self.sameBirth])
  }

  private func insert(_ id: WorkerID, pid: Int32, bornAt: Int, _ db: Database) throws -> Int64 {
    try db.cachedStatement(
      sql: "INSERT INTO worker (pool, slot, generation, pid, born_at) VALUES (?, ?, ?, ?, ?)"
    ).execute(arguments: [id.pool.rawValue, id.slot.index, id.generation.rawValue, pid, bornAt])
    return db.lastInsertedRowID
  }

  private func whole(_ seconds: Double) -> Int { Int(exactly: seconds.rounded()) ?? 0 }
}
