import FoundationEssentials
import GRDB
import Pool

/// Has the file open, and opens it again where that helps; on the writer's queue alone.
struct Keeper {
  /// How far numbers jump after a life that did not end properly: its last events may have been told to a follower
  /// and not written.
  static let leap = Backlog.maxEvents

  let file: LedgerFile
  var policy: LedgerPolicy
  private(set) var pool: DatabasePool?
  private var identity: LedgerFile.Identity?
  private var writer = LedgerWriter()
  /// The number of the first event of this life, once it is known that the file can say it.
  private(set) var firstEvent: Int?

  init(file: LedgerFile, policy: LedgerPolicy) {
    self.file = file
    self.policy = policy
  }

  // MARK: Open

  /// Opens what is not open, or not the file that is there any more. Returns what there is to tell.
  mutating func open(at now: Date) throws -> [String] {
    var news: [String] = []
    if pool != nil, identity != file.identity {
      close()
      news.append("\(file.path) was taken away: a new one is begun")
    }
    guard pool == nil else { return news }
    do { try openAsIs() } catch {
      guard let why = Self.reasonToSetAside(error) else { throw error }
      news.append(try setAside(why, error, at: now))
      try openAsIs()
    }
    return news
  }

  private mutating func openAsIs() throws {
    let isNew = file.identity == nil
    let opened = try file.open(maxSize: policy.maxSize)
    do { firstEvent = try begin(opened) ?? (isNew ? 1 : nil) } catch {
      try? opened.close()
      throw error
    }
    pool = opened
    identity = file.identity
    writer = LedgerWriter()
  }

  /// Marks the file as in use. Returns the number after the last one; nil: there was none.
  private func begin(_ pool: DatabasePool) throws -> Int? {
    try pool.write { db in
      let last = try Int.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'event'")
      let wasOpen = try Int.fetchOne(db, sql: "SELECT value FROM mark WHERE name = 'open'")
      try db.execute(sql: "INSERT OR REPLACE INTO mark (name, value) VALUES ('open', 1)")
      // In use before, and nothing was ever written: the first number is free.
      guard let last else { return wasOpen.map { _ in 1 } }
      let (next, overflow) = last.addingReportingOverflow(wasOpen == 0 ? 1 : Self.leap)
      return overflow ? last : next
    }
  }

  /// What a file name says of why it was set aside; nil: it stays.
  private static func reasonToSetAside(_ error: any Error) -> String? {
    switch Trouble(error) {
    case .damaged: "damaged"
    case .newer: "newer"
    case .full, .unavailable: nil
    }
  }

  private mutating func setAside(_ why: String, _ error: any Error, at now: Date) throws -> String {
    close()
    let aside = try file.setAside(why, at: now)
    return "\(file.path) cannot be used (\(Trouble(error).words)): it is kept as \(aside), and a new one is begun"
  }

  // MARK: Write

  /// All or nothing; into a new file where the old one turns out to be damaged. Returns what there is to tell.
  mutating func write(_ batch: Backlog.Batch, at now: Date) throws -> [String] {
    var news = try open(at: now)
    do { try put(batch) } catch {
      guard let why = Self.reasonToSetAside(error) else { throw error }
      news.append(try setAside(why, error, at: now))
      try openAsIs()
      try put(batch)
    }
    return news
  }

  private mutating func put(_ batch: Backlog.Batch) throws {
    guard let pool else { return }
    // What it learnt counts only if the rows are in.
    var next = writer
    try pool.write { db in try next.write(batch, db) }
    writer = next
  }

  /// After `full`: where it is the ledger's own bound that stands in the way, the oldest rows make room for the batch,
  /// more of them each time. Returns what there is to tell.
  mutating func makeRoom(for batch: Backlog.Batch, after error: any Error, at now: Date) throws -> [String] {
    guard let pool, file.diskHasRoom else { throw error }
    for fill in Upkeep.fills {
      while try Upkeep(policy: policy, fill: fill).run(pool, living: writer.living, at: now) {}
      do { return try write(batch, at: now) } catch {
        guard case .full = Trouble(error) else { throw error }
      }
    }
    throw error
  }

  /// Returns true if there is more to do, and what there is to tell.
  mutating func tidy(at now: Date) throws -> (isBusy: Bool, news: [String]) {
    guard let pool else { return (false, []) }
    do { return (try Upkeep(policy: policy).run(pool, living: writer.living, at: now), []) } catch {
      guard let why = Self.reasonToSetAside(error) else { throw error }
      let news = try setAside(why, error, at: now)
      try openAsIs()
      return (false, [news])
    }
  }

  mutating func obey(_ new: LedgerPolicy) throws {
    policy = new
    try pool?.writeWithoutTransaction { db in try LedgerFile.setMaxSize(new.maxSize, db) }
  }

  // MARK: Close

  /// After trouble: the next use opens it anew.
  mutating func close() {
    try? pool?.close()
    pool = nil
    identity = nil
  }

  /// Says in the file that all was written.
  mutating func end() throws {
    try pool?.write { db in try db.execute(sql: "UPDATE mark SET value = 0 WHERE name = 'open'") }
  }
}
