import Glibc
import Pool
import TestSupport
import Testing

/// Workers come and go while agents ask without a pause; nobody notices.
@Suite struct ReplacementTests {
  private static let agents = 12
  private static let slots = 3

  /// Answers so far, by agent.
  private typealias Progress = Monitor<[Int]>

  private func crowd(_ address: Address, _ progress: Progress, until done: Gate) async throws -> Int {
    try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<Self.agents {
        group.addTask {
          try await agent(at: address) { agent in
            var count = 0
            while !done.isPassable {
              let target = "/\(number)/\(count)"
              let response = try agent.ask(
                count % 3 == 0 ? "POST" : "GET", target, body: count % 3 == 0 ? [1, 2] : [])
              guard response.text == target else { throw WrongAnswer(asked: target, got: response) }
              count += 1
              progress.update { $0[number] = count }
            }
            return count
          }
        }
      }
      return try await group.reduce(0, +)
    }
  }

  struct WrongAnswer: Error {
    var asked: String
    var got: HTTPResponse
  }

  @Test(arguments: [1, 2]) func drainsLoseNothing(_ concurrency: Int) async throws {
    try await replace(concurrency) { proxy, old, _ in
      proxy.send(.drain(old))
      try await proxy.reported(.drained(old))
      proxy.send(.retire(old))
      let final = try await proxy.retired(old)
      #expect(final.lostTotal == 0)
    }
  }

  /// What a dying worker held goes to another, since the route allows it.
  @Test(arguments: [1, 2]) func deathsLoseNothing(_ concurrency: Int) async throws {
    try await replace(concurrency) { proxy, old, origin in
      origin.die()
      _ = try await proxy.report("\(old) unreachable") { report -> Bool? in
        if case .unreachable(old, _) = report { true } else { nil }
      }
      proxy.send(.retire(old))
      let final = try await proxy.retired(old)
      #expect(final.lostTotal == 0)
    }
  }

  @Test(arguments: [1, 2]) func retirementsLoseNothing(_ concurrency: Int) async throws {
    try await replace(concurrency) { proxy, old, origin in
      proxy.send(.retire(old))
      let final = try await proxy.retired(old)
      #expect(final.lostTotal == 0)
      origin.die()
    }
  }

  private func replace(
    _ concurrency: Int, _ leave: (RunningProxy, WorkerID, Origin) async throws -> Void
  ) async throws {
    var arrangement = Arrangement()
    arrangement.threads = 3
    arrangement.concurrency = concurrency
    arrangement.routes = [Route(path: "/", allow: .any, pool: masters, retry: true)]
    try await withTemporaryDirectory { folder in
      try await withProxy(arrangement, workers: []) { proxy, _ in
        let done = Gate()
        let progress = Progress(Array(repeating: 0, count: Self.agents))
        async let answered = crowd(proxy.address, progress, until: done)
        // Also when something fails: the crowd would go on for ever.
        defer { done.open() }
        var living: [(WorkerID, Origin)] = []
        for generation in 1...30 {
          let worker = worker(generation % Self.slots, generation)
          let origin = try Origin(in: folder, name: "\(generation)", echo)
          proxy.send(.admit(worker, .unix(path: origin.path)))
          living.append((worker, origin))
          guard living.count > Self.slots else { continue }
          let (old, oldOrigin) = living.removeFirst()
          // Every replacement sees some traffic, and no request sees two of them: it is repeated only once.
          try await origin.hasHeads(5)
          try await leave(proxy, old, oldOrigin)
          let before = progress.read { $0 }
          try await progress.first("progress", before: .patient) { now in
            zip(before, now).allSatisfy { $0 < $1 } ? () : nil
          }
        }
        done.open()
        let count = try await answered
        let counters = try await proxy.counters("all answers") { $0.responses == [0, 0, count, 0, 0, 0] }
        #expect(counters.requestsTotal == count)
        let areDone = counters.workers.allSatisfy { $0.requestsInFlight == 0 && $0.lostTotal == 0 }
        #expect(areDone)
      }
    }
  }
}
