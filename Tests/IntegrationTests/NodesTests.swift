import Foundation
import Pool
import TestSupport
import Testing

/// The account of nodes through the whole program: who asked, how their runs went, who falls silent; and that it
/// outlives a supervisor, also one that is killed.
@Suite struct NodesTests {
  private static let routes = [
    "{path: '/puppet/v3/node/{certname}', allow: self, pool: stubs, priority: catalog}",
    "{path: '/puppet/v3/catalog/{certname}', allow: self, pool: stubs, priority: catalog}",
    "{path: '/puppet/v3/report/{certname}', allow: self, pool: stubs, priority: report}",
    "{path: /, allow: any, pool: stubs}",
  ]

  private func setup(_ folder: String, nodes: String = "{}") async throws -> Setup {
    var setup = Setup()
    setup.certificates = try await Certificates.make(in: folder, clients: ["web.example", "db.example"])
    setup.verifyClient = "optional"
    setup.routes = Self.routes
    setup.pool = ["recycle: {every: off}"]
    setup.top = ["nodes: \(nodes)"]
    return setup
  }

  private func run(_ node: String, _ status: String, at address: Address, _ certificates: Certificates) async throws {
    let client = try certificates.client(node)
    let report = Array(#"{"host":"\#(node)","status":"\#(status)","logs":[]}"#.utf8)
    let requests: [(String, String, [UInt8])] = [
      ("GET", "/puppet/v3/node/\(node)", []), ("POST", "/puppet/v3/catalog/\(node)", [1]),
      ("PUT", "/puppet/v3/report/\(node)", report),
    ]
    for (method, path, body) in requests {
      let response = try await request(
        method, path, headers: [("User-Agent", "Puppet/8.10.0 Ruby/3.1.2-p20 (x86_64-linux)")], body: body,
        at: address, tls: client)
      #expect(response.status == 200, "\(path): \(response.text)")
    }
  }

  private func nodes(
    in directory: String, _ waitedFor: String, until isSo: (NodesDocument) -> Bool
  ) async throws -> NodesDocument {
    let deadline = Deadline.after(.seconds(60))
    while !deadline.passed {
      let response = try? await request("GET", "/v1/nodes", at: .unix("\(directory)/run/control.sock"))
      if let response, response.status == 200 {
        let document = try JSONDecoder().decode(NodesDocument.self, from: Data(response.body))
        if isSo(document) { return document }
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw TimedOut(waitedFor)
  }

  @Test func whoAskedIsShownAndOutlivesTheSupervisor() async throws {
    try await withTemporaryDirectory { scratch in
      mkdir("\(scratch)/tls", 0o700)
      let setup = try await setup("\(scratch)/tls")
      let certificates = try #require(setup.certificates)
      let yaml = setup.yaml(directory: scratch)
      let first = try await withMasterpool(yaml: yaml, in: scratch, setup) { masterpool in
        try await run("web.example", "changed", at: masterpool.address, certificates)
        try await run("db.example", "failed", at: masterpool.address, certificates)
        // Each loop tells of its requests in its own time, so that the report's may be known before the catalog's.
        let known = try await nodes(in: scratch, "two runs") { known in
          known.nodes.filter { $0.lastStatus != nil && $0.requestsTotal == 3 }.count == 2
        }
        let web = try #require(known.nodes.last)
        #expect(known.nodes.map(\.name) == ["db.example", "web.example"])
        #expect(known.overdueTotal == 0)
        #expect(web.lastStatus == .changed)
        #expect(web.agentVersion == "8.10.0")
        #expect(try #require(web.lastRunSeconds) < 30)
        #expect(try #require(web.catalogSeconds) < 30)
        #expect(web.runStartedAt == nil)
        try await expectCommand(masterpool, web)
        return known
      }
      try await withMasterpool(yaml: yaml, in: scratch, setup) { masterpool in
        let again = try await nodes(in: scratch, "them again") { $0.total == 2 }
        #expect(again.nodes.map(\.lastSeenAt.seconds) == first.nodes.map(\.lastSeenAt.seconds))
        #expect(again.nodes.map(\.lastStatus) == first.nodes.map(\.lastStatus))
        try await run("web.example", "unchanged", at: masterpool.address, certificates)
        _ = try await nodes(in: scratch, "another run") { known in
          known.nodes.last?.lastStatus == .unchanged && known.nodes.last?.requestsTotal == 6
        }
      }
      let offline = try await TestSupport.run(
        Programs.masterpool, ["nodes", "web.example", "--state-dir", "\(scratch)/state"])
      #expect(offline.status == .exited(0), "\(offline.errors)")
      #expect(offline.output.contains("status         unchanged"), "\(offline.output)")
    }
  }

  private func expectCommand(_ masterpool: Masterpool, _ web: NodesDocument.Node) async throws {
    let table = try await masterpool.cli("nodes", "--slowest")
    #expect(table.status == .exited(0), "\(table.errors)")
    #expect(table.output.contains(#/web\.example +.* ago +.* changed .* 8\.10\.0 +3 /#), "\(table.output)")
    #expect(table.output.contains("2 nodes, 0 overdue (silent for 2h)"))
    let one = try await masterpool.cli("nodes", "web.example", "--json")
    #expect(try JSONDecoder().decode(NodesDocument.self, from: Data(one.output.utf8)).nodes.map(\.name) == [web.name])
    let none = try await masterpool.cli("nodes", "--overdue", "1h")
    #expect(none.output == "2 nodes, 0 overdue (silent for 2h); none fits\n")
    let nobody = try await masterpool.cli("nodes", "nobody.example")
    #expect(nobody.status == .exited(1))
    #expect(nobody.errors.contains("no node nobody.example has asked"))
    let wrong = try await masterpool.cli("nodes", "--overdue", "soon")
    #expect(wrong.status == .exited(64))
  }

  @Test func whoFallsSilentIsToldOfAndSoIsItsReturn() async throws {
    try await withTemporaryDirectory { scratch in
      mkdir("\(scratch)/tls", 0o700)
      let setup = try await setup("\(scratch)/tls", nodes: "{overdue: 2s}")
      let certificates = try #require(setup.certificates)
      try await withMasterpool(yaml: setup.yaml(directory: scratch), in: scratch, setup) { masterpool in
        try await run("web.example", "changed", at: masterpool.address, certificates)
        let silent = try await masterpool.event("its silence") { $0.kind == .node }
        #expect(silent.message == "web.example has fallen silent, nothing heard for 2s; 1 of 1 overdue")
        #expect(try await masterpool.status().nodes?.overdue == 1)
        try await run("web.example", "changed", at: masterpool.address, certificates)
        let back = try await masterpool.events(2, "its return") { $0.kind == .node }
        #expect(back.last?.message == "web.example is back; 0 of 1 overdue")
        let metrics = try await request("GET", "/metrics", at: .unix("\(scratch)/run/control.sock"))
        #expect(metrics.text.contains("\nmasterpool_nodes 1\n"))
        // Other bounds hold without a new proxy.
        try masterpool.rewrite(yaml: setup.yaml(directory: scratch).replacing("overdue: 2s", with: "overdue: 1h"))
        let reply = try await masterpool.cli("reload")
        #expect(reply.output.contains("nodes.overdue"), "\(reply.output)")
        _ = try await nodes(in: scratch, "the new bound") { $0.overdueSeconds == 3600 && $0.overdueTotal == 0 }
      }
    }
  }

  /// What it knew five seconds ago, its successor knows; what proxies heard meanwhile too.
  @Test func aKilledSupervisorForgetsLittle() async throws {
    try await withTemporaryDirectory { scratch in
      mkdir("\(scratch)/tls", 0o700)
      let setup = try await setup("\(scratch)/tls")
      let certificates = try #require(setup.certificates)
      let (first, status) = try await startFirst(setup.yaml(directory: scratch), in: scratch)
      let address = try address(status)
      try await run("web.example", "failed", at: address, certificates)
      try await Task.sleep(for: .seconds(5))
      try await murder(first)
      try await run("db.example", "changed", at: address, certificates)
      let (second, _) = try await startFirst(setup.yaml(directory: scratch), in: scratch)
      let known = try await nodes(in: scratch, "both") { $0.nodes.filter { $0.lastStatus != nil }.count == 2 }
      #expect(known.nodes.map(\.requestsTotal) == [3, 3])
      #expect(known.nodes.map(\.lastStatus) == [.changed, .failed])
      second.send(SIGTERM)
      #expect(try await second.end() == .exited(0))
    }
  }
}

extension String {
  /// Of a time with milliseconds, which a clock that is read twice may tell otherwise by one.
  fileprivate var seconds: Substring { prefix(18) }
}
