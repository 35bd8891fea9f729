import Pool
import Testing

/// Where a run begins, where it ends, and how long it took.
@Suite struct NodeRunTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// What is told in one go, in the order in which it is told.
    var told: [[NodeRequest]]
    var started: Double?
    var lastStarted: Double?
    var reported: Double?

    init(
      _ name: String, _ told: [[NodeRequest]], started: Double? = nil, last: Double? = nil, reported: Double? = nil
    ) {
      testDescription = name
      self.told = told
      self.started = started
      lastStarted = last
      self.reported = reported
    }
  }

  static let cases = [
    Case("nothing of a run", [[asks(.other, 10)]]),
    Case("under way", [[asks(.beginning, 10)], [asks(.catalog, 20)], [asks(.file, 30)]], started: 10),
    Case(
      "whole, told piece by piece", [[asks(.beginning, 10)], [asks(.file, 20)], [asks(.report, 50)]], last: 10,
      reported: 51),
    Case(
      "whole, told in one go", [[asks(.beginning, 10), asks(.catalog, 11), asks(.report, 12)]], last: 10, reported: 13
    ),
    Case(
      "and the next begun in the same go", [[asks(.file, 10), asks(.report, 12), asks(.file, 20)]], started: 20,
      last: 10, reported: 13),
    Case("without its node", [[asks(.catalog, 10)], [asks(.report, 40)]], last: 10, reported: 41),
    Case("a report alone", [[asks(.report, 40)]], reported: 41),
    Case(
      "its report was lost, the next begins with its node",
      [[asks(.beginning, 10)], [asks(.file, 200)], [asks(.beginning, 400)], [asks(.report, 450)]], last: 400,
      reported: 451),
    Case(
      "its report was lost, the next begins with a file after a silence",
      [[asks(.file, 10)], [asks(.file, 1500)], [asks(.report, 1550)]], last: 1500, reported: 1551),
    Case("a long silence within it", [[asks(.catalog, 10)], [asks(.report, 3000)]], last: 10, reported: 3001),
    Case("refused, and then let in", [[asks(.beginning, 10, refused: true)], [asks(.catalog, 60)]], started: 60),
    Case(
      "the report is told before the start, by another loop", [[asks(.report, 12)], [asks(.catalog, 10)]], last: 10,
      reported: 13),
    Case(
      "the next run's start is told before the report",
      [[asks(.file, 10)], [asks(.beginning, 20)], [asks(.report, 15)]],
      started: 20, reported: 16),
    Case("two loops tell of its first requests", [[asks(.file, 12)], [asks(.file, 11)]], started: 11),
    Case("an old report again", [[asks(.report, 50)], [asks(.report, 20)]], reported: 51),
  ]

  @Test(arguments: cases) func aRunGoesFromItsFirstRequestToItsReport(_ one: Case) throws {
    var book = NodeBook()
    for requests in one.told { book.hear(note("web", requests), at: 10_000) }
    let web = try #require(book["web"])
    #expect(web.runStarted == one.started.map(clock))
    #expect(web.lastRunStarted == one.lastStarted.map(clock))
    #expect(web.reported == one.reported.map(clock))
    let took = one.lastStarted.flatMap { start in one.reported.map { $0 - start } }
    #expect(web.lastRun?.inSeconds == took)
    #expect(web.requests == one.told.joined().count)
    #expect(web.bytes == 100 * web.requests)
  }

  @Test func whatItSaysLastStands() throws {
    var book = NodeBook()
    book.hear(note("web", [asks(.catalog, 10, worked: 2.5), asks(.report, 20, .failed)]), at: 100)
    book.hear(note("web", [asks(.file, 30), asks(.catalog, 31, refused: true)]), at: 100)
    var web = try #require(book["web"])
    #expect(web.catalog == .milliseconds(2500))
    #expect(web.status == .failed)
    #expect(web.refused == 1)
    #expect(web.requests == 4)
    book.hear(note("web", [asks(.catalog, 40, worked: 1), asks(.report, 50, .unchanged)]), at: 100)
    web = try #require(book["web"])
    #expect(web.catalog == .seconds(1))
    #expect(web.status == .unchanged)
    // A report that says nothing that can be read is not taken for the one before it.
    book.hear(note("web", [asks(.report, 60)]), at: 100)
    #expect(book["web"]?.status == nil)
  }

  static let routes: [(String, RoutePriority, RunPart)] = [
    ("/puppet/v3/node/{certname}", .catalog, .beginning), ("/puppet/v3/catalog/{certname}", .catalog, .catalog),
    ("/puppet/v3/facts/{certname}", .catalog, .other), ("/puppet/v3/report/{certname}", .report, .report),
    ("/puppet/v3/file_content/", .file, .file), ("/anything/", .catalog, .catalog), ("/", .normal, .other),
  ]

  @Test(arguments: routes) func aRoutesRankSaysWhatItsRequestsAre(
    _ path: String, _ priority: RoutePriority, _ part: RunPart
  ) throws {
    let pool = try #require(PoolName(rawValue: "masters"))
    #expect(RunPart(Route(path: path, allow: .any, pool: pool, priority: priority)) == part)
  }
}
