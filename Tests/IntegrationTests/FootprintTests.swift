import Foundation
import Pool
import TestSupport
import Testing

/// Memory and idle work, asserted loosely here, since the build is a debug one; scripts/bench memory measures them.
@Suite struct FootprintTests {
  @Test func theProxyStaysFlatOverManyRequests() async throws {
    var setup = Setup()
    setup.concurrency = 16
    setup.stubOptions = ["--bench"]
    setup.proxy = ["threads: 2"]
    try await withMasterpool(setup) { masterpool in
      let proxy = try #require(try await masterpool.status().proxy).pid
      try await load(masterpool, seconds: 3)
      let warm = try #require(Processes.pss(proxy))
      let before = try #require(try await masterpool.status().proxy).requestsTotal
      try await load(masterpool, seconds: 12)
      let after = try #require(Processes.pss(proxy))
      let served = try #require(try await masterpool.status().proxy).requestsTotal - before
      #expect(served > 10_000)
      #expect(after - warm < 4 << 20, "\(warm) bytes grew to \(after) in \(served) requests")
    }
  }

  private func load(_ masterpool: Masterpool, seconds: Int) async throws {
    let result = try await run(
      "/usr/bin/wrk", ["-t1", "-c32", "--timeout", "30s", "-d\(seconds)s", "http://\(masterpool.address)/16k"])
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(!result.output.contains("Non-2xx") && !result.output.contains("Socket errors"), "\(result.output)")
  }

  @Test func anIdleSupervisorOfEightWorkersIsSmallAndStill() async throws {
    var setup = Setup()
    setup.workers = 8
    try await withMasterpool(setup) { masterpool in
      let pid = masterpool.process.pid
      let before = Processes.cpuTime(pid)
      let time = Duration.seconds(5)
      try await Task.sleep(for: time)
      let used = Processes.cpuTime(pid) - before
      #expect(used < time / 20, "\(used) of CPU time in \(time)")
      let memory = try #require(Processes.pss(pid))
      #expect(memory < 100 << 20)
    }
  }
}
