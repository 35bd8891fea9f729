import Glibc
import Pool
import TestSupport
import Testing

@Suite struct SuspicionTests {
  /// Answers at once, but for `/hang…`, which waits for the gate.
  private func hanging(_ gate: Gate) -> Origin.Manner {
    { connection in
      while let (head, _) = try connection.request() {
        if head.contains(" /hang") { try gate.pass() }
        try connection.respond(head.split(separator: " ")[1].description)
      }
    }
  }

  private func watchful(_ samples: Int = 3) -> Arrangement {
    var arrangement = Arrangement()
    arrangement.stuck = StuckPolicy(factor: 2, atLeast: .milliseconds(300), samples: samples)
    return arrangement
  }

  private func teach(_ proxy: RunningProxy, _ count: Int = 3) async throws {
    for _ in 0..<count {
      let status = try await request("GET", "/quick", at: proxy.address).status
      #expect(status == 200)
    }
  }

  @Test(arguments: [1, 2]) func aRequestThatIsTooOldIsToldOfUntilItEnds(_ threads: Int) async throws {
    var arrangement = watchful()
    arrangement.threads = threads
    let gate = Gate()
    try await withProxy(arrangement, worker: hanging(gate)) { proxy, _ in
      try await teach(proxy)
      async let hung = request("POST", "/hang?secret=1", at: proxy.address)
      let suspects = try await proxy.suspects(2)
      gate.open()
      #expect(try await hung.status == 200)
      let first = suspects[0]
      #expect(first.worker == worker(0))
      #expect(first.request == "POST /hang")
      #expect(first.node == nil)
      #expect(first.limit == max(.milliseconds(300), first.routeP99 * 2))
      #expect(first.age > first.limit)
      #expect(suspects[1].age > first.age)
    }
  }

  @Test func itsWorkerIsStoppedAndItIsAnswered504() async throws {
    let gate = Gate()
    try await withProxy(watchful(), worker: hanging(gate)) { proxy, _ in
      try await teach(proxy)
      async let hung = request("POST", "/hang", at: proxy.address)
      _ = try await proxy.suspects(1)
      proxy.send(.retire(worker(0)))
      #expect(try await hung.status == 504)
      let final = try await proxy.report("retired") { report -> WorkerCounters? in
        if case .retired(let counters) = report { counters } else { nil }
      }
      #expect(final.lostTotal == 1)
      #expect(final.requestsInFlight == 0)
      gate.open()
    }
  }

  @Test func anotherWorkerGetsItWhereItMayBeRepeated() async throws {
    let gate = Gate()
    try await withProxy(watchful(), workers: [hanging(gate), hanging(gate)]) { proxy, origins in
      try await teach(proxy)
      async let hung = request("GET", "/hang", at: proxy.address)
      let stuck = try await proxy.suspects(1)[0].worker
      proxy.send(.retire(stuck))
      _ = try await origins[1 - stuck.slot.index].first("the second try") { state in
        state.heads.last.map { $0.contains("/hang") } == true ? true : nil
      }
      gate.open()
      #expect(try await hung.text == "/hang")
    }
  }

  /// The agent that takes its answer slowly is no reason to suspect the worker, which waits for it.
  @Test func whoWaitsForAnAgentIsNoSuspect() async throws {
    let gate = Gate()
    let large = [UInt8](repeating: 120, count: 32 << 20)
    let manner: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        if head.contains(" /hang") { try gate.pass() }
        guard head.contains(" /large") else {
          try connection.respond()
          continue
        }
        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(large.count)\r\n\r\n")
        try connection.send(large)
      }
    }
    try await withProxy(watchful(), workers: [manner, manner]) { proxy, _ in
      try await teach(proxy)
      let leave = Gate()
      async let slow: Void = agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/large"))
        try leave.pass()
      }
      _ = try await proxy.counters("the large one") { $0.workers.contains { $0.requestsInFlight == 1 } }
      async let hung = request("POST", "/hang", at: proxy.address)
      let suspects = try await proxy.suspects(3)
      #expect(Set(suspects.map(\.request)) == ["POST /hang"])
      gate.open()
      leave.open()
      try await slow
      #expect(try await hung.status == 200)
    }
  }

  /// Until something is known of its route, only `request_timeout` counts.
  @Test func withoutSamplesNothingIsSuspect() async throws {
    let gate = Gate()
    var arrangement = watchful(4)
    arrangement.requestTimeout = .milliseconds(2500)
    try await withProxy(arrangement, worker: hanging(gate)) { proxy, _ in
      try await teach(proxy)
      #expect(try await request("POST", "/hang", at: proxy.address).status == 504)
      let wereSuspects = proxy.reports.read { reports in reports.contains { $0.suspect != nil } }
      #expect(!wereSuspects)
      gate.open()
    }
  }
}

@Suite struct QuarantineTests {
  private static let names = ["wedge.example", "good.example"]

