import Pool
import TestSupport
import Testing

@Suite struct QueueTests {
  /// Holds every request until it is told to go on.
  private func held(_ gate: Gate) -> Origin.Manner {
    { connection in
      while let (head, _) = try connection.request() {
        try gate.pass()
        try connection.respond(head.split(separator: " ")[1].description)
      }
    }
  }

  @Test func answers503WhenTheLineIsFull() async throws {
    var arrangement = Arrangement()
    arrangement.queue = QueuePolicy(limit: 1, timeout: .seconds(20))
    let gate = Gate()
    try await withProxy(arrangement, worker: held(gate)) { proxy, origin in
      async let first = request("GET", "/first", at: proxy.address)
      try await origin.hasHeads(1)
      async let second = request("GET", "/second", at: proxy.address)
      _ = try await proxy.counters("one in line") { $0.pools.first?.queueLength == 1 }
      let shed = try await request("GET", "/third", at: proxy.address)
      #expect(shed.status == 503)
      #expect(shed.header("retry-after") == "5")
      gate.open()
      #expect(try await first.text == "/first")
      #expect(try await second.text == "/second")
      let counters = try await proxy.counters("all answers") { $0.responses == [0, 0, 2, 0, 0, 1] }
      #expect(counters.pools.first?.shedTotal == 1)
    }
  }

  @Test func answers503WhenItsTurnComesTooLate() async throws {
    var arrangement = Arrangement()
    arrangement.queue = QueuePolicy(limit: 10, timeout: .milliseconds(200))
    let gate = Gate()
    try await withProxy(arrangement, worker: held(gate)) { proxy, origin in
      async let first = request("GET", "/first", at: proxy.address)
      try await origin.hasHeads(1)
      let late = try await request("GET", "/late", at: proxy.address)
      #expect(late.status == 503)
      #expect(late.header("retry-after") == "5")
      gate.open()
      #expect(try await first.status == 200)
      #expect(origin.heads.count == 1)
    }
  }

  @Test(arguments: [1, 3]) func servesFirstComeFirstServed(_ threads: Int) async throws {
    var arrangement = Arrangement()
    arrangement.threads = threads
    let gate = Gate()
    try await withProxy(arrangement, worker: held(gate)) { proxy, origin in
      let address = proxy.address
      try await withThrowingTaskGroup { group in
        for number in 0..<5 {
          group.addTask {
            let response = try await request("GET", "/\(number)", at: address)
            #expect(response.text == "/\(number)")
          }
          // The first is at the worker, each other in line before the next comes.
          if number == 0 {
            try await origin.hasHeads(1)
          } else {
            _ = try await proxy.queue(number)
          }
        }
        gate.open()
        try await group.waitForAll()
      }
      let asked = origin.heads.map { String($0.split(separator: " ")[1]) }
      #expect(asked == ["/0", "/1", "/2", "/3", "/4"])
    }
  }

  @Test func forgetsWhoLeftTheLine() async throws {
    let gate = Gate()
    try await withProxy(worker: held(gate)) { proxy, origin in
      async let first = request("GET", "/first", at: proxy.address)
      try await origin.hasHeads(1)
      let leave = Gate()
      async let left: Void = agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/left"))
        try leave.pass()
        agent.wire.resetWhenClosed()
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

  @Test func givesEachWorkerItsConcurrency() async throws {
    var arrangement = Arrangement()
    arrangement.concurrency = 2
    arrangement.threads = 2
    let gate = Gate()
    try await withProxy(arrangement, workers: [held(gate), held(gate)]) { proxy, origins in
      let address = proxy.address
      try await withThrowingTaskGroup { group in
        for number in 0..<5 {
          group.addTask {
            let response = try await request("GET", "/\(number)", at: address)
            #expect(response.status == 200)
          }
        }
        let counters = try await proxy.queue(1)
        #expect(counters.workers.map(\.requestsInFlight) == [2, 2])
        let areBusy = counters.workers.allSatisfy { $0.oldestRequestStarted != nil }
        #expect(areBusy)
        gate.open()
        try await group.waitForAll()
      }
      let most = origins.map(\.accepted).max() ?? 0
      #expect(most <= 2)
    }
  }

  @Test func waitsForTheFirstWorker() async throws {
    try await withTemporaryDirectory { folder in
      try await withProxy(workers: []) { proxy, _ in
        async let early = request("GET", "/early", at: proxy.address)
        _ = try await proxy.queue(1)
        let origin = try Origin(in: folder, name: "late.sock", echo)
        proxy.send(.admit(worker(0), .unix(path: origin.path)))
        #expect(try await early.text == "/early")
      }
    }
  }
}

extension RunningProxy {
  /// Waits until so many stand in line.
  func queue(_ length: Int) async throws -> ProxyCounters {
    try await counters("\(length) in line") { $0.pools.first?.queueLength == length }
  }
}
