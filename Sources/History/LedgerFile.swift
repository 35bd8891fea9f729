import FoundationEssentials
import GRDB
import Glibc
import Pool

/// `history.sqlite`: opened, made, or set aside.
struct LedgerFile: Sendable {
  /// How long a lock of somebody else is waited for.
  static let lockPatience = 1.0
  /// Beyond it the write-ahead log is cut back after a checkpoint.
  static let maxLogBytes = 4 << 20
  /// Files set aside that are kept, the newest.
  static let asides = 2

  let path: String

  init(stateDirectory: String) { path = stateDirectory + "/" + Self.name }

  static let name = "history.sqlite"

  /// Opens the file, made where it is missing, with the tables as they should be.
  func open(maxSize: ByteCount) throws -> DatabasePool {
    try make()
    var configuration = Configuration()
    configuration.label = "masterpool.history"
    configuration.busyMode = .timeout(Self.lockPatience)
    configuration.maximumReaderCount = 2
    configuration.prepareDatabase { db in
      guard !db.configuration.readonly else { return }
      // Before the first page is written: later it would take a VACUUM.
      try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
      try db.execute(sql: "PRAGMA journal_size_limit = \(Self.maxLogBytes)")
      try Self.setMaxSize(maxSize, db)
    }
    let pool = try DatabasePool(path: path, configuration: configuration)
    if try pool.read(Schema.migrator.hasBeenSuperseded) { throw NewerLedger() }
    try Schema.migrator.migrate(pool)
    return pool
  }

  /// A wall behind the pruning: SQLite itself lets the file grow no further.
  static func setMaxSize(_ size: ByteCount, _ db: Database) throws {
    let page = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
    try db.execute(sql: "PRAGMA max_page_count = \(max(1, size.bytes / page))")
  }

  /// The owner writes, the group may read; SQLite gives its other files the same mode.
  private func make() throws {
    let descriptor = Glibc.open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw FileTrouble(path: path, code: errno) }
    close(descriptor)
  }

  /// Less free than this on the disk, and what does not fit is the disk's doing, not `max_size`'s.
  private static let roomBytes = 4 << 20

  var diskHasRoom: Bool {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return false }
    let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflow || free >= UInt64(Self.roomBytes)
  }

  /// Which file it is; nil: none.
  var identity: Identity? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  struct Identity: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  /// Renames the file and its log, so that a person may look at them; nothing is deleted but earlier ones of these.
  func setAside(_ why: String, at now: Date) throws -> String {
    let stamp = now.formatted(Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted))
    var aside = "\(path).\(why)-\(stamp)"
    var count = 1
    while access(aside, F_OK) == 0 {
      count += 1
      aside = "\(path).\(why)-\(stamp)-\(count)"
    }
    guard rename(path, aside) == 0 || errno == ENOENT else { throw FileTrouble(path: path, code: errno) }
    for suffix in Self.companions where rename(path + suffix, aside + suffix) != 0 && errno != ENOENT {
      // A log that stayed would be taken for the new file's.
      guard unlink(path + suffix) == 0 else { throw FileTrouble(path: path + suffix, code: errno) }
    }
    forgetOldAsides()
    return aside
  }

  private static let companions = ["-wal", "-shm"]

  private func forgetOldAsides() {
    let folder = String(path.dropLast(Self.name.count + 1))
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let asides = names.filter { name in
      name.hasPrefix("\(Self.name).") && !Self.companions.contains { name.hasSuffix($0) }
    }
    // By the time within the name, whatever the reason before it.
    let oldestFirst = asides.sorted { a, b in
      (a.split(separator: "-").dropFirst().joined(), a) < (b.split(separator: "-").dropFirst().joined(), b)
    }
    for name in oldestFirst.dropLast(Self.asides) {
      for suffix in [""] + Self.companions { unlink("\(folder)/\(name)\(suffix)") }
    }
  }
}

/// A system call on the file failed.
struct FileTrouble: Error {
  var path: String
  var code: Int32
}

/// Written by a later version, whose tables we do not know.
struct NewerLedger: Error {}
