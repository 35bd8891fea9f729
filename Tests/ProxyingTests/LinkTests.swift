import Pool
import TestSupport
import Testing

@Suite struct LinkTests {
  /// Answers `/held…` only once the gate is open.
  private func holding(_ gate: Gate) -> Origin.Manner {
    { connection in
      while let (head, _) = try connection.request() {
        if head.contains("/held") { try gate.pass() }
        try connection.respond(head.split(separator: " ")[1].description)
      }
    }
  }

  @Test func drainsOnceTheLastRequestIsOver() async throws {
    let gate = Gate()
    try await withProxy(workers: [holding(gate), echo]) { proxy, origins in
      async let held = request("GET", "/held", at: proxy.address)
      try await origins[0].hasHeads(1)
      proxy.send(.drain(worker(0)))
      proxy.send(.drain(worker(1)))
      proxy.send(.admit(worker(1), .unix(path: origins[1].path)))
      try await proxy.reported(.drained(worker(1)))
      for _ in 0..<5 { _ = try await request("GET", "/other", at: proxy.address) }
      #expect(origins[1].heads.count == 5)
      let isDrained = proxy.reports.read { $0.contains(.drained(worker(0))) }
      #expect(!isDrained)
      gate.open()
      #expect(try await held.status == 200)
      try await proxy.reported(.drained(worker(0)))
      _ = try await origins[0].first("no connection is left") { $0.open == 0 ? true : nil }
      proxy.send(.retire(worker(0)))
      let final = try await proxy.retired(worker(0))
      #expect(final.requestsTotal == 1)
      #expect(final.lostTotal == 0)
      #expect(final.lastAnswered != nil)
    }
  }

  @Test func replaysWhatARetiredWorkerHolds() async throws {
    let gate = Gate()
    try await withProxy(workers: [holding(gate)]) { proxy, origins in
      async let held = request("GET", "/held", at: proxy.address)
      try await origins[0].hasHeads(1)
      proxy.send(.retire(worker(0)))
      let final = try await proxy.retired(worker(0))
      #expect(final.requestsInFlight == 0)
      #expect(final.lostTotal == 0)
      gate.open()
      proxy.send(.admit(worker(0, 2), .unix(path: origins[0].path)))
      #expect(try await held.text == "/held")
      #expect(origins[0].heads.count == 2)
    }
  }

  @Test func failsWhatARetiredWorkerHoldsAndNobodyMayRepeat() async throws {
    let gate = Gate()
    try await withProxy(workers: [holding(gate), echo]) { proxy, origins in
      async let held = request("POST", "/held", body: [1], at: proxy.address)
      try await origins[0].hasHeads(1)
      proxy.send(.retire(worker(0)))
      #expect(try await held.status == 502)
      let final = try await proxy.retired(worker(0))
      #expect(final.lostTotal == 1)
      gate.open()
    }
  }

  @Test func reservesAnIdleWorkerAndClosesItsConnection() async throws {
    let gate = Gate()
    try await withProxy(workers: [holding(gate)]) { proxy, origins in
      #expect(try await request("GET", "/", at: proxy.address).status == 200)
      #expect(origins[0].open == 1)
      proxy.send(.reserve(worker(0)))
      try await proxy.reported(.reserved(worker(0)))
      _ = try await origins[0].first("the connection closed") { $0.open == 0 ? true : nil }
      async let waiting = request("GET", "/held", at: proxy.address)
      _ = try await proxy.queue(1)
      #expect(origins[0].heads.count == 1)
      proxy.send(.release(worker(0)))
      try await origins[0].hasHeads(2)
      proxy.send(.reserve(worker(0)))
      try await proxy.reported(.busy(worker(0)))
      gate.open()
      #expect(try await waiting.status == 200)
    }
  }

  @Test func leavesTheWorkerToOthersBetweenRequestsWhileItIsShared() async throws {
    let gate = Gate()
    try await withProxy(workers: [holding(gate)]) { proxy, origins in
      #expect(try await request("GET", "/", at: proxy.address).status == 200)
      #expect(origins[0].open == 1)
      proxy.send(.share(true))
      _ = try await origins[0].first("the idle connection closed") { $0.open == 0 ? true : nil }
      async let held = request("GET", "/held", at: proxy.address)
      try await origins[0].hasHeads(2)
      gate.open()
      #expect(try await held.status == 200)
      _ = try await origins[0].first("the used connection closed") { $0.open == 0 ? true : nil }
      proxy.send(.share(false))
      proxy.send(.reserve(worker(7)))
      try await proxy.reported(.busy(worker(7)))
      #expect(try await request("GET", "/", at: proxy.address).status == 200)
      #expect(origins[0].open == 1)
    }
  }

