import Foundation
import GRDB
import Pool
import TestSupport
import Testing

@testable import History

/// What is noted can be read again, by anyone who asks and however it is asked for.
@Suite struct HistoryTests {
  @Test func aNewFileHasTheTablesAndTheModesItShould() async throws {
    try await withHistory { history, folder async throws in
      history.keep(event(1))
      await history.settle()
      #expect(try query(folder, "PRAGMA user_version") == Schema.version)
      #expect(try query(folder, "PRAGMA journal_mode") == "wal")
      #expect(try query(folder, "PRAGMA auto_vacuum") == 2)
      let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/history.sqlite")[.posixPermissions]
      #expect(mode as? Int == 0o640)
    }
  }

  @Test func theWriterDoesNotWaitForTheDiskAtEachTransaction() async throws {
    try await withTemporaryDirectory { folder async throws in
      let pool = try LedgerFile(stateDirectory: folder).open(maxSize: .mebibytes(4))
      let synchronous = try await pool.write { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
      #expect(synchronous == 1, "NORMAL")
    }
  }

  @Test func everyEventComesBackAsItWas() async throws {
    try await withHistory { history, _ async throws in
      let kinds = Event.Kind.allCases.enumerated().map { index, kind in
        event(index + 1, at: index, kind, .masters(index % 3, 7), exit: kind == .exit ? .sample(.memory) : nil)
      }
      for event in kinds { history.keep(event) }
      await history.settle()
      #expect(try await history.reader.events(limit: 100) == kinds)
    }
  }

  @Test func anExitsColumnsAreTyped() async throws {
    try await withHistory { history, folder async throws in
      let ended = ExitRow.sample(.stuck, pid: 77, age: 12.5, served: 8, lost: 1)
      history.keep(event(5, at: 900, .exit, .masters(2, 3), exit: ended))
      await history.settle()
      let queue = try ledger(in: folder)
      let row = try queue.read { try Row.fetchOne($0, sql: "SELECT * FROM exit") }
      let exit = try #require(row)
      #expect(exit["reason"] == "stuck")
      #expect(exit["slot"] == 2)
      #expect(exit["age_seconds"] == 12.5)
      #expect(exit["requests_lost"] == 1)
      #expect(exit["memory_at_death_bytes"] == 300_000_000)
      #expect(exit["measured_limit"] == "15m")
    }
  }

  static let exits = [
    event(1, at: 0, .exit, .masters(0, 1), exit: .sample(.timer, age: 100)),
    event(2, at: 10, .wipe, .masters(0, 1)),
    event(3, at: 20, .exit, .masters(1, 1), exit: .sample(.memory, age: 50, lost: 2)),
    event(4, at: 30, .exit, .masters(0, 2), exit: .sample(.timer, age: 300)),
    event(5, at: 40, .exit, .masters(0, 1, in: .others), exit: .sample(.crash, age: 1)),
    event(6, at: 50, .supervisor),
  ]

  @Test(arguments: [
    (EventFilter(), [1, 2, 3, 4, 5, 6]), (EventFilter(kinds: [.exit]), [1, 3, 4, 5]),
    (EventFilter(kinds: [.wipe, .supervisor]), [2, 6]), (EventFilter(reasons: [.timer]), [1, 4]),
    (EventFilter(reasons: [.memory, .crash]), [3, 5]), (EventFilter(target: .pool(.masters)), [1, 2, 3, 4]),
    (EventFilter(target: .slot(SlotID(pool: .masters, index: 0))), [1, 2, 4]),
    (EventFilter(target: .slot(SlotID(pool: .masters, index: 0)), generation: 2), [4]),
    (EventFilter(since: Moments.text(moment(20))), [3, 4, 5, 6]),
    (EventFilter(until: Moments.text(moment(20))), [1, 2]),
    (EventFilter(reasons: [.timer], since: Moments.text(moment(1)), until: Moments.text(moment(31))), [4]),
  ])
  func filtersFindTheSameInTheFileAsInMemory(filter: EventFilter, ids: [Int]) async throws {
    try await withHistory { history, _ async throws in
      for event in Self.exits { history.keep(event) }
      await history.settle()
      #expect(try await history.reader.events(filter, limit: 100).map(\.id) == ids)
      #expect(Self.exits.filter(filter.matches).map(\.id) == ids)
    }
  }

  @Test func pagesGoForwardsFromANumberAndBackwardsFromTheEnd() async throws {
    try await withHistory { history, _ async throws in
      for id in 1...10 { history.keep(event(id)) }
      await history.settle()
      let reader = try history.reader
      #expect(try await reader.events(limit: 3).map(\.id) == [8, 9, 10])
      #expect(try await reader.events(before: 8, limit: 3).map(\.id) == [5, 6, 7])
      #expect(try await reader.events(after: 2, limit: 3).map(\.id) == [3, 4, 5])
      #expect(try await reader.events(after: 2, before: 4, limit: 3).map(\.id) == [3])
      #expect(try await reader.events(limit: 0).isEmpty)
    }
  }

  @Test func theSummaryCountsAlsoWhatIsNotShown() async throws {
    try await withHistory { history, _ async throws in
      for event in Self.exits { history.keep(event) }
      await history.settle()
      let document = try await history.reader.history(EventFilter(target: .pool(.masters)), limit: 1)
      #expect(document.exits.map(\.id) == [4])
      #expect(document.summary.exits == 3)
      #expect(document.summary.meanAgeSeconds == 150)
      #expect(document.summary.requestsLost == 2)
      #expect(document.summary.byReason.map(\.reason) == [.timer, .memory])
      #expect(document.summary.byReason.first?.meanAgeSeconds == 200)
      #expect(document.summary.byReason.first?.memoryMaxBytes == 300_000_000)
      let none = try await history.reader.history(EventFilter(reasons: [.deploy]), limit: 1)
      #expect(none.summary.exits == 0 && none.summary.meanAgeSeconds == nil)
    }
  }

  @Test func whatALaterVersionSaidIsShownAllTheSame() async throws {
    try await withHistory { history, folder async throws in
      history.keep(event(1))
      await history.settle()
      let document = #"{"id":1,"at":"2026-11-23T10:00:00.000Z","kind":"miracle","message":"water is wine"}"#
      try await ledger(in: folder).write { db in
        try db.execute(sql: "UPDATE event SET kind = 'miracle', document = ?", arguments: [document])
      }
      #expect(try await history.reader.events(limit: 1).map(\.message) == ["miracle: water is wine"])
    }
  }

  // MARK: Numbers

  @Test func numbersGoOnWhereTheLastLifeLeftOff() async throws {
    try await withTemporaryDirectory { folder async throws in
      func life(_ body: (History, Int) async -> Void) async {
        let history = History(stateDirectory: folder, policy: LedgerPolicy(), pace: .eager)
        await body(history, await history.open())
      }
      await life { history, first in
        #expect(first == 1)
        for id in 1...5 { history.keep(event(id)) }
        await history.close()
      }
      await life { history, first in
        #expect(first == 6)
        history.keep(event(6))
        await history.settle()
        // It dies: who followed it may have seen events that were not written.
      }
      await life { history, first in
        #expect(first == 6 + Keeper.leap)
        history.keep(event(first))
        await history.close()
      }
      let queue = try ledger(in: folder)
      try await queue.write { try $0.execute(sql: "DELETE FROM event") }
      await life { history, first in
        #expect(first == 7 + Keeper.leap, "also after all of them were forgotten")
        await history.close()
      }
    }
  }

  // MARK: Readers

  @Test func whoReadsTheFileOfALivingOneSeesWholeTransactionsOnly() async throws {
    try await withHistory { history, folder async throws in
      history.keep(event(1))
      await history.settle()
      let writing = Task {
        for id in 2...3000 {
          history.keep(event(id))
          if id % 100 == 0 { await history.settle() }
        }
      }
      var seen = 0
      while seen < 3000 {
        let ids = try await HistoryReader(stateDirectory: folder).events(limit: 10_000).map(\.id)
        #expect(ids == Array(1...max(1, ids.count)))
        #expect(ids.count >= seen)
        seen = ids.count
        if seen >= 2900 { break }
      }
      await writing.value
    }
  }

  @Test func aDeadOnesFileIsReadWithoutAChange() async throws {
    try await withTemporaryDirectory { folder async throws in
      let history = History(stateDirectory: folder, policy: LedgerPolicy(), pace: .eager)
      _ = await history.open()
      for event in Self.exits { history.keep(event) }
      await history.close()
      let before = try Data(contentsOf: URL(filePath: "\(folder)/history.sqlite"))
      let document = try await HistoryReader(stateDirectory: folder).history(limit: 10)
      #expect(document.exits.map(\.id) == [1, 3, 4, 5])
      #expect(try Data(contentsOf: URL(filePath: "\(folder)/history.sqlite")) == before)
    }
  }

  @Test func whereThereIsNoneTheReaderSaysSo() async throws {
    try await withTemporaryDirectory { folder async throws in
      let why: String
      do throws(HistoryUnreadable) {
        _ = try HistoryReader(stateDirectory: folder)
        why = ""
      } catch { why = error.description }
      #expect(why.contains("there is no \(folder)/history.sqlite"))
    }
  }
}
