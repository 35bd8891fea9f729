import Foundation
import Pool
import TestSupport
import Testing

@testable import Proxying

/// What a proxy tells of verified nodes, through its own loops.
@Suite struct NodeTests {
  private static let names = ["web.example", "db.example"]

  private static func route(
    _ path: String, _ priority: RoutePriority, allow: AccessRule = .authenticated
  ) -> Route {
    Route(path: path, allow: allow, pool: masters, priority: priority)
  }

  private static let routes = [
    route("/puppet/v3/node/{certname}", .catalog, allow: .self),
    route("/puppet/v3/catalog/{certname}", .catalog, allow: .self),
    route("/puppet/v3/report/{certname}", .report, allow: .self),
    route("/puppet/v3/file_content/", .file), Route(path: "/", allow: .any, pool: masters),
  ]

  private func withNodes(
    threads: Int = 1, limits: ProxyLimits = ProxyLimits(threads: 1), queue: QueuePolicy? = nil,
    worker: @escaping Origin.Manner = echo,
    _ body: (RunningProxy, Certificates) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: Self.names)
      var arrangement = Arrangement()
      arrangement.threads = threads
      arrangement.limits = limits
      if let queue { arrangement.queue = queue }
      arrangement.routes = Self.routes
      arrangement.listeners = [
        ListenerConfiguration(
          address: .ip(host: "127.0.0.1", port: 0),
          tls: TLSConfiguration(
            certificate: certificates.serverCertificate, privateKey: certificates.serverKey,
            clientCA: certificates.ca, clientCRL: certificates.crl, verifyClient: .optional))
      ]
      try await withProxy(arrangement, worker: worker) { proxy, _ in try await body(proxy, certificates) }
    }
  }

  /// All that was told so far, in a book.
  private func told(
    _ proxy: RunningProxy, _ waitedFor: String, until isSo: @escaping @Sendable (NodeBook) -> Bool
  ) async throws -> NodeBook {
    try await proxy.reports.first(waitedFor, before: .patient) { reports in
      var book = NodeBook()
      for case .nodes(let news) in reports { book.learn(news, at: .now()) }
      return isSo(book) ? book : nil
    }
  }

  private func report(_ status: String) -> [UInt8] { Array(#"{"host":"x","status":"\#(status)","logs":[]}"#.utf8) }

  @Test(arguments: [1, 2]) func aRunIsToldFromItsFirstRequestToItsReport(_ threads: Int) async throws {
    try await withNodes(threads: threads) { proxy, certificates in
      let before = Instant.now()
      let client = try certificates.client("web.example")
      let body = report("changed")
      let requests: [(String, String, [UInt8])] = [
        ("GET", "/puppet/v3/node/web.example", []), ("POST", "/puppet/v3/catalog/web.example", [120, 61, 49]),
        ("GET", "/puppet/v3/file_content/modules/a", []), ("PUT", "/puppet/v3/report/web.example", body),
      ]
      for (method, path, body) in requests {
        let response = try await request(
          method, path, headers: [("X-Puppet-Version", "8.10.0")], body: body, at: proxy.address, tls: client)
        #expect(response.status == 200)
      }
      let book = try await told(proxy, "four requests") { $0["web.example"]?.requests == 4 }
      let web = try #require(book["web.example"])
      #expect(book.count == 1)
      #expect(web.status == .changed)
      #expect(web.version == AgentVersion("8.10.0"))
      #expect(web.runStarted == nil)
      #expect(try #require(web.lastRunStarted) >= before)
      #expect(try #require(web.lastRun) > .zero)
      #expect(try #require(web.reported) <= .now())
      #expect(try #require(web.catalog) > .zero)
      #expect(web.refused == 0)
      // Heads and bodies, both ways; TLS is not counted.
      #expect((500...4000).contains(web.bytes), "\(web.bytes)")
    }
  }

  @Test func whoShowsNoCertificateIsInNoAccount() async throws {
    try await withNodes { proxy, certificates in
      #expect(try await request("GET", "/x", at: proxy.address, tls: certificates.client(nil)).status == 200)
      #expect(try await request("GET", "/x", at: proxy.address, tls: certificates.client("db.example")).status == 200)
      let book = try await told(proxy, "a node") { $0.count > 0 }
      #expect(book.records.map(\.record.name) == ["db.example"])
      #expect(book["db.example"]?.runStarted == nil, "no part of a run")
    }
  }

  @Test func whatIsForbiddenIsRefusedAndBeginsNoRun() async throws {
    try await withNodes { proxy, certificates in
      let client = try certificates.client("web.example")
      #expect(
        try await request("GET", "/puppet/v3/catalog/db.example", at: proxy.address, tls: client).status == 403)
      let book = try await told(proxy, "a refusal") { $0["web.example"]?.refused == 1 }
      #expect(book["web.example"]?.runStarted == nil)
      #expect(book["web.example"]?.requests == 1)
    }
  }

  @Test func whatIsShedIsRefused() async throws {
    let gate = Gate()
    let queue = QueuePolicy(limit: 0, ceiling: 0, timeout: .seconds(5))
    let slow: Origin.Manner = { connection in
      while try connection.request() != nil {
        try gate.pass()
        try connection.respond()
      }
    }
    try await withNodes(queue: queue, worker: slow) { proxy, certificates in
      let client = try certificates.client("web.example")
      async let first = request("GET", "/puppet/v3/catalog/web.example", at: proxy.address, tls: client)
      _ = try await proxy.counters("the first at its worker") { $0.workers.first?.requestsInFlight == 1 }
      let other = try certificates.client("db.example")
      #expect(try await request("GET", "/puppet/v3/catalog/db.example", at: proxy.address, tls: other).status == 503)
      let book = try await told(proxy, "a shed request") { $0["db.example"]?.refused == 1 }
      #expect(book["db.example"]?.catalog == nil)
      #expect(book["db.example"]?.runStarted == nil)
      gate.open()
      #expect(try await first.status == 200)
      let later = try await told(proxy, "the catalog") { $0["web.example"]?.catalog != nil }
      #expect(later["web.example"]?.runStarted != nil)
    }
  }

  /// A report that does not fit beside its head, one that comes in chunks, and one of which only the first part is held
  /// here before it goes on.
  @Test(arguments: ["length", "chunked", "streamed"]) func aLongReportIsReadToo(_ manner: String) async throws {
    var limits = ProxyLimits(threads: 1)
    if manner == "streamed" { limits.maxBufferedBody = .kibibytes(8) }
    try await withNodes(limits: limits) { proxy, certificates in
      let padding = String(repeating: "x", count: 200_000)
      let text = #"{"host":"x","status":"failed","logs":["\#(padding)"]}"#
      let head = "PUT /puppet/v3/report/web.example HTTP/1.1\r\nHost: p\r\n"
      let whole =
        manner == "chunked"
        ? "\(head)Transfer-Encoding: chunked\r\n\r\n\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n0\r\n\r\n"
        : "\(head)Content-Length: \(text.utf8.count)\r\n\r\n\(text)"
      let client = try certificates.client("web.example")
      let status = try await agent(at: proxy.address, tls: client) { agent in
        try agent.send(whole)
        return try agent.response(to: "PUT").status
      }
      #expect(status == 200)
      let book = try await told(proxy, "the report") { $0["web.example"]?.reported != nil }
      #expect(book["web.example"]?.status == .failed)
      #expect(book["web.example"]?.bytes ?? 0 > 200_000)
    }
  }

  /// What it knew before its supervisor died goes to the next one, and what it knows at its end is told.
  @Test func nothingIsForgottenWhileNobodyListens() async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: Self.names)
      var arrangement = Arrangement()
      arrangement.routes = Self.routes
      arrangement.listeners = [
        ListenerConfiguration(
          address: .ip(host: "127.0.0.1", port: 0),
          tls: TLSConfiguration(
            certificate: certificates.serverCertificate, privateKey: certificates.serverKey,
            clientCA: certificates.ca, verifyClient: .required))
      ]
      let origin = try Origin(in: folder, name: "worker.sock", echo)
      let door = "\(folder)/door.sock"
      let proxy = try RunningProxy(arrangement.configuration, folder: folder, door: door)
      try await proxy.reported(.serving)
      proxy.send(.admit(worker(0), .unix(path: origin.path)))
      proxy.hangUp()
      let client = try certificates.client("web.example")
      for _ in 0..<3 { #expect(try await request("GET", "/x", at: proxy.address, tls: client).status == 200) }
      try await Task.sleep(for: .milliseconds(1500))
      _ = try proxy.come(in: door)
      _ = try await told(proxy, "what came meanwhile") { $0["web.example"]?.requests == 3 }
      #expect(try await request("GET", "/x", at: proxy.address, tls: client).status == 200)
      proxy.send(.stop(within: .zero))
      _ = try await proxy.ended()
      _ = try await told(proxy, "what came last") { $0["web.example"]?.requests == 4 }
    }
  }

  // MARK: The tally itself

  private func add(_ node: UInt64, _ name: String, to tally: inout NodeTally) {
    var name = name
    let request = NodeRequest(.other, began: Instant(nanoseconds: 1), ended: Instant(nanoseconds: 2), bytes: 10)
    name.withUTF8 { tally.add(request, of: node, named: $0) }
  }

  @Test func aTallyFindsItsNodesWhateverTheirNumbers() {
    var tally = NodeTally()
    // Numbers that meet in one place.
    for round in 0..<3 {
      for node in 0..<1000 { add(UInt64(node) << 32 | 7, "n\(node)", to: &tally) }
      #expect(tally.count == 1000, "\(round)")
    }
    let notes = tally.news.notes
    #expect(Set(notes.map(\.node)).count == 1000)
    #expect(Set(notes.map(\.deeds.requests)) == [3])
    #expect(Set(notes.map(\.deeds.bytes)) == [30])
  }

  @Test func aTallyIsBoundedAndSaysWhatItLost() {
    var tally = NodeTally(limit: 10)
    for node in 1...12 { add(UInt64(node), "n\(node)", to: &tally) }
    add(3, "n3", to: &tally)
    add(99, String(repeating: "x", count: 257), to: &tally)
    #expect(tally.news.notes.count == 10)
    #expect(tally.news.lost == 3)
  }
}
