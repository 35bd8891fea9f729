import Foundation
import Pool
import TestSupport
import Testing

@testable import Control

extension NodeBook {
  /// Two nodes, all of whose members have values between them; `web.example` is overdue at 8000 s.
  static var sample: NodeBook {
    func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }
    var book = NodeBook()
    var web = NodeDeeds(seen: at(700))
    web.add(NodeRequest(.beginning, began: at(600), ended: at(601), bytes: 2048, version: AgentVersion("8.10.0")))
    web.add(NodeRequest(.catalog, began: at(610), ended: at(613), bytes: 1 << 20, worked: .milliseconds(2500)))
    web.add(NodeRequest(.report, began: at(640), ended: at(640.5), status: .failed))
    web.add(NodeRequest(.file, began: at(690), ended: at(700), isRefused: true))
    web.add(NodeRequest(.beginning, began: at(699), ended: at(700)))
    var db = NodeDeeds(seen: at(7990))
    db.add(NodeRequest(.other, began: at(7990), ended: at(7990)))
    book.learn(
      NodeNews(
        notes: [NodeNote(node: "web.example", deeds: web), NodeNote(node: "db.example", deeds: db)], lost: 4),
      at: at(8000))
    _ = book.look(at: at(8000))
    return book
  }
}

/// The nodes, as they are asked for and as a person reads of them.
@Suite struct NodesTests {
  private func document(_ query: NodeQuery = NodeQuery(limit: 10)) async -> NodesDocument {
    let supervisor = FakeSupervisor()
    supervisor.fill()
    return await supervisor.nodes(query)
  }

  @Test func aQueryArrivesAsItWasSent() async throws {
    try await withServer { served async throws in
      served.supervisor.fill()
      let queries = [
        NodeQuery(limit: 5), NodeQuery(name: "web.example", limit: 1),
        NodeQuery(name: "a&limit=3 ü%41", silentFor: .seconds(7200), sort: .silent, limit: 0),
      ]
      for query in queries {
        let found = try await served.client.nodes(query)
        #expect(served.supervisor.state.withLock(\.askedNodes) == query)
        #expect(found == (await served.supervisor.nodes(query)))
      }
    }
  }

  static let refused = [
    "sort=size": "sort=size is none of name, seen, silent", "limit=-1": "limit=-1 is not a number from 0 to 100000",
    "overdue_seconds=2h": "overdue_seconds=2h is not a number", "overdue=2h": "not overdue",
  ]

  @Test(arguments: refused) func whatCannotBeMeantIsRefused(_ query: String, _ words: String) async throws {
    try await withServer { served async throws in
      let response = try await request("GET", "/v1/nodes?\(query)", at: served.address)
      #expect(response.status == 400)
      #expect(response.text.contains(words), "\(response.text)")
    }
  }

  @Test func aLineForEachNode() async {
    #expect(
      NodesText.render(await document(), palette: .plain) == """
        NODE             SEEN    RUN  STATUS  CATALOG  AGENT   REQUESTS  BYTES  REFUSED  REMARKS
        db.example    10s ago      -  -             -  -              1     0B        0  quarantined
        web.example  2h1m ago  40.5s  failed     2.5s  8.10.0         5   1MiB        1  overdue, runs

        2 nodes, 1 overdue (silent for 2h)

        """)
  }

  @Test func everythingAboutOneNode() async throws {
    let node = try #require(await document(NodeQuery(name: "web.example", limit: 1)).nodes.first)
    #expect(
      NodesText.render(node, palette: .plain) == """
        web.example
          last seen      2026-11-23T10:11:40.000Z, 2h1m ago
          overdue        yes
          run under way  since 2026-11-23T10:11:39.000Z
          last run       40.5s, reported at 2026-11-23T10:10:40.500Z
          status         failed
          catalog        2.5s of a worker
          agent          8.10.0
          requests       5, 1MiB
          refused        1

        """)
  }

  @Test func whoIsNotShownIsCounted() async {
    #expect(
      NodesText.render(await document(NodeQuery(limit: 1)), palette: .plain)
        .hasSuffix("2 nodes, 1 overdue (silent for 2h); 1 more fit, see --limit\n"))
    let nobody = NodeQuery(silentFor: .seconds(99_999), limit: 5)
    #expect(
      NodesText.render(await document(nobody), palette: .plain)
        == "2 nodes, 1 overdue (silent for 2h); none fits\n")
  }

  @Test func aNodesWordsDoNoHarm() async throws {
    var document = await document()
    document.nodes[0].name = "\u{1B}[2Jdb"
    document.nodes[0].agentVersion = "\u{1B}c"
    let text = NodesText.render(document, palette: .plain) + NodesText.render(document.nodes[0], palette: .plain)
    #expect(!text.contains("\u{1B}"))
  }

  @Test func statusAndMetricsCountThem() {
    var status = StatusDocument.sample
    status.nodes = .init(.sample)
    let text = StatusText.render(status, now: Date(), palette: .plain)
    #expect(text.contains("\nnodes: 2, 1 silent for more than 2h: masterpool nodes --overdue 2h\n"))
    let metrics = MetricsText.render(status, .sample, isReady: true)
    for sample in [
      "masterpool_nodes 2", "masterpool_nodes_overdue 1", "masterpool_nodes_displaced_total 0",
      "masterpool_nodes_lost_total 4",
    ] {
      #expect(metrics.contains("\n\(sample)\n"), "\(sample)")
    }
    status.nodes?.overdue = 0
    #expect(StatusText.render(status, now: Date(), palette: .plain).contains("\nnodes: 2, none overdue\n"))
    status.nodes?.total = 0
    #expect(!StatusText.render(status, now: Date(), palette: .plain).contains("nodes:"))
  }
}
