import Foundation
import Pool
import TestSupport
import Testing

/// A run that was let in is not refused later on, whichever proxy its next request comes to.
@Suite struct RunHandoverTests {
  private var setup: Setup {
    var setup = Setup()
    setup.workers = 2
    setup.pool = ["queue: {limit: 2, ceiling: 3, timeout: 20s, retry_after: {min: 1s, max: 2s}}"]
    setup.routes = [
      "{path: /report, allow: any, pool: stubs, priority: report}",
      "{path: /, allow: any, pool: stubs, priority: catalog}",
    ]
    return setup
  }

  @Test func noRunIsRefusedMidwayWhileProxiesReplaceEachOther() async throws {
    var setup = setup
    try await withMasterpool(setup) { masterpool in
      let herd = Herd(of: 40, at: masterpool.address)
      try await herd.first("runs begun and others refused") { $0.turnedAway >= 10 && $0.requests >= 40 }
      for round in 1...4 {
        let before = herd.tally
        setup.proxy = ["max_connections: \(1000 + round)"]
        try masterpool.rewrite(setup)
        #expect(try await masterpool.cli("reload").status == .exited(0))
        try await herd.first("more of both after reload \(round)") {
          $0.turnedAway >= before.turnedAway + 5 && $0.requests >= before.requests + 40
        }
      }
      let tally = try await herd.end()
      #expect(tally.refusedMidway == 0, "\(tally)")
      #expect(tally.failures == [], "\(tally)")
      #expect(tally.runs > 10, "\(tally)")
      #expect(try await masterpool.status().proxy?.generation == 5)
    }
  }

  enum Replacement: CaseIterable { case reload, kill }

  /// Also what a killed one had said by then.
  @Test(arguments: Replacement.allCases) func aProxysRunsAreKnownToItsSuccessor(_ replacement: Replacement)
    async throws
  {
    var setup = setup
    try await withMasterpool(setup) { masterpool in
      let address = masterpool.address
      let first = try await ask("/catalog", as: 0, at: address)
      #expect(first == 200)
      // It says so within a second or two, together with its counters.
      try await masterpool.status("the run was told") { $0.proxy?.requestsTotal == 1 }
      switch replacement {
      case .reload:
        setup.proxy = ["max_connections: 777"]
        try masterpool.rewrite(setup)
        #expect(try await masterpool.cli("reload").status == .exited(0))
      case .kill: kill(try #require(try await masterpool.status().proxy?.pid), SIGKILL)
      }
      try await masterpool.status("the successor alone") { status in
        status.proxy?.generation == 2 && status.proxy?.draining.isEmpty == true
      }
      // Two that hold the workers, and two in line.
      try await withTemporaryDirectory { scratch in
        try await withThrowingTaskGroup { group in
          for agent in 1...4 {
            group.addTask {
              let status = try await ask("/catalog?until=\(scratch)/go", as: agent, at: address)
              #expect(status == 200)
            }
            try await masterpool.status("agent \(agent)") { status in
              status.proxy?.requestsInFlight == agent && status.pools.first?.queueLength == max(0, agent - 2)
            }
          }
          #expect(try await ask("/catalog", as: 5, at: address) == 503)
          group.addTask {
            let status = try await ask("/catalog", as: 0, at: address)
            #expect(status == 200)
          }
          try await masterpool.status("the run under way waits") { $0.pools.first?.queueLength == 3 }
          try "".write(toFile: "\(scratch)/go")
          try await group.waitForAll()
        }
      }
    }
  }
}

private func ask(_ target: String, as agent: Int, at address: Address) async throws -> Int {
  try await onThread { try askAndWait(target, as: agent, at: address).status }
}

private func askAndWait(_ target: String, as agent: Int, at address: Address) throws -> HTTPResponse {
  let deadline = Deadline.patient
  let wire = try Wire(to: address, asAgent: agent, before: deadline)
  try wire.send(requestBytes("GET", target), before: deadline)
  var reader = ResponseReader()
  return try reader.next(from: wire, to: "GET", before: deadline)
}

/// Agents that run again and again, each from an address of its own and with a new connection for each request.
private final class Herd: Sendable {
  struct Tally: Sendable {
    var runs = 0
    var requests = 0
    /// Before their run had begun.
    var turnedAway = 0
    var refusedMidway = 0
    var failures: [String] = []
    var isOver = false
    var left = 0
  }

  private let state: Monitor<Tally>

  var tally: Tally { state.read { $0 } }

  init(of count: Int, at address: Address) {
    let state = Monitor(Tally(left: count))
    self.state = state
    for agent in 0..<count {
      Thread.detachNewThread {
        while !state.read({ $0.isOver }) { Self.run(agent, address, state) }
        state.update { $0.left -= 1 }
      }
    }
  }

  func first(_ waitedFor: String, _ isSo: @escaping @Sendable (Tally) -> Bool) async throws {
    try await state.first(waitedFor, before: .after(.seconds(60))) { isSo($0) ? () : nil }
  }

  func end() async throws -> Tally {
    state.update { $0.isOver = true }
    return try await state.first("the herd's end", before: .after(.seconds(60))) { $0.left == 0 ? $0 : nil }
  }

  /// Some requests, the last of which is the report that ends the run. With the pauses more runs are under way at a time
  /// than a proxy that knows none of them would let in.
  private static func run(_ agent: Int, _ address: Address, _ state: Monitor<Tally>) {
    for step in 0..<6 {
      if step > 0 { usleep(80_000) }
      do {
        let answer = try askAndWait(step < 5 ? "/catalog?ms=15" : "/report?ms=5", as: agent, at: address)
        state.update { tally in
          switch (answer.status, step) {
          case (200, _): tally.requests += 1
          case (503, 0): tally.turnedAway += 1
          case (503, _): tally.refusedMidway += 1
          default: tally.failures.append("\(answer.status) \(answer.text)")
          }
        }
        guard answer.status == 200 else {
          // It does not wait as it was told, so that the line is full whenever a run's next request comes.
          usleep(20_000)
          return
        }
      } catch {
        return state.update { $0.failures.append("\(error)") }
      }
    }
    state.update { $0.runs += 1 }
  }
}
