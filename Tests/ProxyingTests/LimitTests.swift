import Glibc
import Pool
import TestSupport
import Testing

extension Agent {
  /// Sends a byte now and then until an answer begins, then takes it to its end. Gives up after so many bytes.
  func trickle(_ bytes: [UInt8], every milliseconds: Int = 20) throws -> String {
    var answer: [UInt8] = []
    for byte in bytes {
      try send([byte])
      do throws(WireFailure) {
        if try !wire.receive(into: &answer, before: .after(.milliseconds(milliseconds))) { break }
        while try wire.receive(into: &answer, before: .patient) {}
        break
      } catch {
        guard case .timedOut = error else { throw error }
      }
    }
    return String(decoding: answer, as: UTF8.self)
  }
}

@Suite struct LimitTests {
  // MARK: Connections

  @Test func oneAddressGetsSoManyConnectionsAndNoMore() async throws {
    var arrangement = Arrangement()
    arrangement.threads = 2
    arrangement.limits.maxConnectionsPerAddress = 3
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      let address = proxy.address
      let (opened, goOn) = (Monitor(0), Gate())
      try await withThrowingTaskGroup { group in
        for number in 0..<3 {
          group.addTask {
            try await agent(at: address) { agent in
              let before = try agent.ask("GET", "/\(number)").text
              opened.update { $0 += 1 }
              try goOn.pass()
              let after = try agent.ask("GET", "/again").text
              #expect(before == "/\(number)" && after == "/again")
            }
          }
        }
        _ = try await opened.first("three connections", before: .patient) { $0 == 3 ? true : nil }
        // Turned away without a word.
        for _ in 0..<2 {
          let more = try await exchange(requestBytes("GET", "/more"), at: address)
          #expect(more.bytes.isEmpty)
        }
        _ = try await proxy.counters("two refused") { $0.refusedTotal[.addressLimit] == 2 && $0.connections == 3 }
        goOn.open()
        try await group.waitForAll()
      }
      // Whoever leaves makes room.
      _ = try await proxy.counters("all gone") { $0.connections == 0 }
      for _ in 0..<5 {
        let later = try await request("GET", "/later", at: address)
        #expect(later.text == "/later")
        _ = try await proxy.counters("gone again") { $0.connections == 0 }
      }
    }
  }

  @Test func theLastOfAConnectionsRequestsIsTold() async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxRequestsPerConnection = 3
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      try await agent(at: proxy.address) { agent in
        for number in 1...3 {
          let response = try agent.ask("GET", "/\(number)")
          #expect(response.text == "/\(number)")
          #expect(response.saysClose == (number == 3))
        }
        #expect(agent.end() == .closed)
      }
    }
  }

  @Test(arguments: [0, 5]) func aRunOfPipelinedRequestsHasAnEnd(_ depth: Int) async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxPipelinedRequests = depth
    try await withProxy(arrangement, worker: echo) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        // In their turn there may be any number.
        for number in 0..<depth + 10 {
          let response = try agent.ask("GET", "/\(number)")
          #expect(!response.saysClose)
        }
        try agent.send((0..<depth + 20).map { "GET /p\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
        for number in 0...depth + 1 {
          let response = try agent.response()
          #expect(response.text == "/p\(number)")
          #expect(response.saysClose == (number == depth + 1))
        }
        #expect(agent.end() == .closed)
      }
      #expect(origin.heads.count == 2 * depth + 12)
    }
  }

  // MARK: Time

  @Test func aTrickledHeadGetsNoMoreTime() async throws {
    var arrangement = Arrangement()
    arrangement.limits.headerTimeout = .milliseconds(400)
    try await withProxy(arrangement, worker: echo) { proxy, origin in
      let head = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [UInt8](repeating: 120, count: 900)
      let first = try await agent(at: proxy.address) { try $0.trickle(head) }
      #expect(first.hasPrefix("HTTP/1.1 408 ") && first.contains("\r\nConnection: close\r\n"))
      let second = try await agent(at: proxy.address) { agent in
        _ = try agent.ask("GET", "/first")
        return try agent.trickle(head)
      }
      #expect(second.hasPrefix("HTTP/1.1 408 "))
      #expect(origin.heads.count == 1)
      _ = try await proxy.counters("both counted") { $0.refusedTotal[.headerTimeout] == 2 }
    }
  }

  @Test func aTrickledHandshakeGetsNoMoreTime() async throws {
    var arrangement = Arrangement()
    arrangement.limits.handshakeTimeout = .milliseconds(400)
    arrangement.limits.headerTimeout = .seconds(60)
    try await withTLSProxy(arrangement) { proxy, _, client in
      // A ClientHello of 500 bytes that never becomes whole.
      let hello: [UInt8] = [0x16, 3, 1, 1, 0xf4, 1, 0, 1, 0xf0, 3, 3] + [UInt8](repeating: 7, count: 400)
      let end = try await agent(at: proxy.address) { agent in
        for byte in hello {
          do throws(WireFailure) {
            try agent.wire.send([byte], before: .patient)
            var answer: [UInt8] = []
            if try !agent.wire.receive(into: &answer, before: .after(.milliseconds(20))) { return "closed" }
          } catch {
            guard case .timedOut = error else { return "closed" }
          }
        }
        return "still open"
      }
      #expect(end == "closed")
      _ = try await proxy.counters("counted") { $0.refusedTotal[.handshakeTimeout] == 1 }
      // The head has its own time.
      let response = try await request("GET", "/", at: proxy.address, tls: client)
      #expect(response.status == 200)
    }
  }

  private func paced() -> Arrangement {
    var arrangement = Arrangement()
    arrangement.limits.minBodyRate = .kibibytes(100)
    arrangement.limits.bodyGrace = .milliseconds(400)
    return arrangement
  }

  @Test(arguments: [
    "Content-Length: 2000\r\n", "Content-Length: 300000\r\n", "Content-Length: 3000000\r\n",
    "Transfer-Encoding: chunked\r\n",
  ])
  func aTrickledBodyIsCut(_ framing: String) async throws {
    try await withProxy(paced(), worker: echo) { proxy, origin in
      let answer = try await agent(at: proxy.address) { agent in
        try agent.send("POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n")
        if framing.hasPrefix("T") { try agent.send("7d0\r\n") }
        return try agent.trickle([UInt8](repeating: 120, count: 1000))
      }
      #expect(answer.hasPrefix("HTTP/1.1 408 "))
      #expect(answer.contains("\r\nConnection: close\r\n"))
      #expect(origin.bodies.isEmpty)
      _ = try await proxy.counters("counted") { $0.refusedTotal[.bodyTimeout] == 1 }
    }
  }

  @Test func aTrickledStreamIsCutAndFreesTheWorker() async throws {
    let worker: Origin.Manner = { connection in
      guard let head = try connection.head() else { return }
      if head.hasPrefix("GET") { return try connection.respond() }
      _ = try? connection.body(of: head)
    }
    var arrangement = paced()
    arrangement.limits.maxBufferedBody = ByteCount(bytes: 10)
    try await withProxy(arrangement, worker: worker) { proxy, origin in
      let answer = try await agent(at: proxy.address) { agent in
        try agent.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        try agent.send([UInt8](repeating: 120, count: 20))
        return try agent.trickle([UInt8](repeating: 120, count: 1000))
      }
      #expect(answer.hasPrefix("HTTP/1.1 408 "))
      #expect(try await request("GET", "/", at: proxy.address).status == 200)
    }
  }

  /// A worker that takes nothing for a while is not its agent's fault.
  @Test func aSlowWorkerMakesNoSlowAgent() async throws {
    let worker: Origin.Manner = { connection in
      guard let head = try connection.head() else { return }
      usleep(1_500_000)
      let body = try connection.body(of: head)
      try connection.respond("\(body.count)")
    }
    var arrangement = paced()
    arrangement.limits.maxBufferedBody = ByteCount(bytes: 10)
    try await withProxy(arrangement, worker: worker) { proxy, _ in
      let body = patternBytes(8 << 20)
      let response = try await request("POST", "/", body: body, at: proxy.address)
      #expect(response.text == "\(body.count)")
    }
  }

  @Test func whoTakesAnAnswerTooSlowlyIsCutOff() async throws {
    let size = 64 << 20
    let worker: Origin.Manner = { connection in
      guard let (head, _) = try connection.request() else { return }
      if head.contains("/small") { return try connection.respond("small") }
      try? connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
      try? connection.send([UInt8](repeating: 120, count: size))
    }
    var arrangement = Arrangement()
    arrangement.limits.minSendRate = .mebibytes(10)
    arrangement.limits.bodyGrace = .milliseconds(300)
    try await withProxy(arrangement, worker: worker) { proxy, _ in
      let end = try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/"))
        let gone = Deadline.patient
        while proxy.reports.read({ !$0.contains { $0.says(.sendTimeout) } }), !gone.passed { usleep(20_000) }
        return agent.end()
      }
      #expect(end.isReset)
      // The worker is free again.
      let small = try await request("GET", "/small", at: proxy.address)
      #expect(small.text == "small")
    }
  }

  // MARK: Chunked framing

  private func status(of body: String, at address: Address) async throws -> Int? {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    return try await exchange(Array((head + body).utf8), at: address).status
  }

  @Test(arguments: [0, 10]) func aChunksExtensionsHaveALimit(_ limit: Int) async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxChunkExtension = ByteCount(bytes: limit)
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      for (count, expected) in [(limit, 200), (limit + 1, 400)] {
        let body = "1;" + String(repeating: "e", count: count) + "\r\nx\r\n0\r\n\r\n"
        let found = try await status(of: body, at: proxy.address)
        #expect(found == expected, "\(count) bytes")
      }
    }
  }

  /// Trailers may cost what a head may.
  @Test func trailersHaveTheLimitsOfAHead() async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxHeaderSize = .kibibytes(4)
    arrangement.limits.maxURILength = .kibibytes(4)
    arrangement.limits.maxHeaderCount = 20
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      let long = String(repeating: "v", count: 4 << 10)
      let cases = [
        (["X: \(long.dropLast(100))"], 200), (["X: \(long)"], 431),
        ((0..<20).map { "X\($0): v" }, 200), ((0...20).map { "X\($0): v" }, 431),
      ]
      for (trailers, expected) in cases {
        let body = "1\r\nx\r\n0\r\n" + trailers.map { $0 + "\r\n" }.joined() + "\r\n"
        let found = try await status(of: body, at: proxy.address)
        #expect(found == expected, "\(trailers.count) of \(body.utf8.count) bytes")
      }
    }
  }

  @Test func aWorkersTrailersHaveThemToo() async throws {
    let worker: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        let trailers = String(repeating: "X: v\r\n", count: head.contains("/few") ? 20 : 21)
        try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\(trailers)\r\n")
      }
    }
    var arrangement = Arrangement()
    arrangement.limits.maxHeaderCount = 20
    try await withProxy(arrangement, worker: worker) { proxy, _ in
      #expect(try await request("GET", "/few", at: proxy.address).text == "x")
      let end = try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/many"))
        return agent.end()
      }
      #expect(end.isReset)
    }
  }

  // MARK: Memory, and workers that misbehave

  @Test func bodiesGoThroughOnceTheMemoryForThemIsSpent() async throws {
    let worker: Origin.Manner = { connection in
      while let (head, body) = try connection.request() {
        try connection.respond("\(body.count) \(field("content-length", of: head) ?? "chunked")")
      }
    }
    var arrangement = Arrangement()
    arrangement.limits.bufferMemory = ByteCount(bytes: 0)
    try await withProxy(arrangement, worker: worker) { proxy, _ in
      try await agent(at: proxy.address) { agent in
        try agent.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = "10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n"
        try agent.send(String(repeating: chunk, count: 8) + "0\r\n\r\n")
        let response = try agent.response()
        #expect(response.text == "\(8 * 0x10000) chunked")
      }
    }
  }

  @Test func aBurstOfInterimAnswersIsAnError() async throws {
    let worker: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        let count = head.contains("/few") ? 3 : 4
        try connection.send(String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: count))
        try connection.respond()
      }
    }
    var arrangement = Arrangement()
    arrangement.limits.maxInterimResponses = 3
    try await withProxy(arrangement, worker: worker) { proxy, _ in
      try await agent(at: proxy.address) { agent in
        for _ in 0..<2 { #expect(try agent.ask("GET", "/few").status == 200) }
        let many = try agent.ask("GET", "/many")
        #expect(many.status == 502)
      }
    }
  }
}

extension ProxyReport {
  fileprivate func says(_ cause: RefusalCause) -> Bool {
    if case .counters(let counters) = self { counters.refusedTotal[cause, default: 0] > 0 } else { false }
  }
}

/// A proxy with one TLS listener, one worker that echoes, and a client with a certificate.
func withTLSProxy(
  _ arrangement: Arrangement, proxyProtocol: ProxyProtocolConfiguration? = nil,
  worker: @escaping Origin.Manner = echo,
  _ body: (RunningProxy, Origin, TLSClient) async throws -> Void
) async throws {
  try await withTemporaryDirectory { folder in
    let certificates = try await Certificates.make(in: folder, clients: ["agent1.example"])
    var arrangement = arrangement
    arrangement.listeners = [
      ListenerConfiguration(
        address: .ip(host: "127.0.0.1", port: 0),
        tls: TLSConfiguration(
          certificate: certificates.serverCertificate, privateKey: certificates.serverKey,
          clientCA: certificates.ca, clientCRL: certificates.crl, verifyClient: .required),
        proxyProtocol: proxyProtocol)
    ]
    try await withProxy(arrangement, worker: worker) { try await body($0, $1, certificates.client("agent1.example")) }
  }
}