  private func withNodes(
    _ gate: Gate, _ body: @escaping @Sendable (RunningProxy, [Origin], Certificates) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: Self.names)
      var arrangement = Arrangement()
      arrangement.stuck = StuckPolicy(factor: 2, atLeast: .milliseconds(300), samples: 2)
      arrangement.listeners = [
        ListenerConfiguration(
          address: .ip(host: "127.0.0.1", port: 0),
          tls: TLSConfiguration(
            certificate: certificates.serverCertificate, privateKey: certificates.serverKey,
            clientCA: certificates.ca, clientCRL: certificates.crl, verifyClient: .required))
      ]
      let held: Origin.Manner = { connection in
        while let (head, _) = try connection.request() {
          if head.contains(" /hang") { try gate.pass() }
          try connection.respond(head.split(separator: " ")[1].description)
        }
      }
      try await withProxy(arrangement, workers: [held, held]) { try await body($0, $1, certificates) }
    }
  }

  @Test func aQuarantinedNodeGetsOneWorkerAndBlocksNobody() async throws {
    let gate = Gate()
    try await withNodes(gate) { proxy, origins, certificates in
      let (wedge, good) = (try certificates.client(Self.names[0]), try certificates.client(Self.names[1]))
      proxy.send(.quarantine([QuarantinedNode(pool: masters, node: Self.names[0])]))
      try await withThrowingTaskGroup { group in
        for number in 0..<2 {
          group.addTask {
            let text = try await request("GET", "/hang", at: proxy.address, tls: wedge).text
            #expect(text == "/hang")
          }
          _ = try await proxy.counters("\(number) in line") { counters in
            counters.pools.first?.quarantinedWaiting == number
              && counters.workers.reduce(0) { $0 + $1.requestsInFlight } == 1
          }
        }
        // A worker is free, though one is in line.
        let text = try await request("GET", "/good", at: proxy.address, tls: good).text
        #expect(text == "/good")
        #expect(origins.map(\.heads.count).sorted() == [1, 1])
        // Its time is over: what waits goes on.
        proxy.send(.quarantine([]))
        _ = try await proxy.counters("nobody in line") { counters in
          counters.pools.first?.queueLength == 0 && counters.workers.reduce(0) { $0 + $1.requestsInFlight } == 2
        }
        gate.open()
        try await group.waitForAll()
      }
    }
  }

  @Test func aSuspectIsNamedAndNotRepeatedForAQuarantinedNode() async throws {
    let gate = Gate()
    try await withNodes(gate) { proxy, origins, certificates in
      let wedge = try certificates.client(Self.names[0])
      for _ in 0..<2 { _ = try await request("GET", "/quick", at: proxy.address, tls: wedge) }
      proxy.send(.quarantine([QuarantinedNode(pool: masters, node: Self.names[0])]))
      async let hung = request("GET", "/hang", at: proxy.address, tls: wedge)
      let suspect = try await proxy.suspects(1)[0]
      #expect(suspect.node == Self.names[0])
      #expect(suspect.nodeP99 != nil)
      proxy.send(.retire(suspect.worker))
      #expect(try await hung.status == 504)
      let tries = origins.flatMap(\.heads).count { $0.contains("/hang") }
      #expect(tries == 1)
      gate.open()
    }
  }
}

/// What the workers are at, for the status.
@Suite struct CurrentRequestTests {
  @Test(arguments: [1, 2]) func theCountersTellOfARequestThatTakesAWhileUntilItEnds(_ threads: Int) async throws {
    var arrangement = Arrangement()
    arrangement.threads = threads
    let gate = Gate()
    let hanging: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        if head.contains(" /hang") { try gate.pass() }
        try connection.respond("done")
      }
    }
    try await withProxy(arrangement, worker: hanging) { proxy, _ in
      async let hung = request("POST", "/hang/\(String(repeating: "x", count: 300))?secret=1", at: proxy.address)
      let busy = try await proxy.counters("a worker that is at something") { $0.workers.first?.current != nil }
      let worker = try #require(busy.workers.first)
      #expect(worker.current?.request == "POST /hang/" + String(repeating: "x", count: 189))
      #expect(worker.current?.node == nil)
      #expect(worker.current?.started == worker.oldestRequestStarted)
      gate.open()
      #expect(try await hung.status == 200)
      _ = try await proxy.counters("a worker that is at nothing") { counters in
        counters.requestsTotal > 0 && counters.workers.allSatisfy { $0.current == nil && $0.requestsInFlight == 0 }
      }
    }
  }
}

extension ProxyReport {
  var suspect: Suspect? { if case .suspect(let suspect) = self { suspect } else { nil } }
}

extension RunningProxy {
  func suspects(_ count: Int) async throws -> [Suspect] {
    try await reports.first("\(count) words of suspects", before: .patient) { reports in
      let suspects = reports.compactMap(\.suspect)
      return suspects.count >= count ? suspects : nil
    }
  }
}
