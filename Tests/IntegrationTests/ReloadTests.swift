import Foundation
import Pool
import TestSupport
import Testing

/// New settings for what runs, and no agent notices.
@Suite struct ReloadTests {
  @Test func fiftyReloadsUnderLoadLoseNothing() async throws {
    var setup = Setup()
    setup.workers = 3
    setup.pool = ["recycle: {every: 2s, jitter: 50%}", "stop: {drain: 20s, terminate: 2s}"]
    try await withMasterpool(setup) { masterpool in
      var plan = Load.Plan(
        masterpool.address, connections: 6,
        requests: [.get(bytes: 100), .post(bytes: 3000), .get(bytes: 40000, "&chunked=1"), .get(bytes: 10, "&ms=15")])
      plan.requestsPerConnection = 40
      let load = Load(plan)
      var lastTotal = 0
      for round in 1...50 {
        setup.proxy = ["threads: \(1 + round % 2)", "max_connections: \(1000 + round)"]
        if round % 5 == 0 {
          setup.routes = ["{path: /\(round)/, allow: any, pool: stubs}", "{path: /, allow: any, pool: stubs}"]
        }
        try masterpool.rewrite(setup)
        let reply = try await masterpool.cli("reload")
        #expect(reply.status == .exited(0), "\(reply.output) \(reply.errors)")
        #expect(reply.output.contains("proxy.max_connections"), "\(reply.output)")
        let status = try await masterpool.status()
        #expect(status.proxy?.generation == round + 1)
        let total = status.proxy?.requestsTotal ?? 0
        #expect(total >= lastTotal, "what was counted stays counted")
        lastTotal = total
      }
      try await masterpool.events(3, "exits") { $0.kind == .exit }
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
      #expect(report.completed > 500, "\(report)")
      try await masterpool.status("all generations but the last have ended, and all requests are counted") { status in
        status.proxy?.draining.isEmpty == true && status.proxy?.requestsTotal == report.completed
      }
      let lost = masterpool.exits.compactMap(\.exit?.requestsLost).reduce(0, +)
      #expect(lost == 0)
    }
  }

