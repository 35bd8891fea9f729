import Pool
import TestSupport
import Testing

private let vanish: Origin.Manner = { connection in _ = try connection.request() }
private let silence: Origin.Manner = { connection in
  _ = try connection.request()
  _ = try? connection.take(1)
}

/// Each request leaves one line, however it ends.
@Suite struct AccessEndingTests {
  private func one(
    _ arrangement: Arrangement = Arrangement(), workers: [Origin.Manner] = [echo],
    _ body: (RunningProxy, [Origin]) async throws -> Void
  ) async throws -> LogLine {
    let lines = try await logLines(arrangement, workers: workers, body)
    #expect(lines.count == 1)
    return try #require(lines.first)
  }

  private func retrying() -> Arrangement {
    var arrangement = Arrangement()
    arrangement.routes = [Route(path: "/", allow: .any, pool: masters, retry: true)]
    return arrangement
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "refused", "GET / HTTP/1.1", "Host"),
    ("\r\nGET / HTTP/2.0\r\n\r\n", 505, "refused", "GET / HTTP/2.0", "HTTP/1.1"),
    ("\u{16}\u{3}\u{1}\u{2}", 400, "refused", "\u{16}\u{3}\u{1}\u{2}", "request line"),
    ("GET /half HTTP/1.1\r\nHo", 408, "timed_out", "GET /half HTTP/1.1", "in time"),
  ])
  func aHeadThatIsNone(_ bytes: String, _ status: Int, _ ended: String, _ first: String, _ why: String) async throws {
    var arrangement = Arrangement()
    arrangement.limits.headerTimeout = .milliseconds(300)
    let line = try await one(arrangement) { proxy, _ in
      let answer = try await exchange(Array(bytes.utf8), at: proxy.address)
      #expect(answer.status == status)
    }
    #expect(line.status == status)
    #expect(line.ended == ended)
    #expect(line.requestLine == first)
    #expect(line.cause?.contains(why) == true)
    #expect(line.bytesReceived == bytes.utf8.count)
    #expect(line.method == nil)
    #expect(line.id?.count == 32)
  }

  @Test(arguments: ["GET /half HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"])
  func anAgentThatGoesBeforeItHasAsked(_ half: String) async throws {
    let line = try await one { proxy, _ in
      try await agent(at: proxy.address) { agent in try agent.send(half) }
      _ = try await proxy.counters("the connection gone") { $0.connectionsTotal == 1 && $0.connections == 0 }
    }
    #expect(line.status == 0)
    #expect(line.ended == "agent_gone")
    #expect(line.bytesReceived == half.utf8.count)
    #expect(line.bytesSent == 0)
  }

  /// Line ends and silence are no request.
  @Test func nothingIsSaidOfNothing() async throws {
    let lines = try await logLines { proxy, _ in
      try await agent(at: proxy.address) { agent in
        _ = try agent.ask("GET", "/")
        try agent.send("\r\n")
      }
      try await agent(at: proxy.address) { agent in agent.wire.resetWhenClosed() }
      _ = try await proxy.counters("both gone") { $0.connectionsTotal == 2 && $0.connections == 0 }
    }
    #expect(lines.count == 1)
  }

  @Test func aRequestThatIsForbidden() async throws {
    var arrangement = Arrangement()
    arrangement.routes = [Route(path: "/a", allow: .any, pool: masters)]
    let line = try await one(arrangement) { proxy, _ in
      let response = try await request("GET", "/b", at: proxy.address)
      #expect(response.status == 403)
    }
    #expect(line.status == 403)
    #expect(line.ended == "forbidden")
    #expect(line.cause?.contains("No route") == true)
    #expect(line.path == "/b")
    #expect(line.slot == nil)
    #expect(line.pool == nil)
  }

  @Test func aBodyThatIsTooLarge() async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxBodySize = ByteCount(bytes: 100)
    let line = try await one(arrangement) { proxy, _ in
      let response = try await request("PUT", "/", body: patternBytes(101), at: proxy.address)
      #expect(response.status == 413)
    }
    #expect(line.status == 413)
    #expect(line.ended == "refused")
    #expect(line.method == "PUT")
  }

  @Test(arguments: [0, 1]) func aRequestWithoutAWorker(_ places: Int) async throws {
    var arrangement = Arrangement()
    arrangement.queue = QueuePolicy(limit: places, timeout: .milliseconds(300))
    let line = try await one(arrangement, workers: []) { proxy, _ in
      let response = try await request("GET", "/", at: proxy.address)
      #expect(response.status == 503)
    }
    #expect(line.status == 503)
    #expect(line.ended == "shed")
    #expect(line.pool == "masters")
    #expect(line.slot == nil)
    #expect((line.queueMs ?? 0) >= (places == 0 ? 0 : 300))
  }

  @Test func aWorkerThatDoesNotAnswer() async throws {
    var arrangement = Arrangement()
    arrangement.requestTimeout = .milliseconds(300)
    let line = try await one(arrangement, workers: [silence]) { proxy, _ in
      let response = try await request("GET", "/", at: proxy.address)
      #expect(response.status == 504)
    }
    #expect(line.status == 504)
    #expect(line.ended == "timed_out")
    #expect(line.slot == 0)
    #expect((line.workerMs ?? 0) >= 300)
  }

  @Test func aWorkerThatDies() async throws {
    let line = try await one(workers: [vanish]) { proxy, _ in
      let response = try await request("POST", "/", body: [1], at: proxy.address)
      #expect(response.status == 502)
    }
    #expect(line.status == 502)
    #expect(line.ended == "worker_failed")
    #expect(line.retries == 0)
  }

  @Test func aRequestThatAnotherWorkerSaves() async throws {
    let line = try await one(retrying(), workers: [vanish, echo]) { proxy, origins in
      let response = try await request("GET", "/saved", at: proxy.address)
      #expect(response.status == 200)
      let told = origins.map { field("x-request-id", of: $0.heads[0]) }
      #expect(told[0] == told[1])
    }
    #expect(line.status == 200)
    #expect(line.ended == nil)
    #expect(line.retries == 1)
    #expect(line.slot == 1)
  }

  @Test func anAnswerThatIsNoHTTP() async throws {
    let nonsense: Origin.Manner = { connection in
      _ = try connection.request()
      try connection.send("ICY 200 OK\r\n\r\n")
      _ = try? connection.take(1)
    }
    let line = try await one(workers: [nonsense]) { proxy, _ in
      let response = try await request("GET", "/", at: proxy.address)
      #expect(response.status == 502)
    }
    #expect(line.ended == "worker_failed")
    #expect(line.cause?.contains("understood") == true)
  }

  @Test func anAnswerThatBreaksOff() async throws {
    let half: Origin.Manner = { connection in
      _ = try connection.request()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    }
    let line = try await one(workers: [half]) { proxy, _ in
      let end = try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/"))
        return agent.end()
      }
      #expect(end.isReset)
    }
    #expect(line.status == 200)
    #expect(line.ended == "cut")
    #expect(line.cause == "the worker broke off its answer")
  }

  /// The line comes when the worker is done, and tells how long the agent waited.
  @Test func anAgentThatDoesNotWait() async throws {
    let (arrived, answer) = (Gate(), Gate())
    let slow: Origin.Manner = { connection in
      _ = try connection.request()
      arrived.open()
      try answer.pass()
      try connection.respond("late")
    }
    let line = try await one(workers: [slow]) { proxy, _ in
      try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/left"))
        try arrived.pass()
        agent.wire.resetWhenClosed()
      }
      _ = try await proxy.counters("the agent gone") { $0.connections == 0 && $0.requestsInFlight == 1 }
      try await Task.sleep(for: .milliseconds(300))
      answer.open()
      _ = try await proxy.counters("the worker free") { $0.requestsInFlight == 0 }
    }
    #expect(line.ended == "agent_gone")
    #expect((line.workerMs ?? 0) - (line.totalMs ?? 0) >= 250)
  }

  @Test func anAgentThatLeavesTheLine() async throws {
    let line = try await one(workers: []) { proxy, _ in
      let waits = Gate()
      async let leaving: Void = agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/left"))
        try waits.pass()
        agent.wire.resetWhenClosed()
      }
      _ = try await proxy.counters("one in line") { $0.pools.first?.queueLength == 1 }
      waits.open()
      try await leaving
      _ = try await proxy.counters("the agent gone") { $0.connectionsTotal == 1 && $0.connections == 0 }
    }
    #expect(line.ended == "agent_gone")
    #expect(line.status == 0)
    #expect(line.path == "/left")
  }

  @Test func aRequestThatTheEndOverrules() async throws {
    let arrived = Gate()
    let hung: Origin.Manner = { connection in
      _ = try connection.request()
      arrived.open()
      _ = try? connection.take(1)
    }
    let line = try await one(workers: [hung]) { proxy, _ in
      try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/hung"))
        try arrived.pass()
        proxy.send(.stop(within: .zero))
        _ = agent.end()
      }
    }
    #expect(line.ended == "stopped")
    #expect(line.path == "/hung")
  }
}
