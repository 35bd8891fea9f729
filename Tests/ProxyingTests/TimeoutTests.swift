import Pool
import TestSupport
import Testing

@Suite struct TimeoutTests {
  private func impatient() -> Arrangement {
    var arrangement = Arrangement()
    arrangement.limits.headerTimeout = .milliseconds(400)
    arrangement.limits.idleTimeout = .milliseconds(600)
    return arrangement
  }

  @Test func answers408ToHalfAHead() async throws {
    try await withProxy(impatient(), worker: echo) { proxy, _ in
      let answer = try await exchange(Array("GET / HTTP/1.1\r\nHo".utf8), at: proxy.address, within: .patience)
      #expect(answer.status == 408)
      #expect(answer.text.contains("Connection: close\r\n"))
      #expect(answer.closed)
    }
  }

  @Test func closesSilentConnectionsWithoutAWord() async throws {
    try await withProxy(impatient(), worker: echo) { proxy, _ in
      let silent = try await exchange([], at: proxy.address, within: .patience)
      #expect(silent.closed && silent.bytes.isEmpty)
      let end = try await agent(at: proxy.address) { agent in
        _ = try agent.ask("GET", "/")
        return agent.end()
      }
      #expect(end == .closed)
    }
  }

  @Test func answers408ToHalfABody() async throws {
    try await withProxy(impatient(), worker: echo) { proxy, origin in
      let answer = try await exchange(
        Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf".utf8), at: proxy.address,
        within: .patience)
      #expect(answer.status == 408)
      #expect(origin.heads.isEmpty)
    }
  }

  @Test func answers408ToHalfAStreamedBodyAndFreesTheWorker() async throws {
    let worker: Origin.Manner = { connection in
      guard let head = try connection.head() else { return }
      _ = try? connection.body(of: head)
      if head.hasPrefix("GET") { try connection.respond() }
    }
    var arrangement = impatient()
    arrangement.limits.maxBufferedBody = ByteCount(bytes: 2)
    try await withProxy(arrangement, worker: worker) { proxy, _ in
      let answer = try await exchange(
        Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf".utf8), at: proxy.address,
        within: .patience)
      #expect(answer.status == 408)
      #expect(try await request("GET", "/", at: proxy.address).status == 200)
    }
  }

  @Test func answers504AndKeepsTheStuckWorkerToItself() async throws {
    let stuck: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        if head.contains("/stuck") {
          _ = try connection.take(1)
          return
        }
        try connection.respond()
      }
    }
    var arrangement = Arrangement()
    arrangement.requestTimeout = .milliseconds(500)
    arrangement.queue = QueuePolicy(limit: 10, timeout: .milliseconds(300))
    try await withProxy(arrangement, worker: stuck) { proxy, origin in
      #expect(try await request("POST", "/stuck", at: proxy.address).status == 504)
      let age = try await proxy.report("overdue") { report -> Duration? in
        if case .overdue(worker(0), let age, nil) = report { age } else { nil }
      }
      #expect(age >= .milliseconds(500))
      _ = try await origin.first("the connection closed") { $0.open == 0 ? true : nil }
      // It may still be busy, so it gets nothing until the supervisor has dealt with it.
      #expect(try await request("GET", "/", at: proxy.address).status == 503)
      proxy.send(.retire(worker(0)))
      let final = try await proxy.report("retired") { report -> WorkerCounters? in
        if case .retired(let counters) = report { counters } else { nil }
      }
      #expect(final.requestsTotal == 1)
      #expect(final.lostTotal == 1)
      #expect(final.requestsInFlight == 0)
    }
  }

  @Test func cutsAnAnswerThatStops() async throws {
    let worker: Origin.Manner = { connection in
      _ = try connection.request()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
      _ = try connection.take(1)
    }
    try await withProxy(impatient(), worker: worker) { proxy, _ in
      let end = try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/"))
        return agent.end()
      }
      #expect(end.isReset)
    }
  }
}
