import Foundation
import Pool
import Seeded
import Testing

/// Who is remembered, who is overdue, and who makes room.
@Suite struct NodeBookTests {
  private func book(limit: Int = 100, overdue: Double = 100, forget: Double = 1000) -> NodeBook {
    NodeBook(policy: NodePolicy(limit: limit, overdue: .seconds(overdue), forget: .seconds(forget)))
  }

  @Test func whoIsSilentForTooLongIsOverdueUntilItIsBack() {
    var book = book()
    book.hear(seen("a", 10), seen("b", 20), at: 20)
    #expect(book.look(at: clock(110)).silent == [])
    #expect(book.look(at: clock(110.5)).silent == ["a"], "longer than 100 s")
    #expect(book.overdue == 1)
    #expect(book.look(at: clock(115)).silent == [], "it is told once")
    book.hear(seen("a", 118), at: 118)
    #expect(book.overdue == 0)
    let look = book.look(at: clock(121))
    #expect(look.back == ["a"])
    #expect(look.silent == ["b"])
    #expect(book.look(at: clock(122)).back == [])
    #expect(book.overdueNames == ["b"])
  }

  @Test func whoIsSilentForVeryLongIsForgotten() {
    var book = book()
    book.hear(seen("a", 10), seen("b", 500), at: 500)
    _ = book.takeChanges()
    _ = book.look(at: clock(1011))
    #expect(book.names == ["b"])
    #expect(book.overdue == 1)
    let changes = book.takeChanges()
    #expect(changes.gone == ["a"])
    #expect(changes.changed.isEmpty)
    #expect(book["a"] == nil)
  }

  @Test func whoWasSilentForLongestMakesRoom() {
    var book = book(limit: 2)
    book.hear(seen("a", 10), seen("b", 20), seen("a", 30), seen("c", 40), at: 40)
    #expect(book.names == ["a", "c"])
    #expect(book.displaced == 1)
    let changes = book.takeChanges()
    #expect(changes.gone == ["b"])
    #expect(changes.changed.map(\.name).sorted() == ["a", "c"])
  }

  @Test func whoComesBackAfterItMadeRoomIsBothGoneAndThere() {
    var book = book(limit: 1)
    book.hear(seen("a", 10), seen("b", 20), seen("a", 30), at: 30)
    let changes = book.takeChanges()
    #expect(changes.gone == ["a", "b"])
    #expect(changes.changed.map(\.name) == ["a"], "which is put in after it was taken out")
  }

  @Test func changesAreToldOnce() {
    var book = book()
    book.hear(seen("a", 10), seen("b", 20), at: 20)
    #expect(book.takeChanges().changed.count == 2)
    book.hear(seen("b", 30), at: 30)
    book.hear(seen("b", 31), at: 31)
    #expect(book.takeChanges().changed.map(\.name) == ["b"])
    #expect(book.takeChanges().changed.isEmpty)
    book.markAll()
    #expect(book.takeChanges().changed.map(\.name) == ["a", "b"])
  }

  @Test func otherBoundsHoldAtOnce() {
    var book = book()
    book.hear(seen("a", 10), seen("b", 50), seen("c", 90), at: 90)
    _ = book.look(at: clock(120))
    #expect(book.overdueNames == ["a"])
    book.change(to: NodePolicy(limit: 100, overdue: .seconds(50), forget: .seconds(1000)), at: clock(120))
    #expect(book.overdueNames == ["a", "b"])
    #expect(book.look(at: clock(120)).silent == [])
    book.change(to: NodePolicy(limit: 2, overdue: .seconds(200), forget: .seconds(1000)), at: clock(120))
    #expect(book.names == ["b", "c"])
    #expect(book.overdue == 0)
    #expect(book.look(at: clock(251)).silent == ["b"])
  }

  @Test func aTimeInWhichNobodyListenedIsHeldAgainstNobody() {
    var before = book()
    before.hear(seen("dead", 10), seen("a", 150), seen("b", 160), at: 160)
    var after = book()
    // 240 s later.
    after.load(before.records.map(\.record), at: clock(400))
    #expect(after.overdueNames == ["dead"], "it was silent for 150 s while somebody listened")
    #expect(after.look(at: clock(400)).silent == [], "which the earlier supervisor has told")
    #expect(after.look(at: clock(490)).silent == [])
    #expect(after.look(at: clock(491)).silent == ["a"], "10 s before, 91 since")
    after.hear(seen("a", 495), at: 495)
    #expect(after.look(at: clock(594)).silent == ["b"])
    #expect(after.look(at: clock(596)).silent == ["a"])
    #expect(after.takeChanges().changed.map(\.name) == ["a"], "the others are kept already")
  }

