import Glibc
import Pool
import TestSupport
import Testing

/// What the edge answers of its own accord, and that it arrives.
@Suite struct EdgeAnswerTests {
  private func strict() -> Arrangement {
    var arrangement = Arrangement()
    arrangement.limits.headerTimeout = .milliseconds(400)
    arrangement.limits.idleTimeout = .seconds(1)
    arrangement.limits.maxURILength = ByteCount(bytes: 300)
    arrangement.limits.maxHeaderCount = 20
    arrangement.limits.maxBodySize = .mebibytes(32)
    return arrangement
  }

  private static let long = String(repeating: "x", count: 301)

  static let table: [(Int, String, RefusalCause)] = [
    (400, "GET / HTTP/1.1\r\n\r\n", .malformed),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .malformed),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", .malformed),
    (408, "GET / HTTP/1.1\r\nHost:", .headerTimeout),
    (408, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", .bodyTimeout),
    (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000000\r\n\r\n", .bodySize),
    (414, "GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n", .uriLength),
    (417, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: more\r\n\r\n", .unsupported),
    (431, "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: 20) + "\r\n", .headerSize),
    (431, "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 32768) + "\r\n\r\n", .headerSize),
    (501, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", .unsupported),
    (501, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", .unsupported),
    (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupported),
    (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupported),
  ]

  @Test(arguments: table)
  func refusesWholeAndCloses(_ status: Int, _ request: String, _ cause: RefusalCause) async throws {
    try await withProxy(strict(), worker: echo) { proxy, origin in
      let answer = try await exchange(Array(request.utf8), at: proxy.address, within: .patience)
      #expect(answer.status == status)
      #expect(answer.text.contains("\r\nConnection: close\r\n"))
      #expect(answer.text.contains(/\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/))
      #expect(answer.closed)
      #expect(origin.heads.isEmpty)
      _ = try await proxy.counters("its cause") { $0.refusedTotal[cause] == 1 }
    }
  }

  /// An agent that sends all of its body before it reads anything still gets the answer, whole, and is not reset.
  @Test(arguments: [false, true])
  func anAnswerIsNotLostToWhatTheAgentIsSending(_ overTLS: Bool) async throws {
    // More than the sockets on the way hold.
    let body = [UInt8](repeating: 120, count: 12 << 20)
    let heads = Self.table.filter { [413, 414, 505].contains($0.0) }
    let play: (RunningProxy, TLSClient?) async throws -> Void = { proxy, client in
      for (status, head, _) in heads {
        let answer = try await exchange(Array(head.utf8) + body, at: proxy.address, tls: client)
        #expect(answer.status == status, "\(head.prefix(100)): \(answer)")
        #expect(answer.closed)
        #expect(answer.text.contains("\r\nContent-Length: "))
        #expect(answer.failure == nil)
      }
    }
    if overTLS {
      try await withTLSProxy(strict()) { proxy, _, client in try await play(proxy, client) }
    } else {
      try await withProxy(strict(), worker: echo) { proxy, _ in try await play(proxy, nil) }
    }
  }

  /// Who goes on sending for ever is not listened to for ever.
  @Test func whatIsSentAfterARefusalHasABound() async throws {
    var arrangement = strict()
    arrangement.limits.maxBodySize = .mebibytes(1)
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      let sent = try await agent(at: proxy.address) { agent in
        try agent.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        let piece = [UInt8](repeating: 120, count: 1 << 20)
        for count in 0..<200 {
          do throws(WireFailure) {
            try agent.wire.send(piece, before: .patient)
          } catch {
            return count
          }
        }
        return 200
      }
      #expect(sent < 100)
      _ = try await proxy.counters("its end") { $0.connections == 0 }
    }
  }

  /// By what the agent reads, whatever became of its request meanwhile.
  @Test func speaksAPuppetMastersJSONToThoseWhoReadIt() async throws {
    var arrangement = Arrangement()
    arrangement.queue = QueuePolicy(limit: 0, timeout: .seconds(1))
    arrangement.routes = [
      Route(path: "/private", allow: .authenticated, pool: masters), Route(path: "/", allow: .any, pool: masters),
    ]
    try await withProxy(arrangement, workers: []) { proxy, _ in
      let puppets = "application/vnd.puppet.rich+json, application/json, text/pson"
      for (target, method, status) in [("/private", "GET", 403), ("/a", "GET", 503), ("/b", "POST", 503)] {
        for (accept, kind) in [(puppets, "application/json"), ("binary", "text/plain")] {
          let answer = try await request(
            method, target, headers: [("Accept", accept)], body: method == "POST" ? patternBytes(200_000) : [],
            at: proxy.address)
          #expect(answer.status == status)
          #expect(answer.header("content-type") == "\(kind); charset=utf-8")
          #expect(answer.text.hasPrefix("{\"message\":\"") == (kind == "application/json"))
          #expect(answer.header("date") != nil)
        }
      }
    }
  }
}
