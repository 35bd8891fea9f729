import Foundation
import GRDB
import Pool
import TestSupport
import Testing

@testable import History

/// Nodes outlive the supervisor that knew them.
@Suite struct NodeTests {
  private func row(_ name: String, seen seconds: Int, requests: Int = 1) -> NodeRow {
    var row = NodeRow(name: name, seenAt: (start + seconds) * 1000 + 7)
    row.requests = requests
    return row
  }

  private var full: NodeRow {
    var row = row("web.example", seen: 100, requests: 42)
    row.runStartedAt = row.seenAt - 1000
    row.lastRunStartedAt = row.seenAt - 60_000
    row.reportedAt = row.seenAt - 30_000
    row.status = .failed
    row.catalogMilliseconds = 1250
    row.version = "8.10.0"
    (row.bytes, row.refused) = (1 << 40, 3)
    return row
  }

  @Test func theyComeBackAsTheyWereInAnotherLife() async throws {
    try await withHistory { history, folder async throws in
      history.keep(gone: [], nodes: [full, row("db.example", seen: 200)])
      history.keep(gone: [], nodes: [row("db.example", seen: 300, requests: 9)])
      await history.close()
      let next = History(stateDirectory: folder, policy: LedgerPolicy(), pace: .eager)
      _ = await next.open()
      #expect(await next.nodes(limit: 10) == [row("db.example", seen: 300, requests: 9), full])
      #expect(await next.nodes(limit: 1).map(\.name) == ["db.example"], "who was seen last")
      await next.close()
    }
  }

  @Test func whoIsGoneIsGoneUnlessItCameBack() async throws {
    try await withHistory { history, _ async throws in
      history.keep(gone: [], nodes: [row("a", seen: 1), row("b", seen: 2), row("c", seen: 3)])
      await history.settle()
      history.keep(gone: ["a", "b"], nodes: [row("a", seen: 4)])
      history.keep(gone: ["c"], nodes: [])
      await history.settle()
      #expect(await history.nodes(limit: 10) == [row("a", seen: 4)])
    }
  }

  @Test func manyAreWrittenInBatches() async throws {
    try await withHistory { history, _ async throws in
      let rows = (0..<3500).map { row("n\($0)", seen: $0) }
      history.keep(gone: [], nodes: rows)
      history.keep(gone: rows.prefix(1200).map(\.name), nodes: [row("n0", seen: 9999)])
      await history.settle()
      let kept = await history.nodes(limit: 10_000)
      #expect(kept.count == 2301)
      #expect(kept.first == row("n0", seen: 9999))
    }
  }

  /// While the file cannot be written only the latest of each waits.
  @Test func theyWaitForAFileThatCannotBeWritten() throws {
    var backlog = Backlog()
    for round in 1...50 { backlog.add(gone: [], nodes: (0..<100).map { row("n\($0)", seen: round) }) }
    let batch = try #require(backlog.next)
    #expect(batch.nodes.count == 100)
    // Heard of again while the batch was being written.
    backlog.add(gone: [], nodes: [row("n7", seen: 51)])
    backlog.remove(batch)
    #expect(backlog.next?.nodes == [row("n7", seen: 51)])
    #expect(backlog.lost.isNone)
  }

  @Test func aLedgerOfTheFirstVersionIsBroughtUpToThisOne() async throws {
    try await withTemporaryDirectory { folder async throws in
      let file = LedgerFile(stateDirectory: folder)
      let pool = try file.open(maxSize: .mebibytes(16))
      try await pool.write { db in
        try db.execute(sql: "DROP TABLE node")
        try db.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = '2'")
        try db.execute(sql: "PRAGMA user_version = 1")
      }
      try pool.close()
      let reader = try HistoryReader(stateDirectory: folder)
      #expect(try await reader.nodes(NodeQuery(limit: 10)).nodes.isEmpty, "as it is read before that")
      let history = History(stateDirectory: folder, policy: LedgerPolicy(), pace: .eager)
      _ = await history.open()
      history.keep(gone: [], nodes: [row("a", seen: 1)])
      await history.settle()
      #expect(await history.nodes(limit: 10).count == 1)
      await history.close()
    }
  }

  /// Where nothing else is left to go, nodes make room for what happens.
  @Test func theyMakeRoomWhereNothingElseCan() async throws {
    try await withTemporaryDirectory { folder async throws in
      let pool = try LedgerFile(stateDirectory: folder).open(maxSize: .mebibytes(16))
      try await pool.write { db in
        for index in 0..<20_000 {
          var row = row(String(repeating: "n", count: 100) + "\(index)", seen: index)
          row.version = "8.10.0"
          try NodeTable.write(row, db)
        }
      }
      let upkeep = Upkeep(policy: LedgerPolicy(keep: .seconds(86400), maxSize: .mebibytes(2)))
      while try upkeep.run(pool, living: [], at: moment(20_000)) {}
      let left = try await pool.read { try NodeTable.rows($0, limit: 100_000) }
      #expect((1...19_000).contains(left.count))
      #expect(left.first?.seenAt == row("", seen: 19_999).seenAt, "the newest stay")
    }
  }

  @Test func theyAreShownWhereNoSupervisorRuns() async throws {
    try await withHistory { history, folder async throws in
      let now = Int(Date().timeIntervalSince1970) - start
      history.keep(gone: [], nodes: [full, row("db.example", seen: now - 5)])
      await history.close()
      let document = try await HistoryReader(stateDirectory: folder).nodes(NodeQuery(sort: .silent, limit: 10))
      let web = try #require(document.nodes.first)
      #expect(document.nodes.map(\.name) == ["web.example", "db.example"])
      #expect(document.total == 2)
      #expect(web.overdue)
      #expect(web.lastSeenAt == "2026-11-23T10:01:40.007Z")
      #expect(web.lastRunSeconds == 30)
      #expect(web.catalogSeconds == 1.25)
      #expect(document.nodes.last?.overdue == false)
    }
  }
}
