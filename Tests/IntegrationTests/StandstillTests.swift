import Glibc
import Pool
import TestSupport
import Testing

/// The supervisor itself is stopped for a while, as where a whole machine is paused: nobody else pays for it.
@Suite struct StandstillTests {
  @Test func whoeverWentOnMeanwhileIsNotTakenForSilent() async throws {
    var setup = Setup()
    setup.proxy = ["max_silence: 6s"]
    setup.pool = ["preload: yes", "parent: {ping: 1s, fork_timeout: 2s}"]
    try await withMasterpool(setup) { masterpool in
      let before = try await masterpool.status()
      let load = Load(
        Load.Plan(masterpool.address, connections: 4, requests: [.get(bytes: 100, "&ms=3"), .post(bytes: 5000)]))
      try await load.reached(100)
      masterpool.process.send(SIGSTOP)
      // What is to be shown is that time goes by.
      try await Task.sleep(for: .seconds(12))
      masterpool.process.send(SIGCONT)
      try await masterpool.event("its own word") { $0.message.contains("stood still") }
      try await load.reached(load.report.completed + 200)
      let after = try await masterpool.status()
      #expect(after.proxy?.pid == before.proxy?.pid)
      #expect(pids(after) == pids(before))
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
    }
  }
}
