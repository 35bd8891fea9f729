import Glibc
import Pool
import TestSupport
import Testing

/// Takes a request and closes without a word.
private let vanish: Origin.Manner = { connection in _ = try connection.request() }

/// Answers once and closes, without having said so.
private let oneEach: Origin.Manner = { connection in
  _ = try connection.request()
  try connection.respond("fresh")
}

@Suite struct FailureTests {
  private func twoWorkers(_ retry: Bool = false) -> Arrangement {
    var arrangement = Arrangement()
    arrangement.routes = [Route(path: "/", allow: .any, pool: masters, retry: retry)]
    return arrangement
  }

  @Test(arguments: [("GET", false), ("HEAD", false), ("POST", true), ("PUT", true)])
  func sendsARequestOnceMoreWhenItsWorkerDies(_ method: String, _ retry: Bool) async throws {
    try await withProxy(twoWorkers(retry), workers: [vanish, echo]) { proxy, origins in
      let body: [UInt8] = method == "GET" || method == "HEAD" ? [] : patternBytes(100_000)
      let response = try await request(method, "/saved", body: body, at: proxy.address)
      #expect(response.status == 200)
      #expect(origins[0].bodies == [body])
      #expect(origins[1].bodies == [body])
      let counters = try await proxy.counters("a retry") { $0.retriedTotal == 1 }
      #expect(counters.workers.map(\.lostTotal) == [0, 0])
      let dead = try await proxy.report("unreachable") { report -> WorkerID? in
        if case .unreachable(let worker, _) = report { worker } else { nil }
      }
      #expect(dead == worker(0))
    }
  }

  @Test(arguments: ["POST", "PUT", "DELETE"])
  func doesNotRepeatWhatMayHaveHappened(_ method: String) async throws {
    try await withProxy(twoWorkers(), workers: [vanish, echo]) { proxy, origins in
      let response = try await request(method, "/once", body: [1, 2, 3], at: proxy.address)
      #expect(response.status == 502)
      #expect(origins[1].heads.isEmpty)
      let counters = try await proxy.counters("a loss") { $0.responses[5] == 1 }
      #expect(counters.workers.map(\.lostTotal) == [1, 0])
      #expect(counters.retriedTotal == 0)
    }
  }

  @Test func triesTwiceAtMost() async throws {
    try await withProxy(twoWorkers(), workers: [vanish, vanish, echo]) { proxy, origins in
      let response = try await request("GET", "/poison", at: proxy.address)
      #expect(response.status == 502)
      #expect(origins.map(\.heads.count) == [1, 1, 0])
    }
  }

  @Test func sendsAnyRequestElsewhereWhenTheConnectionIsRefused() async throws {
    try await withProxy(twoWorkers(), workers: [echo, echo]) { proxy, origins in
      origins[0].close()
      #expect(try await request("POST", "/a", body: [1], at: proxy.address).status == 200)
      #expect(origins[1].heads.count == 1)
      _ = try await proxy.report("unreachable") { report -> Bool? in
        if case .unreachable(worker(0), _) = report { true } else { nil }
      }
    }
  }

  @Test func waitsForAnotherWorkerIfNoneIsLeft() async throws {
    try await withTemporaryDirectory { folder in
      let gate = Gate()
      let vanishLater: Origin.Manner = { connection in
        _ = try connection.request()
        try gate.pass()
      }
      try await withProxy(twoWorkers(), workers: [vanishLater]) { proxy, origins in
        let successor = try Origin(in: folder, name: "next.sock", echo)
        async let response = request("GET", "/patient", at: proxy.address)
        try await origins[0].hasHeads(1)
        // It must take nothing when it is back: what the link answers next shows that it was told.
        proxy.send(.drain(worker(0)))
        proxy.send(.reserve(worker(0)))
        try await proxy.reported(.busy(worker(0)))
        gate.open()
        _ = try await proxy.report("unreachable") { if case .unreachable(worker(0), _) = $0 { true } else { nil } }
        _ = try await proxy.queue(1)
        proxy.send(.admit(worker(0, 2), .unix(path: successor.path)))
        #expect(try await response.text == "/patient")
      }
    }
  }

  /// A master may close a kept connection just as the next request is sent over it.
  @Test func survivesConnectionsThatGoStale() async throws {
    try await withProxy(twoWorkers(), worker: oneEach) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        for _ in 0..<100 {
          let response = try agent.ask("GET", "/")
          #expect(response.status == 200)
        }
      }
      #expect(origin.heads.count >= 100)
    }
  }

  /// What may not be sent twice is not sent over a connection that is closed already.
  @Test func looksBeforeItSendsWhatMayNotBeRepeated() async throws {
    try await withProxy(twoWorkers(), worker: oneEach) { proxy, origin in
      for _ in 0..<20 {
        let response = try await request("POST", "/", body: [1], at: proxy.address)
        #expect(response.status == 200)
        _ = try await origin.first("the connection closed") { $0.open == 0 ? true : nil }
      }
      #expect(origin.heads.count == 20)
    }
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX",
  ])
  func cutsTheAgentOffWhenTheAnswerBreaksOff(_ half: String) async throws {
    let worker: Origin.Manner = { connection in
      _ = try connection.request()
      try connection.send(half)
      if half.hasSuffix("X") { _ = try connection.take(1) }
    }
    try await withProxy(twoWorkers(), worker: worker) { proxy, _ in
      let end = try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/"))
        return agent.end()
      }
      #expect(end.isReset)
      let counters = try await proxy.counters("a loss") { $0.workers.first?.lostTotal == 1 }
      #expect(counters.connections == 0)
    }
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "ICY 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
  ])
  func answers502ForWhatIsNotHTTP(_ nonsense: String) async throws {
    let worker: Origin.Manner = { connection in
      _ = try connection.request()
      try connection.send(nonsense)
      _ = try connection.take(1)
    }
    try await withProxy(twoWorkers(), worker: worker) { proxy, origin in
      #expect(try await request("GET", "/", at: proxy.address).status == 502)
      _ = try await origin.first("the connection closed") { $0.open == 0 ? true : nil }
    }
  }

  /// Bytes beyond an answer belong to nobody, least of all to the next request.
  @Test func doesNotReuseAConnectionWithLeftovers() async throws {
    let worker: Origin.Manner = { connection in
      while try connection.request() != nil {
        try connection.send(
          "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmineHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
      }
    }
    try await withProxy(twoWorkers(), worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        for _ in 0..<3 {
          let response = try agent.ask("GET", "/")
          #expect(response.text == "mine")
        }
      }
      #expect(origin.accepted == 3)
    }
  }

  // MARK: Agents that leave

  @Test func readsTheAnswerForNobodyBeforeTheWorkerIsFree() async throws {
    let (arrived, answer) = (Gate(), Gate())
    let worker: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        if head.contains("/left") {
          arrived.open()
          try answer.pass()
        }
        try connection.respond("fine")
      }
    }
    try await withProxy(twoWorkers(), worker: worker) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/left"))
        try arrived.pass()
        agent.wire.resetWhenClosed()
      }
      async let next = request("GET", "/next", at: proxy.address)
      let waiting = try await proxy.counters("the next in line") { $0.pools.first?.queueLength == 1 }
      #expect(waiting.workers.first?.requestsInFlight == 1)
      answer.open()
      #expect(try await next.text == "fine")
      #expect(origin.accepted == 1)
      let counters = try await proxy.counters("no loss") { $0.requestsInFlight == 0 }
      #expect(counters.workers.first?.lostTotal == 0)
    }
  }
}
