import FoundationEssentials
import GRDB
import Pool

/// Keeps the ledger within its bounds of age and size, a little at a time.
///
/// Samples are as fine as they came for a day, then a minute each, then ten minutes; at one level each, so that
/// nothing is counted twice.
struct Upkeep {
  /// How old samples are when they become coarser, and how coarse.
  struct Level {
    var number: Int
    var after: Duration
    var span: Int
    /// How many seconds of samples one step makes coarser.
    var window: Int
  }

  static let levels = [
    Level(number: 1, after: .seconds(86400), span: 60, window: 600),
    Level(number: 2, after: .seconds(7 * 86400), span: 600, window: 6 * 3600),
  ]
  /// Rows of one deletion.
  static let chunk = 1000
  /// Deletions and the like in one go, when there is much to do.
  static let maxSteps = 20
  /// The share of `max_size` that is filled; the rest is for what comes until the next time. The later ones are for
  /// a batch that did not fit.
  static let fills = [0.9, 0.6, 0.3]
  /// Pages given back to the file system in one go.
  static let vacuumPages = 2000

  var policy: LedgerPolicy
  var fill = Upkeep.fills[0]

  /// Returns true if there is more to do.
  func run(_ pool: DatabasePool, living: Set<Int64>, at now: Date) throws -> Bool {
    var steps = 0
    while steps < Self.maxSteps {
      let worked = try pool.write { db in
        try coarsen(db, at: now) || forget(db, living: living, at: now) || shrink(db)
      }
      guard worked else { break }
      steps += 1
    }
    try giveBack(pool)
    return steps == Self.maxSteps
  }

  // MARK: Coarser

  private func coarsen(_ db: Database, at now: Date) throws -> Bool {
    for level in Self.levels {
      let finer = level.number - 1
      let limit = seconds(now, before: level.after) / level.span * level.span
      guard let oldest = try Int.fetchOne(db, sql: "SELECT min(at) FROM sample WHERE level = ?", arguments: [finer]),
        oldest < limit
      else { continue }
      let start = oldest / level.span * level.span
      let end = min(limit, start + level.window)
      try db.execute(
        sql: Self.merge,
        arguments: ["level": level.number, "span": level.span, "finer": finer, "start": start, "end": end])
      try db.execute(sql: "DELETE FROM sample WHERE level = ? AND at < ?", arguments: [finer, end])
      return true
    }
    return false
  }

  private static let merge = """
    INSERT INTO sample (level, at, worker, span, count, memory_mean, memory_max, requests_total, requests_lost,
      in_flight_max)
    SELECT :level, at / :span * :span, worker, :span, sum(count), sum(memory_mean * count) / sum(count),
      max(memory_max), max(requests_total), max(requests_lost), max(in_flight_max)
    FROM sample WHERE level = :finer AND at >= :start AND at < :end GROUP BY at / :span, worker
    ON CONFLICT (level, at, worker) DO UPDATE SET
      memory_mean = (memory_mean * count + excluded.memory_mean * excluded.count) / (count + excluded.count),
      count = count + excluded.count,
      memory_max = max(memory_max, excluded.memory_max),
      requests_total = max(requests_total, excluded.requests_total),
      requests_lost = max(requests_lost, excluded.requests_lost),
      in_flight_max = max(in_flight_max, excluded.in_flight_max)
    """

  // MARK: Older

  private func forget(_ db: Database, living: Set<Int64>, at now: Date) throws -> Bool {
    let limit = seconds(now, before: policy.keep)
    var gone = 0
    for level in 0...Self.levels.count { gone += try forgetSamples(db, level, before: limit) }
    gone += try forgetEvents(db, before: Moments.text(seconds: limit))
    gone += try forgetWorkers(db, before: limit, living)
    return gone > 0
  }

  private func forgetSamples(_ db: Database, _ level: Int, before limit: Int) throws -> Int {
    try db.execute(
      sql: """
        DELETE FROM sample WHERE (level, at, worker) IN
          (SELECT level, at, worker FROM sample WHERE level = ? AND at < ? ORDER BY at LIMIT ?)
        """, arguments: [level, limit, Self.chunk])
    return db.changesCount
  }

  private func forgetEvents(_ db: Database, before limit: String) throws -> Int {
    try db.execute(
      sql: "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < ? ORDER BY at LIMIT ?)",
      arguments: [limit, Self.chunk])
    return db.changesCount
  }

  /// One whose end nobody saw counts as gone when it is twice as old as anything that is kept.
  private func forgetWorkers(_ db: Database, before limit: Int, _ living: Set<Int64>) throws -> Int {
    let keep = Int(policy.keep.components.seconds)
    let dead = try Int64.fetchAll(
      db,
      sql: """
        SELECT id FROM worker WHERE born_at < ?1 AND coalesce(ended_at < ?1, born_at < ?2)
        ORDER BY born_at LIMIT ?3
        """, arguments: [limit, limit - keep, Self.chunk + living.count]
    ).filter { !living.contains($0) }
    for worker in dead { try db.execute(sql: "DELETE FROM worker WHERE id = ?", arguments: [worker]) }
    return dead.count
  }

  // MARK: Smaller

  /// The oldest rows go. What happened is kept twice as long as samples are: it is worth more and takes less.
  private func shrink(_ db: Database) throws -> Bool {
    guard try usedBytes(db) > Int(Double(policy.maxSize.bytes) * fill) else { return false }
    let oldestSample = try (0...Self.levels.count).compactMap { level in
      try Int.fetchOne(db, sql: "SELECT min(at) FROM sample WHERE level = ?", arguments: [level]).map { ($0, level) }
    }.min { $0.0 < $1.0 }
    let oldestEvent = try String.fetchOne(db, sql: "SELECT min(at) FROM event").flatMap(Moments.seconds)
    let newest = try max(
      oldestSample?.0 ?? 0,
      String.fetchOne(db, sql: "SELECT max(at) FROM event").flatMap(Moments.seconds) ?? 0,
      Int.fetchOne(db, sql: "SELECT max(at) FROM sample WHERE level = 0") ?? 0)
    switch (oldestSample, oldestEvent) {
    case (let (sample, level)?, let event?) where 2 * (newest - sample) >= newest - event:
      return try forgetSamples(db, level, before: .max) > 0
    case (_, .some): return try forgetEvents(db, before: "~") > 0
    case (let (_, level)?, nil): return try forgetSamples(db, level, before: .max) > 0
    case (nil, nil): return try NodeTable.deleteOldest(Self.chunk, db) > 0
    }
  }

  /// Without pages that are free already.
  private func usedBytes(_ db: Database) throws -> Int {
    let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
    let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
    return try (pages - free) * (Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096)
  }

  private func giveBack(_ pool: DatabasePool) throws {
    try pool.writeWithoutTransaction { db in
      guard try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0 > 0 else { return }
      try db.execute(sql: "PRAGMA incremental_vacuum(\(Self.vacuumPages))")
    }
  }

  private func seconds(_ now: Date, before age: Duration) -> Int {
    Int((now.timeIntervalSince1970 - age.inSeconds).rounded(.down))
  }
}