  @Test func whatOthersKnewLessOfIsNotLoadedOverWhatIsKnown() {
    var book = book()
    book.hear(seen("a", 50), at: 50)
    book.load([NodeRecord(name: "a", seen: clock(10)), NodeRecord(name: "b", seen: clock(20))], at: clock(60))
    #expect(book.count == 2)
    #expect(book["a"]?.seen == clock(50))
  }

  @Test func nobodyIsSeenInTheFuture() {
    var book = book()
    book.hear(seen("a", 1_000_000), at: 10)
    #expect(book["a"]?.seen == clock(10))
  }

  /// Against one that is simple and slow.
  @Test(arguments: 0..<40) func itAgreesWithAPlainAccount(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var book = book(limit: 8, overdue: 100, forget: 400)
    var plain: [String: (seen: Double, isOverdue: Bool)] = [:]
    var now = 0.0
    for _ in 0..<400 {
      now += Double(Int.random(in: 0...30, using: &random))
      if Int.random(in: 0...3, using: &random) > 0 {
        let name = "node\(Int.random(in: 0..<12, using: &random))"
        if plain[name] == nil, plain.count == 8, let oldest = plain.min(by: { $0.value.seen < $1.value.seen }) {
          plain[oldest.key] = nil
        }
        // Two that were seen at one moment may stand in either order.
        now += 0.001
        plain[name] = (now, false)
        book.hear(seen(name, now), at: now)
      } else {
        let silent = plain.filter { !$0.value.isOverdue && now - $0.value.seen > 100.0000001 }.map(\.key)
        for name in silent { plain[name]?.isOverdue = true }
        plain = plain.filter { now - $0.value.seen <= 400.0000001 }
        #expect(Set(book.look(at: clock(now)).silent) == Set(silent))
      }
      let ordered = plain.sorted { $0.value.seen < $1.value.seen }
      #expect(book.names == ordered.map(\.key))
      #expect(Set(book.overdueNames) == Set(plain.filter(\.value.isOverdue).keys))
      #expect(book.overdue == book.overdueNames.count)
    }
  }

  @Test func aHundredThousandNodesAreNoTrouble() {
    var book = NodeBook(policy: NodePolicy(limit: 100_000))
    for page in 0..<400 {
      book.learn(
        NodeNews(notes: (0..<256).map { seen("node\(page * 256 + $0).example.com", Double(page)) }), at: clock(400))
    }
    #expect(book.count == 100_000)
    #expect(book.displaced == 2400)
    #expect(book.look(at: clock(400 + 7201)).silent.count == 100_000)
    #expect(book.overdue == 100_000)
  }

  // MARK: On the link, on the wall

