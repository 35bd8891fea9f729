import Dispatch
import Foundation
import GRDB
import Glibc
import Pool
import Synchronization
import TestSupport
import Testing

@testable import History

/// Whatever happens to the file: it is told, nobody waits, and it goes on.
@Suite struct TroubleTests {
  private func open(
    _ folder: String, _ policy: LedgerPolicy = LedgerPolicy(), pace: History.Pace = .eager
  ) async -> (history: History, ears: Ears, first: Int) {
    let history = History(stateDirectory: folder, policy: policy, pace: pace)
    let ears = Ears(history)
    return (history, ears, await history.open())
  }

  /// Waits until the ledger has these events, and no others.
  private func expect(_ ids: [Int], in folder: String) async throws {
    let deadline = Deadline.after(.seconds(60))
    var found: [Int] = []
    while found != ids, !deadline.passed {
      found = (try? await HistoryReader(stateDirectory: folder).events(limit: 10_000).map(\.id)) ?? []
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(found == ids)
  }

  // MARK: Damage

  @Test(arguments: [
    "this is no database, but it is long enough to be looked at as if it were one",
    String(repeating: "x", count: 9000),
  ])
  func whatIsNoLedgerIsKeptAsideAndANewOneBegun(content: String) async throws {
    try await withTemporaryDirectory { folder async throws in
      try content.write(toFile: "\(folder)/history.sqlite")
      let before = Int(Date().timeIntervalSince1970 * 1000)
      let (history, ears, first) = await open(folder)
      #expect(first >= before, "above whatever was in it")
      history.keep(event(first))
      try await expect([first], in: folder)
      let news = try await ears.first("is kept as")
      let asides = names(in: folder).filter { $0.contains(".damaged-") }
      let aside = try #require(asides.first)
      #expect(news.contains(aside))
      #expect(text(ofFile: "\(folder)/\(aside)") == content)
      await history.close()
    }
  }

  @Test func aFileThatIsDamagedWhileItIsUsedIsReplaced() async throws {
    try await withTemporaryDirectory { folder async throws in
      let (history, ears, _) = await open(folder)
      for id in 1...2000 { history.keep(event(id)) }
      await history.settle()
      try await ledger(in: folder).writeWithoutTransaction { db in
        _ = try db.checkpoint(.truncate)
      }
      let file = try FileHandle(forWritingTo: URL(filePath: "\(folder)/history.sqlite"))
      let size = try file.seekToEnd()
      try file.seek(toOffset: 4096)
      try file.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4096))
      try file.close()
      var id = 2000
      while !ears.all.contains(where: { $0.contains("is kept as") }), id < 20_000 {
        id += 1
        history.keep(event(id))
        await history.settle()
      }
      try await ears.first("is kept as")
      history.keep(event(id + 1))
      await history.settle()
      let last = try await history.reader.events(limit: 1)
      #expect(last.map(\.id) == [id + 1])
      await history.close()
    }
  }

  @Test func aLaterVersionsFileIsKeptForIt() async throws {
    try await withTemporaryDirectory { folder async throws in
      var (history, ears, first) = await open(folder)
      history.keep(event(first))
      await history.close()
      try await ledger(in: folder).write { db in
        try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')")
      }
      #expect(throws: HistoryUnreadable.self) { try HistoryReader(stateDirectory: folder) }
      (history, ears, first) = await open(folder)
      try await ears.first("newer masterpool")
      let asides = names(in: folder).filter { $0.contains(".newer-") }
      #expect(!asides.isEmpty)
      history.keep(event(first))
      try await expect([first], in: folder)
      await history.close()
    }
  }

  @Test func onlyTheLastAsidesAreKept() async throws {
    try await withTemporaryDirectory { folder async throws in
      let file = LedgerFile(stateDirectory: folder)
      var made: [String] = []
      for number in 0..<5 {
        try "bad \(number)".write(toFile: file.path)
        made.append(try file.setAside("damaged", at: moment(number / 2)))
      }
      let left = names(in: folder).map { "\(folder)/\($0)" }
      #expect(left == made.suffix(LedgerFile.asides).sorted())
    }
  }

  @Test func aFileThatIsTakenAwayIsBegunAnew() async throws {
    try await withTemporaryDirectory { folder async throws in
      let (history, ears, _) = await open(folder)
      history.keep(event(1))
      await history.settle()
      for name in names(in: folder) { try FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
      history.keep(event(2))
      try await expect([2], in: folder)
      try await ears.first("was taken away")
      await history.close()
    }
  }

  // MARK: Not now

  @Test func aLockedFileIsWrittenLater() async throws {
    try await withTemporaryDirectory { folder async throws in
      let (first, _, _) = await open(folder)
      first.keep(event(1))
      await first.close()
      let lock = try Lock(folder)
      let (history, ears, number) = await open(folder)
      #expect(number > 1_000_000_000_000, "the time, since the file could not say")
      history.keep(event(number))
      try await ears.first("cannot be written")
      try lock.release()
      try await ears.first("is written again: nothing was lost")
      try await expect([1, number], in: folder)
      await history.close()
    }
  }

  @Test func aFolderThatComesLaterIsUsedThen() async throws {
    try await withTemporaryDirectory { folder async throws in
      let state = "\(folder)/state"
      let (history, ears, number) = await open(state)
      history.keep(event(number))
      try await ears.first("No such file")
      #expect(history.trouble != nil)
      #expect(throws: HistoryUnreadable.self) { try history.reader }
      try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: false)
      try await expect([number], in: state)
      try await ears.first("is written again")
      #expect(history.trouble == nil)
      await history.close()
    }
  }

  // MARK: No room

  /// A disk that is full, and then is not.
  @Test func aFullDiskIsToldAndWaitedFor() async throws {
    try await withTinyDisk { folder async throws in
      let (history, ears, _) = await open(folder)
      history.keep(event(1))
      await history.settle()
      let ballast = "\(folder)/ballast"
      fill(ballast)
      let long = String(repeating: "x", count: 3000)
      for id in 2...300 { history.keep(Event(id: id, at: "2026-11-23T10:00:00.000Z", kind: .command, message: long)) }
      try await ears.first("cannot be written")
      let told = ears.all
      await history.settle()
      await history.settle()
      #expect(ears.all == told, "once, not at each attempt")
      #expect(try await HistoryReader(stateDirectory: folder).events(limit: 1).map(\.id) == [1], "and can be read")
      unlink(ballast)
      try await expect(Array(1...300), in: folder)
      try await ears.first("is written again: nothing was lost")
      await history.close()
    }
  }

  @Test func aDiskThatIsReadOnlyIsTold() async throws {
    try await withTinyDisk { folder async throws in
      let (first, _, _) = await open(folder)
      first.keep(event(1))
      await first.close()
      try await mount("-o", "remount,ro", folder)
      let (history, ears, number) = await open(folder)
      history.keep(event(number))
      try await ears.first("cannot be written")
      #expect(try await HistoryReader(stateDirectory: folder).events(limit: 9).map(\.id) == [1])
      try await mount("-o", "remount,rw", folder)
      try await expect([1, number], in: folder)
      await history.close()
    }
  }

  /// The bound of its own makes room by itself.
  @Test func withinItsOwnBoundTheOldestMakesRoom() async throws {
    try await withTemporaryDirectory { folder async throws in
      var slow = History.Pace.eager
      slow.upkeep = 3600
      let (history, ears, _) = await open(folder, LedgerPolicy(maxSize: .mebibytes(1)), pace: slow)
      let long = String(repeating: "x", count: 1000)
      for id in 1...3000 {
        history.keep(Event(id: id, at: Moments.text(moment(id)), kind: .command, message: long))
        if id % 200 == 0 { await history.settle() }
      }
      await history.settle()
      let kept = try await history.reader.events(limit: 10_000).map(\.id)
      #expect(kept.last == 3000)
      #expect(kept.count > 300 && kept.count < 1000, "\(kept.count)")
      #expect(ears.all.isEmpty, "\(ears.all)")
      await history.close()
    }
  }

  // MARK: Too slow

  /// A disk that hangs holds up nobody who has something to say; what is too much is counted.
  @Test func aWriterThatHangsHoldsUpNobody() async throws {
    try await withTemporaryDirectory { folder async throws in
      let gate = DispatchSemaphore(value: 0)
      let isHeld = Mutex(true)
      var pace = History.Pace.eager
      pace.beforeWrite = { if isHeld.withLock({ $0 }) { gate.wait() } }
      let (history, ears, _) = await open(folder, pace: pace)
      let extra = 500
      for id in 1...Backlog.maxEvents + extra { history.keep(event(id)) }
      let samples = (0..<Backlog.maxSamples + extra).map { sample(.masters(0, 1), at: $0) }
      history.keep(Array(samples.prefix(20_000)))
      history.keep(Array(samples.dropFirst(20_000)))
      #expect(history.lostRows == 2 * extra)
      isHeld.withLock { $0 = false }
      gate.signal()
      try await ears.first("\(extra) events and \(extra) samples were lost")
      #expect(try await history.reader.events(limit: 20_000).map(\.id) == Array(1...Backlog.maxEvents))
      // Whoever counts on the last number now would give some of them twice.
      await history.close()
      let (next, _, number) = await open(folder)
      #expect(number >= Backlog.maxEvents + extra)
      await next.close()
    }
  }

  @Test func aStartDoesNotWaitLongerThanItsPatience() async throws {
    try await withTemporaryDirectory { folder async throws in
      let (first, _, _) = await open(folder)
      await first.close()
      let lock = try Lock(folder)
      var pace = History.Pace.eager
      pace.patience = 0.05
      let (history, _, number) = await open(folder, pace: pace)
      #expect(number > 1_000_000_000_000)
      try lock.release()
      await history.close()
    }
  }

  private func fill(_ path: String) {
    let descriptor = Glibc.open(path, O_CREAT | O_WRONLY, 0o600)
    let chunk = [UInt8](repeating: 1, count: 4096)
    while write(descriptor, chunk, chunk.count) > 0 {}
    close(descriptor)
  }
}

/// Holds a database as a program would that makes a copy of it with everything shut out.
private final class Lock: Sendable {
  private let queue: DatabaseQueue

  init(_ folder: String) throws {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    queue = try ledger(in: folder, configuration)
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
      try db.execute(sql: "BEGIN EXCLUSIVE")
      try db.execute(sql: "UPDATE mark SET value = value")
    }
  }

  func release() throws {
    try queue.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try queue.close()
  }
}

/// A file system of eight mebibytes, where the machine lets us have one.
private func withTinyDisk(_ body: (String) async throws -> Void) async throws {
  try await withTemporaryDirectory { folder async throws in
    do { try await mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", folder) } catch {
      print("no file system of its own for this test: \(error)")
      return
    }
    defer { umount2(folder, Int32(MNT_DETACH)) }
    try await body(folder)
  }
}

private func mount(_ arguments: String...) async throws {
  let result = try await run("/usr/bin/mount", arguments)
  guard result.status == .exited(0) else { throw HarnessFailure("mount: \(result.errors)") }
}