  /// The old generation is held by one long request while every worker is replaced under both.
  @Test func workersAreRecycledUnderTwoGenerationsAndLoseNothing() async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      setup.workers = 3
      // The busy worker's drain must not hold up the others.
      setup.pool = ["recycle: {every: off, surge: 2}"]
      try await withMasterpool(setup) { masterpool in
        let address = masterpool.address
        async let held = request("GET", "/work?bytes=7&until=\(scratch)/go", at: address)
        try await masterpool.status("the held request") { $0.proxy?.requestsInFlight == 1 }
        setup.proxy = ["threads: 1", "max_connections: 777"]
        try masterpool.rewrite(setup)
        #expect(try await masterpool.cli("reload").status == .exited(0))
        let load = Load(
          Load.Plan(
            address, connections: 5, requests: [.get(bytes: 100, "&ms=3"), .post(bytes: 500), .get(bytes: 20000)])
        )
        try await load.reached(200)
        #expect(try await masterpool.cli("restart").status == .exited(0))
        try await masterpool.events(2, "exits beside the busy worker") { $0.kind == .exit }
        try await load.reached(500)
        #expect(try await masterpool.status().proxy?.draining.map(\.generation) == [1])
        try "".write(toFile: "\(scratch)/go")
        let answer = try await held
        #expect(answer.status == 200 && answer.body == patternBytes(7) && answer.saysClose)
        try await masterpool.events(3, "exits") { $0.kind == .exit }
        try await masterpool.status("the old generation's end") { $0.proxy?.draining.isEmpty == true }
        let report = try await load.stop()
        #expect(report.failures == 0, "\(report)")
        let rows = masterpool.exits.compactMap(\.exit)
        let lostNothing = rows.allSatisfy { $0.requestsLost == 0 && $0.reason == .manual }
        #expect(rows.count == 3 && lostNothing)
        // Both generations' requests are the workers'.
        let served = try await masterpool.workers().map(\.requestsTotal).reduce(0, +)
        #expect(rows.map(\.requestsServed).reduce(0, +) + served <= report.completed + 1)
        #expect(rows.map(\.requestsServed).reduce(0, +) > 200)
      }
    }
  }

  @Test func aProxyThatDiesWhileAnOlderOneDrainsIsReplaced() async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      try await withMasterpool(setup) { masterpool in
        let address = masterpool.address
        async let held = request("GET", "/work?bytes=7&until=\(scratch)/go", at: address)
        try await masterpool.status("the held request") { $0.proxy?.requestsInFlight == 1 }
        setup.proxy = ["max_connections: 777"]
        try masterpool.rewrite(setup)
        #expect(try await masterpool.cli("reload").status == .exited(0))
        kill(try #require(try await masterpool.status().proxy?.pid), SIGKILL)
        try await masterpool.status("a replacement beside the old one") { status in
          status.proxy?.generation == 3 && status.proxy?.draining.map(\.generation) == [1]
        }
        try "".write(toFile: "\(scratch)/go")
        #expect(try await request("GET", "/work?bytes=5", at: address).status == 200)
        #expect(try await held.status == 200)
        try await masterpool.status("the old generation's end") { $0.proxy?.draining.isEmpty == true }
        #expect(try await masterpool.cli("reload", "--wait").output.contains("nothing has changed"))
      }
    }
  }

  /// What the old generation's request holds is busy for the new one too.
  @Test func nobodyWaitsBehindTheOldGenerationsRequest() async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      try await withMasterpool(setup) { masterpool in
        let address = masterpool.address
        async let held = request("GET", "/work?bytes=7&until=\(scratch)/go", at: address)
        try await masterpool.status("the held request") { $0.proxy?.requestsInFlight == 1 }
        setup.proxy = ["max_connections: 777"]
        try masterpool.rewrite(setup)
        #expect(try await masterpool.cli("reload").status == .exited(0))
        for _ in 0..<8 {
          #expect(try await request("GET", "/work?bytes=5", at: address).body == patternBytes(5))
        }
        #expect(try await masterpool.status().proxy?.draining.map(\.generation) == [1])
        try "".write(toFile: "\(scratch)/go")
        #expect(try await held.body == patternBytes(7))
        try await masterpool.status("the old generation's end") { $0.proxy?.draining.isEmpty == true }
        var plan = Load.Plan(address, connections: 4, requests: [.get(bytes: 10, "&ms=5")])
        plan.total = 40
        let report = try await Load(plan).finished()
        #expect(report.failures == 0 && report.workers.count == 2, "both workers serve again: \(report)")
      }
    }
  }

  @Test func aFileWithMistakesChangesNothing() async throws {
    var setup = Setup()
    try await withMasterpool(setup) { masterpool in
      let good = setup.yaml(directory: masterpool.directory)
      try masterpool.rewrite(yaml: good + "nonsense: 1\n" + "proxy: {threads: many}\n")
      let refused = try await masterpool.cli("reload")
      #expect(refused.status == .exited(1))
      let lines = good.split(separator: "\n").count
      #expect(refused.errors.contains("masterpool.yaml:\(lines + 1):1: nonsense"), "\(refused.errors)")
      #expect(refused.errors.contains("masterpool.yaml:\(lines + 2):"), "\(refused.errors)")
      try await masterpool.events(2, "problems in the log") { $0.kind == .reload && $0.message.contains(".yaml:") }

      try masterpool.rewrite(yaml: good.replacing("/state\n", with: "/elsewhere\n"))
      let elsewhere = try await masterpool.cli("reload")
      #expect(elsewhere.status == .exited(1) && elsewhere.errors.contains("state_dir"), "\(elsewhere.errors)")

      setup.control = ["listen: 127.0.0.1:1"]
      setup.proxy = ["max_connections: 99"]
      try masterpool.rewrite(setup)
      let partly = try await masterpool.cli("reload")
      #expect(partly.status == .exited(0), "\(partly.errors)")
      #expect(partly.output.contains("needs a restart of masterpool: control.listen"), "\(partly.output)")
      #expect(partly.output.contains("proxy.max_connections"), "\(partly.output)")
      let status = try await masterpool.status()
      #expect(status.proxy?.generation == 2)
      #expect(masterpool.exits.isEmpty)
    }
  }

  @Test func aHangupReloadsAndTheServiceManagerIsTold() async throws {
    var setup = Setup()
    try await withMasterpool(setup) { masterpool in
      setup.proxy = ["max_connections: 99"]
      try masterpool.rewrite(setup)
      masterpool.process.send(SIGHUP)
      try await masterpool.event("the reload") {
        $0.kind == .reload && $0.message.contains("SIGHUP") && $0.message.contains("proxy.max_connections")
      }
      try await masterpool.notified("RELOADING=1")
      let told = masterpool.notifications
      let toldWhen = told.contains { $0.hasPrefix("MONOTONIC_USEC=") }
      #expect(toldWhen)
      try await masterpool.status("READY=1 again") { _ in
        masterpool.notifications.filter { $0 == "READY=1" }.count == 2
      }
      #expect(try await request("GET", "/work?bytes=5", at: masterpool.address).status == 200)
    }
  }

  @Test func listenersComeAndGo() async throws {
    var setup = Setup()
    try await withMasterpool(setup) { masterpool in
      let socket = "\(masterpool.directory)/agents.sock"
      setup.listeners = ["address: \"unix:\(socket)\"", "address: \"[::1]:0\""]
      try masterpool.rewrite(setup)
      let added = try await masterpool.cli("reload")
      #expect(added.status == .exited(0) && added.output.contains("listen unix:\(socket) added"), "\(added)")
      let listen = try await masterpool.status().listen
      #expect(listen.count == 3 && listen.contains("unix:\(socket)") && Address(listen[0]) == masterpool.address)
      #expect(try await request("GET", "/work?bytes=5", at: .unix(socket)).status == 200)

      let load = Load(Load.Plan(masterpool.address, connections: 3, requests: [.get(bytes: 100)]))
      setup.listeners = []
      try masterpool.rewrite(setup)
      #expect(try await masterpool.cli("reload", "--wait").status == .exited(0))
      #expect(access(socket, F_OK) != 0)
      await #expect(throws: (any Error).self) { try await request("GET", "/work", at: .unix(socket)) }
      #expect(try await masterpool.status().listen.count == 1)
      try await load.reached(100)
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")

      // One that cannot be bound is a reload that changes nothing.
      setup.listeners = ["address: \"unix:/no/such/folder/x.sock\""]
      setup.proxy = ["max_connections: 9"]
      try masterpool.rewrite(setup)
      let refused = try await masterpool.cli("reload")
      #expect(refused.status == .exited(1) && refused.errors.contains("/no/such/folder/x.sock"), "\(refused)")
      #expect(try await masterpool.status().proxy?.generation == 3)
    }
  }

  @Test func poolsComeGoAndChange() async throws {
    var setup = Setup()
    try await withMasterpool(setup) { masterpool in
      let load = Load(Load.Plan(masterpool.address, connections: 3, requests: [.get(bytes: 100), .post(bytes: 900)]))
      setup.pools = setup.stubPool("more", workers: 1)
      setup.routes = ["{path: /more/, allow: any, pool: more}", "{path: /, allow: any, pool: stubs}"]
      setup.workers = 3
      setup.pool = ["environment: {NEW: \"1\"}"]
      try masterpool.rewrite(setup)
      let reply = try await masterpool.cli("reload", "--wait")
      #expect(reply.status == .exited(0), "\(reply.output) \(reply.errors)")
      for name in ["pools.more added", "pools.stubs.workers", "pools.stubs.environment", "routes"] {
        #expect(reply.output.contains(name), "\(reply.output)")
      }
      let other = try await request("GET", "/more/work?bytes=5", at: masterpool.address)
      #expect(other.status == 200 && other.header("x-worker")?.hasPrefix("more/0") == true)
      let exits = try await masterpool.events(2, "exits") { $0.kind == .exit }
      let allByReload = exits.allSatisfy { $0.exit?.reason == .reload }
      #expect(allByReload)
      try await masterpool.status("three workers") { $0.pools.first?.ready == 3 }

      setup.pools = []
      setup.routes = []
      try masterpool.rewrite(setup)
      #expect(try await masterpool.cli("reload", "--wait").output.contains("pools.more removed"))
      try await masterpool.event("the removed pool's exit") { $0.kind == .exit && $0.pool?.rawValue == "more" }
      try await masterpool.status("one pool") { $0.pools.count == 1 }
      let report = try await load.stop()
      #expect(report.failures == 0, "\(report)")
    }
  }
}
