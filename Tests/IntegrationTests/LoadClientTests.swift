import Foundation
import TestSupport
import Testing

/// A test that counts no losses is worth as much as its counter: the load client against a stub that loses on
/// purpose, with nothing in between.
@Suite struct LoadClientTests {
  @Test func whatIsServedIsCountedAsServed() async throws {
    try await withStub { address in
      var plan = Load.Plan(
        address, connections: 4,
        requests: [
          .get(bytes: 10), .post(bytes: 3000), .get(bytes: 50000, "&chunked=1"),
          LoadRequest("HEAD", "/work?bytes=7", expect: .pattern(bytes: 7)),
        ])
      plan.total = 400
      plan.requestsPerConnection = 20
      let report = try await Load(plan).finished()
      #expect(report.ok == 400 && report.failures == 0, "\(report)")
      #expect(report.connections >= 20)
      #expect(report.workers == ["stub/0#1": 400])
    }
  }

  @Test(arguments: [
    (LoadRequest.get(bytes: 1000, "&cut=100"), LoadReport.Loss.cut),
    (LoadRequest.get(bytes: 9000, "&cut=6000&chunked=1"), .cut),
    (LoadRequest.get(bytes: 1, "&cut=-1"), .unansweredNew),
  ])
  func aBrokenAnswerIsALoss(request: LoadRequest, loss: LoadReport.Loss) async throws {
    try await withStub { address in
      var plan = Load.Plan(address, connections: 1, requests: [request])
      plan.total = 5
      let report = try await Load(plan).finished()
      #expect(report.losses == [loss: 5] && report.completed == 0, "\(report)")
    }
  }

  @Test func aConnectionClosedInSilenceIsALossAndOneThatWasToldIsNot() async throws {
    try await withStub { address in
      var plan = Load.Plan(address, connections: 1, requests: [.get(bytes: 10, "&silent=1")])
      plan.total = 6
      let silent = try await Load(plan).finished()
      #expect(silent.losses == [.unansweredKept: 3] && silent.ok == 3, "\(silent)")
      plan.requests = [.get(bytes: 10, "&close=1")]
      let told = try await Load(plan).finished()
      #expect(told.failures == 0 && told.connections == 6, "\(told)")
    }
  }

  @Test func wrongBytesAndWrongStatusesAreFailures() async throws {
    try await withStub { address in
      var plan = Load.Plan(address, connections: 1, requests: [.get(bytes: 10, "&status=500")])
      plan.total = 3
      let refused = try await Load(plan).finished()
      #expect(refused.statuses == [500: 3] && refused.failures == 3)
      plan.requests = [LoadRequest("GET", "/work?bytes=11", expect: .pattern(bytes: 10))]
      let wrong = try await Load(plan).finished()
      #expect(wrong.wrongBodies == 3 && wrong.failures == 3)
    }
  }

  @Test func nobodyThereIsALoss() async throws {
    var plan = Load.Plan(.port(try freePort()), connections: 1, requests: [.get(bytes: 1)])
    plan.total = 2
    let report = try await Load(plan).finished()
    #expect(report.losses == [.refused: 2])
  }

  private func withStub(_ body: (Address) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
      let address = Address.unix("\(directory)/stub.sock")
      let stub = try Child(Programs.stubMaster, ["--socket", "\(directory)/stub.sock", "--concurrency", "8"])
      defer { stub.send(SIGKILL) }
      let deadline = Deadline.patient
      while await (try? request("GET", "/status", at: address))?.status != 200 {
        guard !deadline.passed else { throw TimedOut("the stub") }
        try await Task.sleep(for: .milliseconds(10))
      }
      try await body(address)
      stub.send(SIGTERM)
      #expect(try await stub.end() == .exited(0))
    }
  }
}
