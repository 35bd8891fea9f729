import Pool
import TestSupport
import Testing

@Suite struct ForwardingTests {
  @Test func forwardsARequestAndItsAnswer() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      let response = try await request("GET", "/puppet/v3/status?x=1", at: proxy.address)
      #expect(response.status == 200)
      #expect(response.text == "/puppet/v3/status?x=1")
      #expect(origin.heads.first?.hasPrefix("GET /puppet/v3/status?x=1 HTTP/1.1\r\n") == true)
      #expect(field("x-client-verify", of: origin.heads[0]) == "NONE")
      #expect(field("x-forwarded-for", of: origin.heads[0]) == "127.0.0.1")
      #expect(field("x-real-ip", of: origin.heads[0]) == "127.0.0.1")
      #expect(field("x-forwarded-proto", of: origin.heads[0]) == "http")
    }
  }

  @Test func keepsBothConnectionsAlive() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        for number in 0..<20 {
          let response = try agent.ask("GET", "/\(number)")
          #expect(response.text == "/\(number)")
        }
      }
      #expect(origin.accepted == 1)
      let counters = try await proxy.counters("20 requests") { $0.requestsTotal == 20 && $0.connections == 0 }
      #expect(counters.responses == [0, 0, 20, 0, 0, 0])
      #expect(counters.connectionsTotal == 1)
      #expect(counters.requestsInFlight == 0)
      #expect(counters.workers.first?.requestsTotal == 20)
    }
  }

  @Test func answersPipelinedRequestsInOrder() async throws {
    try await withProxy(worker: echo) { proxy, _ in
      try await agent(at: proxy.address) { agent in
        let requests = (0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        try agent.send(requests + "POST /last HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        for number in 0..<50 { #expect(try agent.response().text == "/\(number)") }
        #expect(try agent.response().text == "/last")
      }
    }
  }

  @Test(arguments: ["204 No Content", "304 Not Modified", "200 OK"])
  func endsAnswersWithoutABody(_ status: String) async throws {
    let worker: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        guard head.hasPrefix("HEAD") || !status.hasPrefix("200") else {
          try connection.respond("next")
          continue
        }
        let length = status.hasPrefix("204") ? "" : "Content-Length: 1000\r\n"
        try connection.send("HTTP/1.1 \(status)\r\n\(length)ETag: x\r\n\r\n")
      }
    }
    try await withProxy(worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        let method = status.hasPrefix("200") ? "HEAD" : "GET"
        for _ in 0..<2 {
          let response = try agent.ask(method, "/x")
          #expect("\(response.status)" == status.prefix(3))
          #expect(response.header("etag") == "x")
          #expect(response.header("content-length") == (status.hasPrefix("204") ? nil : "1000"))
        }
      }
      #expect(origin.accepted == 1)
    }
  }

  @Test func relaysChunksAsTheyAre() async throws {
    let worker: Origin.Manner = { connection in
      while try connection.request() != nil {
        try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in ["3\r\nabc\r\n", "1;x=y\r\n", "d\r\n0\r", "\n", "X-Sum: 1\r\n\r\n"] {
          try connection.send(piece)
        }
      }
    }
    try await withProxy(worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        for _ in 0..<3 {
          let response = try agent.ask("GET", "/")
          #expect(response.text == "abcd")
        }
      }
      #expect(origin.accepted == 1)
    }
  }

  @Test func endsWithTheConnectionWhereTheWorkerDoes() async throws {
    let worker: Origin.Manner = { connection in
      _ = try connection.request()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nto the ")
      try connection.send("end")
    }
    try await withProxy(worker: worker) { proxy, _ in
      let response = try await request("GET", "/", at: proxy.address)
      #expect(response.text == "to the end")
      #expect(response.saysClose)
    }
  }

  // MARK: HTTP/1.0

  @Test func closesAfterAnHTTP10Request() async throws {
    try await withProxy(worker: echo) { proxy, _ in
      let answer = try await exchange(Array("GET /old HTTP/1.0\r\n\r\n".utf8), at: proxy.address)
      #expect(answer.closed)
      #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.text.contains("Connection: close\r\n"))
      #expect(answer.text.hasSuffix("/old"))
    }
  }

  @Test func keepsAnHTTP10ConnectionAliveOnRequest() async throws {
    try await withProxy(worker: echo) { proxy, _ in
      try await agent(at: proxy.address) { agent in
        for _ in 0..<2 {
          try agent.send("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
          let response = try agent.response()
          #expect(response.text == "/old")
          #expect(response.header("connection") == "keep-alive")
        }
      }
    }
  }

  @Test func takesTheFramingOutForHTTP10() async throws {
    let worker: Origin.Manner = { connection in
      while try connection.request() != nil {
        try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r")
        try connection.send("\nde\r\n0\r\nX: y\r\n\r\n")
      }
    }
    try await withProxy(worker: worker) { proxy, origin in
      for _ in 0..<2 {
        let answer = try await exchange(
          Array("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".utf8), at: proxy.address)
        #expect(answer.closed)
        #expect(!answer.text.lowercased().contains("transfer-encoding"))
        #expect(answer.text.hasSuffix("\r\n\r\nabcde"))
      }
      #expect(origin.accepted == 1)
    }
  }

  // MARK: Interim answers

  @Test func answersExpectationsItselfAndDropsTheWorkers() async throws {
    let worker: Origin.Manner = { connection in
      while let (_, body) = try connection.request() {
        try connection.send("HTTP/1.1 100 Continue\r\n\r\n")
        try connection.respond(String(decoding: body, as: UTF8.self))
      }
    }
    try await withProxy(worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        for _ in 0..<2 {
          try agent.send("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
          #expect(try agent.text(25) == "HTTP/1.1 100 Continue\r\n\r\n")
          try agent.send("body")
          let date = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
          let raw = try agent.text("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\(date)\r\nbody".utf8.count)
          #expect(raw.hasPrefix("HTTP/1.1 200 OK\r\n") && raw.hasSuffix("\r\n\r\nbody"))
        }
      }
      #expect(field("expect", of: origin.heads[0]) == nil)
    }
  }

  @Test(arguments: [("HTTP/1.1", true), ("HTTP/1.0", false)])
  func relaysInterimAnswersToThoseWhoKnowThem(_ version: String, _ relays: Bool) async throws {
    let worker: Origin.Manner = { connection in
      while try connection.request() != nil {
        try connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n")
        try connection.send("Content-Length: 2\r\n\r\nok")
      }
    }
    try await withProxy(worker: worker) { proxy, _ in
      let answer = try await exchange(
        Array("GET / \(version)\r\nHost: a\r\nConnection: close\r\n\r\n".utf8), at: proxy.address)
      #expect(answer.text.hasPrefix("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n") == relays)
      #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n") == !relays)
      #expect(answer.text.hasSuffix("ok"))
    }
  }

  // MARK: What an agent may not do

  @Test func removesSpoofedIdentity() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      let spoofed = [
        "X-Client-DN", "x_client_dn", "X-CLIENT_VERIFY", "X-Client-Cert", "X_Forwarded_For", "X-Real-Ip", "Forwarded",
        "SSL-Client-Verify", "X-SSL-Subject", "X-Forwarded-Proto",
      ]
      let response = try await request(
        "GET", "/", headers: spoofed.map { ($0, "CN=admin") } + [("X-Fine", "CN=admin")], at: proxy.address)
      #expect(response.status == 200)
      let head = origin.heads[0]
      #expect(head.components(of: "CN=admin") == 1)
      #expect(field("x-fine", of: head) == "CN=admin")
      #expect(field("x-client-verify", of: head) == "NONE")
    }
  }

  @Test func answersAHalfClosedAgent() async throws {
    try await withProxy(worker: echo) { proxy, _ in
      let response = try await agent(at: proxy.address) { agent in
        try agent.send("GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n")
        agent.wire.finishSending()
        let first = try agent.response().text
        let second = try agent.response().text
        #expect(agent.end() == .closed)
        return first + second
      }
      #expect(response == "/one/two")
    }
  }

  /// One proxy is the other's worker, on a TCP port.
  @Test func listensOnUnixSocketsAndReachesWorkersByTCP() async throws {
    try await withTemporaryDirectory { folder in
      var arrangement = Arrangement()
      arrangement.listeners = [ListenerConfiguration(address: .unix(path: "\(folder)/front.sock"))]
      try await withProxy(worker: echo) { back, origin in
        guard case .port(let port) = back.address else { return }
        try await withProxy(arrangement, workers: []) { front, _ in
          front.send(.admit(worker(0), .tcp(port: port)))
          try await agent(at: front.address) { agent in
            for number in 0..<5 {
              let response = try agent.ask("POST", "/\(number)", body: patternBytes(2_000_000))
              #expect(response.text == "/\(number)")
            }
          }
          #expect(origin.accepted == 1)
          let areWhole = origin.bodies.allSatisfy { $0 == patternBytes(2_000_000) }
          #expect(areWhole)
          _ = try await back.counters("one connection") { $0.connectionsTotal == 1 }
        }
      }
    }
  }

  @Test func spreadsOverLoopsThatShareOneConnection() async throws {
    var arrangement = Arrangement()
    arrangement.threads = 3
    try await withProxy(arrangement, worker: echo) { proxy, origin in
      let address = proxy.address
      try await withThrowingTaskGroup { group in
        for client in 0..<12 {
          group.addTask {
            try await agent(at: address) { agent in
              for number in 0..<100 {
                let response = try agent.ask("GET", "/\(client)/\(number)")
                #expect(response.text == "/\(client)/\(number)")
              }
            }
          }
        }
        try await group.waitForAll()
      }
      // One request at a time, so one connection is enough, whichever loop has the request.
      #expect(origin.accepted == 1)
      _ = try await proxy.counters("1200 requests") { $0.requestsTotal == 1200 && $0.responses[2] == 1200 }
    }
  }
}

extension String {
  func components(of part: String) -> Int { self.split(separator: part, omittingEmptySubsequences: false).count - 1 }
}
