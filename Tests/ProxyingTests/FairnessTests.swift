import Glibc
import Pool
import TestSupport
import Testing

@Suite struct FairnessTests {
  private func held(_ gate: Gate) -> Origin.Manner {
    { connection in
      while let (head, _) = try connection.request() {
        try gate.pass()
        try connection.respond(head.split(separator: " ")[1].description)
      }
    }
  }

  private func arrangement(_ queue: QueuePolicy) -> Arrangement {
    var arrangement = Arrangement()
    arrangement.queue = queue
    arrangement.routes = [
      Route(path: "/report", allow: .any, pool: masters, priority: .report),
      Route(path: "/file", allow: .any, pool: masters, priority: .file),
      Route(path: "/catalog", allow: .any, pool: masters, priority: .catalog),
      Route(path: "/", allow: .any, pool: masters),
    ]
    return arrangement
  }

  @Test(arguments: [1, 2]) func routesRankRequests(_ threads: Int) async throws {
    var arrangement = arrangement(QueuePolicy(limit: 10, timeout: .seconds(20), lift: .seconds(60)))
    arrangement.threads = threads
    let gate = Gate()
    try await withProxy(arrangement, worker: held(gate)) { proxy, origin in
      let address = proxy.address
      try await withThrowingTaskGroup { group in
        // The first is of a run, which is under way from then on; they come in the worst order.
        for (number, path) in ["/catalog", "/new", "/catalog", "/file", "/report"].enumerated() {
          group.addTask {
            let response = try await request("GET", path, at: address)
            #expect(response.text == path)
          }
          if number == 0 {
            try await origin.hasHeads(1)
          } else {
            let counters = try await proxy.queue(number)
            let waiting = [[], [0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1]][number]
            #expect(counters.pools.first?.waiting == waiting)
          }
        }
        gate.open()
        try await group.waitForAll()
      }
      let served = origin.heads.map { $0.split(separator: " ")[1] }
      #expect(served == ["/catalog", "/report", "/file", "/catalog", "/new"])
    }
  }

  @Test func agentsThatFailAtARefusalWaitOn() async throws {
    let gate = Gate()
    let arrangement = arrangement(QueuePolicy(limit: 1, ceiling: 2, timeout: .seconds(20)))
    try await withProxy(arrangement, worker: held(gate)) { proxy, origin in
      let address = proxy.address
      async let first = request("GET", "/new", at: address)
      try await origin.hasHeads(1)
      async let second = request("GET", "/new", at: address)
      _ = try await proxy.queue(1)
      let modern = try await request("GET", "/new", headers: [("X-Puppet-Version", "8.2.0")], at: address)
      #expect(modern.status == 503)
      #expect(modern.header("retry-after") == "5")
      async let old = request("GET", "/new", headers: [("X-Puppet-Version", "7.23.0")], at: address)
      _ = try await proxy.queue(2)
      // There is room for nobody any more; a time to come back would only keep this one from failing at once.
      let late = try await request("GET", "/new", headers: [("X-Puppet-Version", "7.23.0")], at: address)
      #expect(late.status == 503)
      #expect(late.header("retry-after") == nil)
      gate.open()
      let statuses = try await [first.status, second.status, old.status]
      #expect(statuses == [200, 200, 200])
      let counters = try await proxy.counters("two refused") { $0.pools.first?.shedTotal == 2 }
      #expect(counters.pools.first?.sheds == [1, 0, 1, 0])
    }
  }

  @Test func aRunUnderWayIsNeverRefused() async throws {
    let gate = Gate()
    try await withProxy(arrangement(QueuePolicy(limit: 1, timeout: .seconds(20))), worker: held(gate)) {
      proxy, origin in
      let address = proxy.address
      try await withThrowingTaskGroup { group in
        group.addTask { try await isServed("/catalog", address) }
        try await origin.hasHeads(1)
        for _ in 0..<4 {
          group.addTask { try await isServed("/file", address) }
        }
        _ = try await proxy.queue(4)
        // What is of no run finds no room.
        let response = try await request("GET", "/new", at: address)
        #expect(response.status == 503)
        gate.open()
        try await group.waitForAll()
      }
    }
  }

  private func isServed(_ path: String, _ address: Address) async throws {
    let status = try await request("GET", path, at: address).status
    #expect(status == 200)
  }

  // MARK: Agents that are gone

