import Foundation
import Pool
import TestSupport
import Testing

/// The end: what is in flight is answered, the configured times hold, and nothing stays behind. That no process does
/// and that the exit status is 0 is `withMasterpool`'s own demand, of every test.
@Suite struct StopTests {
  @Test func requestsInFlightAreAnsweredAndNothingStaysBehind() async throws {
    var setup = Setup()
    setup.workers = 3
    setup.stubOptions = ["--grandchild", "group", "--stubborn"]
    setup.pool = ["stop: {drain: 10s, terminate: 300ms}"]
    try await withMasterpool(setup) { masterpool in
      var plan = Load.Plan(
        masterpool.address, connections: 6, requests: [.get(bytes: 3000, "&ms=40"), .post(bytes: 3000, "&ms=20")])
      plan.untilRefused = true
      let load = Load(plan)
      try await load.reached(100)
      let status = try await masterpool.stop(within: .seconds(30))
      #expect(status == .exited(0))
      let report = try await load.finished()
      #expect(report.completed == report.ok, "\(report)")
      #expect(report.wrongBodies == 0)
      // Those who come too late find nobody, or a backlog that is closed; whoever was let in was served.
      let late = Set([LoadReport.Loss.refused, .unansweredNew])
      #expect(Set(report.losses.keys).isSubset(of: late), "\(report)")
      #expect(masterpool.notifications.contains("STOPPING=1"))
    }
  }

  /// One that leaves its group for a session of its own is found as well.
  @Test func aChildInItsOwnSessionDoesNotOutliveItsWorker() async throws {
    var setup = Setup()
    setup.stubOptions = ["--grandchild", "session"]
    setup.pool = ["stop: {drain: 2s, terminate: 300ms}"]
    try await withMasterpool(setup) { masterpool in
      let response = try await request("GET", "/work", at: masterpool.address)
      #expect(response.status == 200)
    }
  }

  @Test func aRequestThatNeverEndsHoldsTheStopNoLongerThanTheDrain() async throws {
    var setup = Setup()
    setup.pool = ["stop: {drain: 1s, terminate: 300ms}"]
    setup.stopLimit = .seconds(15)
    try await withMasterpool(setup) { masterpool in
      async let hung = request("GET", "/work?hang=1", at: masterpool.address)
      try await untilOneIsInFlight(masterpool)
      #expect(try await masterpool.stop(within: .seconds(15)) == .exited(0))
      // It was failed in one way or another, but not left waiting.
      let answer = try? await hung
      #expect(answer?.status != 200)
    }
  }

  @Test func aSecondSignalHurries() async throws {
    var setup = Setup()
    setup.pool = ["stop: {drain: 10m, terminate: 300ms}"]
    try await withMasterpool(setup) { masterpool in
      async let hung = request("GET", "/work?hang=1", at: masterpool.address, within: .seconds(60))
      try await untilOneIsInFlight(masterpool)
      masterpool.process.send(SIGTERM)
      try await masterpool.notified("STOPPING=1")
      masterpool.process.send(SIGTERM)
      #expect(try await masterpool.process.end(within: .seconds(20)) == .exited(0))
      _ = try? await hung
    }
  }

  @Test func theCommandStopsItToo() async throws {
    try await withMasterpool(Setup()) { masterpool in
      let reply = try await masterpool.cli("stop")
      #expect(reply.status == .exited(0), "\(reply.errors)")
      #expect(try await masterpool.process.end(within: .seconds(20)) == .exited(0))
    }
  }

  /// Its worker notes a request before it hangs, and there is no event for that: the gauge is asked.
  private func untilOneIsInFlight(_ masterpool: Masterpool) async throws {
    let deadline = Deadline.patient
    while try await masterpool.workers().allSatisfy({ $0.requestsInFlight == 0 }) {
      guard !deadline.passed else { throw TimedOut("a request in flight") }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