  @Test func sharesNewsOfBusyWorkers() async throws {
    let gate = Gate()
    try await withProxy(workers: [holding(gate), echo]) { proxy, origins in
      proxy.send(.share(true))
      try await proxy.reported(.holding([]))
      // The other's request is at the second worker, so all go to the first.
      proxy.send(.elsewhere([HeldWorker(worker: worker(1), claims: 1)]))
      proxy.send(.reserve(worker(7)))
      try await proxy.reported(.busy(worker(7)))
      for _ in 0..<4 { #expect(try await request("GET", "/", at: proxy.address).status == 200) }
      #expect(origins[0].heads.count == 4)
      async let held = request("GET", "/held", at: proxy.address)
      try await proxy.reported(.holding([HeldWorker(worker: worker(0), claims: 1)]))
      async let waiting = request("GET", "/", at: proxy.address)
      _ = try await proxy.queue(1)
      proxy.send(.share(false))
      #expect(try await waiting.status == 200)
      #expect(origins[1].heads.count == 1)
      gate.open()
      #expect(try await held.status == 200)
    }
  }

  @Test func answersForWorkersThatItDoesNotKnow() async throws {
    try await withProxy(worker: echo) { proxy, _ in
      proxy.send(.drain(worker(7)))
      try await proxy.reported(.drained(worker(7)))
      proxy.send(.reserve(worker(7)))
      try await proxy.reported(.busy(worker(7)))
      proxy.send(.retire(worker(7)))
      #expect(try await proxy.retired(worker(7)).requestsTotal == 0)
    }
  }

  @Test func servesOnWithoutASupervisor() async throws {
    try await withTemporaryDirectory { folder in
      let origin = try Origin(in: folder, name: "worker.sock", echo)
      let proxy = try RunningProxy(Arrangement().configuration, folder: folder)
      try await proxy.reported(.serving)
      proxy.send(.admit(worker(0), .unix(path: origin.path)))
      #expect(try await request("GET", "/before", at: proxy.address).status == 200)
      proxy.hangUp()
      for _ in 0..<3 { #expect(try await request("GET", "/after", at: proxy.address).status == 200) }
      let exit = proxy.exit.read { $0 }
      #expect(exit == nil)
    }
  }

  @Test func saysGoodbyeWhenItStops() async throws {
    let gate = Gate()
    try await withTemporaryDirectory { folder in
      let origin = try Origin(in: folder, name: "worker.sock", holding(gate))
      let proxy = try RunningProxy(Arrangement().configuration, folder: folder)
      try await proxy.reported(.serving)
      proxy.send(.admit(worker(0), .unix(path: origin.path)))
      let asked = Gate()
      // One agent is idle between two requests, another waits for its answer.
      async let idle = agent(at: proxy.address) { agent in
        let first = try agent.ask("GET", "/one")
        asked.open()
        try gate.pass()
        let second = try agent.ask("GET", "/two")
        return [first.saysClose, second.saysClose, agent.end() == .closed]
      }
      try await onThread { try asked.pass() }
      async let held = request("GET", "/held", at: proxy.address)
      try await origin.hasHeads(2)
      proxy.send(.stop(within: .seconds(20)))
      // Nobody new gets in once it has stopped accepting: the backlog holds them.
      try await proxy.reported(.closed)
      _ = try await proxy.counters("stopping") { $0.requestsInFlight == 1 }
      gate.open()
      #expect(try await held.saysClose)
      #expect(try await idle == [false, true, true])
      #expect(try await proxy.ended() == 0)
      try await proxy.reported(.finished)
      let last = try await proxy.counters("the last") { $0.requestsTotal == 3 }
      #expect(last.connections == 0)
      #expect(last.requestsInFlight == 0)
    }
  }

  @Test func endsAtOnceIfItMust() async throws {
    let gate = Gate()
    try await withTemporaryDirectory { folder in
      let origin = try Origin(in: folder, name: "worker.sock", holding(gate))
      let proxy = try RunningProxy(Arrangement().configuration, folder: folder)
      proxy.send(.admit(worker(0), .unix(path: origin.path)))
      async let held = exchange(requestBytes("GET", "/held"), at: proxy.address, within: .patience)
      try await origin.hasHeads(1)
      proxy.send(.stop(within: .zero))
      #expect(try await proxy.ended() == 0)
      #expect(try await held.bytes.isEmpty)
      gate.open()
    }
  }

  @Test func refusesListenersThatDoNotMatch() async throws {
    try await withTemporaryDirectory { folder in
      var arrangement = Arrangement()
      arrangement.routes = [Route(path: "/", allow: .any, pool: PoolName(rawValue: "nowhere") ?? masters)]
      let proxy = try RunningProxy(arrangement.configuration, folder: folder)
      let reason = try await proxy.report("refused") { if case .refused(let reason) = $0 { reason } else { nil } }
      #expect(reason.contains("nowhere"))
      #expect(try await proxy.ended() == 78)
    }
  }
}

extension RunningProxy {
  func retired(_ worker: WorkerID) async throws -> WorkerCounters {
    try await report("\(worker) retired") { report in
      if case .retired(let counters) = report, counters.worker == worker { counters } else { nil }
    }
  }
}