  @Test func whoClosesInTheClearLeavesTheLine() async throws {
    let gate = Gate()
    try await withProxy(worker: held(gate)) { proxy, origin in
      async let first = request("GET", "/first", at: proxy.address)
      try await origin.hasHeads(1)
      let leave = Gate()
      async let left: Void = agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/left"))
        try leave.pass()
      }
      _ = try await proxy.queue(1)
      leave.open()
      try await left
      _ = try await proxy.queue(0)
      gate.open()
      #expect(try await first.status == 200)
      #expect(try await request("GET", "/after", at: proxy.address).text == "/after")
      #expect(origin.heads.count == 2)
    }
  }

  @Test func whoOnlyEndsItsSideIsServed() async throws {
    let gate = Gate()
    try await withProxy(worker: held(gate)) { proxy, origin in
      async let first = request("GET", "/first", at: proxy.address)
      try await origin.hasHeads(1)
      async let half = agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/half"))
        agent.wire.finishSending()
        // It is asked whether it is still there.
        let interim = try agent.text(27)
        return (interim, try agent.text())
      }
      _ = try await proxy.queue(1)
      gate.open()
      let (interim, answer) = try await half
      #expect(interim.hasPrefix("HTTP/1.1 102 Processing\r\n\r\n"))
      #expect((interim + answer).hasSuffix("/half"))
      #expect(try await first.status == 200)
    }
  }

  /// The worker dies under a request that nobody waits for any more.
  @Test func whatNobodyWaitsForIsNotLost() async throws {
    let gate = Gate()
    let dies: Origin.Manner = { connection in
      _ = try connection.request()
      try gate.pass()
    }
    try await withProxy(worker: dies) { proxy, origin in
      try await agent(at: proxy.address) { agent in
        try agent.send(requestBytes("POST", "/"))
        while origin.heads.isEmpty { usleep(1000) }
      }
      // It closed; what it asked runs on, and is known to be nobody's.
      _ = try await proxy.counters("nobody there") { $0.connections == 0 && $0.workers.first?.requestsInFlight == 1 }
      gate.open()
      let counters = try await proxy.counters("the end") { $0.workers.first?.requestsInFlight == 0 }
      #expect(counters.workers.first?.lostTotal == 0)
    }
  }

  // MARK: A herd

  @Test func aThousandAtOnceAreServedToTheLast() async throws {
    let (count, limit, workers) = (1000, 150, 4)
    var arrangement = arrangement(
      QueuePolicy(
        limit: limit, timeout: .seconds(60), retryAfter: RetryAfterPolicy(min: .seconds(1), max: .seconds(20))))
    arrangement.threads = 2
    let slow: Origin.Manner = { connection in
      while try connection.request() != nil {
        usleep(3000)
        try connection.respond()
      }
    }
    try await withProxy(arrangement, workers: Array(repeating: slow, count: workers)) { proxy, _ in
      let address = proxy.address
      let outcomes = try await onThread {
        var crowd = Crowd(
          count, at: address, request: requestBytes("GET", "/catalog", headers: [("X-Puppet-Version", "8.2.0")]))
        return crowd.run(before: .after(.seconds(120)))
      }
      let (served, cameBack) = (outcomes.count { $0.status == 200 }, outcomes.contains { $0.tries > 1 })
      #expect(served == count)
      #expect(cameBack, "the herd was no herd")

      let counters = try await proxy.counters("all served") {
        $0.workers.reduce(0) { $0 + $1.requestsTotal } >= count
      }
      #expect(counters.workers.map(\.lostTotal).reduce(0, +) == 0)

      // Who was admitted waited for no more than what a full line and the workers held.
      let ends = outcomes.map(\.ended).sorted()
      let overtaken = outcomes.map { outcome in
        ends.count { $0 > outcome.asked && $0 < outcome.ended }
      }.sorted()
      #expect(overtaken[count * 99 / 100] <= 2 * (limit + workers), "\(overtaken[count * 99 / 100])")
      // And so the slowest of them took a part of the whole herd's time, however fast this machine is.
      let waits = outcomes.map { $0.ended - $0.asked }.sorted()
      let whole = (ends.last ?? 0) - (outcomes.map(\.began).min() ?? 0)
      #expect(waits[count * 99 / 100] * 2 < whole, "\(waits[count * 99 / 100]) of \(whole)")
    }
  }
}
