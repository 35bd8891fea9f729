import Foundation
import Pool
import TestSupport
import Testing

/// A supervisor dies, another comes in by the door.
@Suite struct LinkDoorTests {
  @Test func anotherSupervisorLearnsWhoIsThereAndIsObeyed() async throws {
    try await withTemporaryDirectory { folder in
      let origin = try Origin(in: folder, name: "worker.sock", echo)
      let door = "\(folder)/door.sock"
      let proxy = try RunningProxy(Arrangement().configuration, folder: folder, door: door)
      try await proxy.reported(.serving)
      proxy.send(.admit(worker(0), .unix(path: origin.path)))
      #expect(try await request("GET", "/before", at: proxy.address).status == 200)
      // A claim of the dead one's probe must not stay.
      proxy.send(.reserve(worker(0)))
      try await proxy.reported(.reserved(worker(0)))
      proxy.hangUp()
      #expect(try await request("GET", "/between", at: proxy.address).status == 200)

      let listeners = try proxy.come(in: door)
      #expect(listeners == 1)
      try await proxy.reported(.account(ProxyAccount(workers: [worker(0)], isStopping: false, isClosed: false)))
      _ = try await proxy.counters("what both have seen") { $0.requestsTotal == 2 }
      proxy.send(.retire(worker(0)))
      #expect(try await proxy.retired(worker(0)).requestsTotal == 2)
      proxy.send(.stop(within: .zero))
      try await proxy.reported(.finished)
      #expect(try await proxy.ended() == 0)
    }
  }

  @Test func theLatestIsTheOne() async throws {
    try await withTemporaryDirectory { folder in
      let door = "\(folder)/door.sock"
      let proxy = try RunningProxy(Arrangement().configuration, folder: folder, door: door)
      try await proxy.reported(.serving)
      _ = try proxy.come(in: door)
      try await proxy.reported(.account(ProxyAccount(workers: [], isStopping: false, isClosed: false)))
      proxy.send(.drain(worker(3)))
      try await proxy.reported(.drained(worker(3)))
      proxy.send(.stop(within: .zero))
      #expect(try await proxy.ended() == 0)
    }
  }
}
