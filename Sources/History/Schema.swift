import GRDB

/// The tables, made step by step: a file of an earlier version is brought up to this one, and never back.
enum Schema {
  /// `PRAGMA user_version` says how many of the steps a file has, for whoever opens it with other tools.
  static let version = 2

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      for statement in first { try db.execute(sql: statement) }
      try db.execute(sql: "PRAGMA user_version = 1")
    }
    migrator.registerMigration("2") { db in
      for statement in NodeTable.statements { try db.execute(sql: statement) }
      try db.execute(sql: "PRAGMA user_version = 2")
    }
    return migrator
  }

  private static let first = [
    // AUTOINCREMENT: a number is never given twice, also after the newest event was deleted.
    """
    CREATE TABLE event (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at TEXT NOT NULL,
      kind TEXT NOT NULL,
      pool TEXT,
      slot INTEGER,
      generation INTEGER,
      reason TEXT,
      document TEXT NOT NULL
    )
    """,
    "CREATE INDEX event_at ON event(at)",
    "CREATE INDEX event_slot ON event(pool, slot) WHERE pool IS NOT NULL",
    "CREATE INDEX event_reason ON event(reason) WHERE reason IS NOT NULL",
    // Generations are counted anew by a supervisor that adopts nobody, so they do not name a worker for ever.
    """
    CREATE TABLE worker (
      id INTEGER PRIMARY KEY,
      pool TEXT NOT NULL,
      slot INTEGER NOT NULL,
      generation INTEGER NOT NULL,
      pid INTEGER NOT NULL,
      born_at INTEGER NOT NULL,
      ended_at INTEGER
    )
    """,
    "CREATE INDEX worker_slot ON worker(pool, slot, generation)",
    "CREATE INDEX worker_age ON worker(born_at)",
    """
    CREATE TABLE exit (
      event INTEGER PRIMARY KEY REFERENCES event(id) ON DELETE CASCADE,
      worker INTEGER NOT NULL,
      at TEXT NOT NULL,
      pool TEXT NOT NULL,
      slot INTEGER NOT NULL,
      generation INTEGER NOT NULL,
      reason TEXT NOT NULL,
      measured TEXT,
      measured_limit TEXT,
      status TEXT NOT NULL,
      pid INTEGER,
      memory_at_birth_bytes INTEGER,
      memory_at_death_bytes INTEGER,
      age_seconds REAL NOT NULL,
      requests_served INTEGER NOT NULL,
      requests_lost INTEGER NOT NULL,
      drain_seconds REAL,
      wiped_entries INTEGER NOT NULL,
      wiped_bytes INTEGER NOT NULL
    )
    """,
    "CREATE INDEX exit_slot ON exit(pool, slot, at)",
    "CREATE INDEX exit_reason ON exit(reason, at)",
    // In the order in which they come and go: new ones are appended, old ones are the first of their level.
    """
    CREATE TABLE sample (
      level INTEGER NOT NULL,
      at INTEGER NOT NULL,
      worker INTEGER NOT NULL,
      span INTEGER NOT NULL,
      count INTEGER NOT NULL,
      memory_mean INTEGER NOT NULL,
      memory_max INTEGER NOT NULL,
      requests_total INTEGER NOT NULL,
      requests_lost INTEGER NOT NULL,
      in_flight_max INTEGER NOT NULL,
      PRIMARY KEY (level, at, worker)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
  ]
}
