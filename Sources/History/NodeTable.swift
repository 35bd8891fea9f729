import GRDB
import Pool

/// The nodes as they are now, one row each; times in milliseconds since 1970.
enum NodeTable {
  static let statements = [
    """
    CREATE TABLE node (
      name TEXT PRIMARY KEY,
      seen_at INTEGER NOT NULL,
      run_started_at INTEGER,
      last_run_started_at INTEGER,
      reported_at INTEGER,
      status TEXT,
      catalog_ms INTEGER,
      version TEXT,
      requests INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      refused INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX node_seen ON node(seen_at)",
  ]

  static func write(_ row: NodeRow, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO node (name, seen_at, run_started_at, last_run_started_at, reported_at, status,
          catalog_ms, version, requests, bytes, refused)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      row.name, row.seenAt, row.runStartedAt, row.lastRunStartedAt, row.reportedAt, row.status?.rawValue,
      row.catalogMilliseconds, row.version, row.requests, row.bytes, row.refused,
    ])
  }

  static func delete(_ name: String, _ db: Database) throws {
    try db.cachedStatement(sql: "DELETE FROM node WHERE name = ?").execute(arguments: [name])
  }

  /// Those that were seen last, at most `limit`.
  static func rows(_ db: Database, limit: Int) throws -> [NodeRow] {
    try Row.fetchAll(db, sql: "SELECT * FROM node ORDER BY seen_at DESC LIMIT ?", arguments: [limit]).map(row)
  }

  /// Those that were silent for longest, where nothing else is left that could go. Returns how many went.
  static func deleteOldest(_ count: Int, _ db: Database) throws -> Int {
    try db.execute(
      sql: "DELETE FROM node WHERE name IN (SELECT name FROM node ORDER BY seen_at LIMIT ?)", arguments: [count])
    return db.changesCount
  }

  private static func row(_ row: Row) -> NodeRow {
    var node = NodeRow(name: row["name"], seenAt: row["seen_at"])
    node.runStartedAt = row["run_started_at"]
    node.lastRunStartedAt = row["last_run_started_at"]
    node.reportedAt = row["reported_at"]
    node.status = (row["status"] as String?).flatMap(RunStatus.init(rawValue:))
    node.catalogMilliseconds = row["catalog_ms"]
    node.version = row["version"]
    node.requests = row["requests"]
    node.bytes = row["bytes"]
    node.refused = row["refused"]
    return node
  }
}