  @Test func newsComeOverTheLinkInPages() throws {
    var deeds = NodeDeeds(seen: clock(12))
    for request in [asks(.beginning, 1), asks(.catalog, 2, worked: 1), asks(.report, 5, .changed), asks(.file, 9)] {
      deeds.add(request)
    }
    deeds.version = AgentVersion("8.10.0")
    let notes = (0..<600).map { NodeNote(node: "n\($0)", deeds: $0 % 2 == 0 ? deeds : NodeDeeds(seen: clock(3))) }
    let pages = NodeNews(notes: notes, lost: 7).pages
    #expect(pages.map(\.notes.count) == [256, 256, 88])
    #expect(pages.map(\.lost) == [7, 0, 0])
    #expect(pages.flatMap(\.notes) == notes)
    for page in pages {
      let line = try JSONEncoder().encode(ProxyReport.nodes(page))
      #expect(line.count < Link.maxLineBytes / 16)
      #expect(try JSONDecoder().decode(ProxyReport.self, from: line) == .nodes(page))
    }
    #expect(NodeNews(notes: []).pages.isEmpty)
    #expect(NodeNews(notes: [], lost: 1).pages.count == 1)
    // A later version says more.
    let more = Data(#"["n",1,1,0,0,null,false,null,"pending",null,null,null,"more"]"#.utf8)
    let understood = try JSONDecoder().decode(NodeNote.self, from: more)
    #expect(understood.node == "n" && understood.deeds.status == nil)
  }

  @Test func aRecordOutlivesTheMachinesUptime() {
    var record = NodeRecord(name: "web", seen: clock(5000))
    record.runStarted = clock(4990)
    record.lastRunStarted = clock(3000)
    record.reported = clock(3030.5)
    record.status = .changed
    record.catalog = .milliseconds(1250)
    record.version = AgentVersion("8.10.0")
    (record.requests, record.bytes, record.refused) = (7, 8, 9)
    let row = NodeRow(record, WallOffset(milliseconds: 1_795_428_000_000))
    #expect(row.seenAt == 1_795_428_000_000 + 5_000_000)
    // Rebooted a minute ago.
    let later = WallOffset(milliseconds: row.seenAt + 100_000 - 60_000)
    let again = NodeRecord(row, later, now: clock(60))
    #expect(again.seen == clock(-40))
    #expect(again.lastRun == .milliseconds(30_500))
    #expect(NodeRow(again, later) == row)
    // The clock was set back by a day.
    #expect(NodeRecord(row, WallOffset(milliseconds: row.seenAt - 86_400_000), now: clock(60)).seen == clock(60))
  }

  // MARK: Told of

  @Test func manyAreToldOfInFewSentences() {
    var herald = NodeHerald()
    #expect(herald.take(at: clock(0)) == nil)
    herald.add(["a"])
    let first = herald.take(at: clock(1))
    #expect(first?.count == 1 && first?.who == "a")
    herald.add((0..<7).map { "n\($0)" })
    #expect(herald.take(at: clock(60)) == nil)
    herald.add(["z"])
    let second = herald.take(at: clock(61))
    #expect(second?.count == 8 && second?.who == "n0, n1, n2, n3, n4 and 3 more")
    #expect(herald.take(at: clock(200)) == nil)
  }

  // MARK: Shown

  static let orders: [(NodeQuery.Sort, [String])] = [
    (.name, ["a", "b", "c", "d"]), (.seen, ["d", "c", "b", "a"]), (.silent, ["a", "b", "c", "d"]),
    (.run, ["b", "a", "c", "d"]), (.catalog, ["a", "b", "c", "d"]), (.requests, ["b", "a", "c", "d"]),
    (.status, ["b", "a", "c", "d"]), (.refused, ["c", "a", "b", "d"]), (.version, ["a", "b", "c", "d"]),
    (.bytes, ["b", "a", "c", "d"]),
  ]

  @Test(arguments: orders) func theyAreShownInTheOrderThatIsAskedFor(_ sort: NodeQuery.Sort, _ names: [String]) {
    var book = book()
    book.hear(note("a", [asks(.catalog, 10, worked: 3), asks(.report, 12, .changed)]), at: 100)
    book.hear(note("b", [asks(.beginning, 15), asks(.catalog, 16, worked: 2), asks(.report, 60, .failed)]), at: 100)
    book.hear(note("c", [asks(.catalog, 61), asks(.catalog, 62, refused: true)]), at: 100)
    book.hear(seen("d", 70), at: 100)
    let document = shown(book, NodeQuery(sort: sort, limit: 10))
    #expect(document.nodes.map(\.name) == names)
  }

  @Test func onlyThoseThatFitAreShownAndCounted() {
    var book = book()
    for index in 0..<10 { book.hear(seen("n\(index)", Double(index * 10)), at: 90) }
    _ = book.look(at: clock(125))
    let silent = shown(book, NodeQuery(silentFor: .seconds(85), sort: .silent, limit: 3), at: 125)
    #expect(silent.nodes.map(\.name) == ["n0", "n1", "n2"])
    #expect(silent.nodes.map(\.overdue) == [true, true, true])
    #expect((silent.total, silent.fitting, silent.overdueTotal, silent.overdueSeconds) == (10, 4, 3, 100))
    let one = shown(book, NodeQuery(name: "n4", limit: 3), at: 125)
    #expect(one.nodes.map(\.name) == ["n4"])
    #expect(one.nodes.first?.silentSeconds == 85)
    #expect(one.nodes.first?.lastSeenAt == "40000 ms")
    #expect(one.nodes.first?.quarantined == true)
    #expect(shown(book, NodeQuery(name: "nobody", limit: 3)).nodes.isEmpty)
  }

  private func shown(_ book: NodeBook, _ query: NodeQuery, at now: Double = 100) -> NodesDocument {
    NodesDocument(book, query, quarantined: ["n4"], at: clock(now), WallOffset(milliseconds: 0)) { "\($0) ms" }
  }
}
