import Glibc
import Pool
import TestSupport
import Testing

/// How long a connection's ends may take. Each time is set far below its default, and what it bounds must come before
/// the proxy has lost patience with the head of `Straggler`, which it does in between.
@Suite struct EndingTests {
  @Test func aWorkerThatTakesNoConnectionIsUnreachable() async throws {
    var arrangement = Arrangement()
    arrangement.limits.connectTimeout = .milliseconds(300)
    arrangement.limits.headerTimeout = .milliseconds(4500)
    arrangement.queue = QueuePolicy(limit: 100, timeout: .seconds(1))
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      let deaf = try DeafListener()
      proxy.send(.retire(worker(0)))
      proxy.send(.admit(worker(1), .tcp(port: deaf.port)))
      let straggler = try Straggler(at: proxy.address)
      async let answer = request("GET", "/", at: proxy.address)
      let words = try await proxy.report("unreachable") { report -> String? in
        if case .unreachable(worker(1), let words) = report { words } else { nil }
      }
      #expect(words == "connecting: Connection timed out")
      #expect(straggler.isTolerated)
      proxy.send(.retire(worker(1)))
      _ = try await answer
    }
  }

  /// A half-closed agent whose worker is at it is asked whether it is still there, by 102.
  @Test func whoEndsItsSideIsLeftAloneForSoLong() async throws {
    let gate = Gate()
    let held: Origin.Manner = { connection in
      while let (head, _) = try connection.request() {
        if head.contains("/half") { try gate.pass() }
        try connection.respond("late")
      }
    }
    var arrangement = Arrangement()
    arrangement.limits.halfClosedCheck = .seconds(60)
    arrangement.limits.headerTimeout = .milliseconds(1500)
    try await withProxy(arrangement, worker: held) { proxy, origin in
      // The worker is known now: in line an agent would be asked at once.
      _ = try await request("GET", "/", at: proxy.address)
      async let answer = agent(at: proxy.address) { agent in
        try agent.send(requestBytes("GET", "/half"))
        agent.wire.finishSending()
        return try agent.text()
      }
      try await origin.hasHeads(2)
      let second = try await agent(at: proxy.address) { agent in
        try agent.send("GET / HT")
        return try agent.text()
      }
      #expect(second.hasPrefix("HTTP/1.1 408 "))
      gate.open()
      let text = try await answer
      #expect(text.hasPrefix("HTTP/1.1 200 ") && text.hasSuffix("late"))
    }
  }

  @Test func whoIsSilentAfterItsLastAnswerIsDropped() async throws {
    var limits = ProxyLimits(threads: 1)
    limits.lingerTimeout = .milliseconds(200)
    limits.linger = .seconds(600)
    limits.headerTimeout = .milliseconds(1900)
    try await expectDrop(under: limits) { $0.wire.hangsUp(before: .patient) }
  }

  @Test func whoGoesOnSendingAfterItsLastAnswerIsDroppedToo() async throws {
    var limits = ProxyLimits(threads: 1)
    limits.lingerTimeout = .seconds(600)
    limits.linger = .milliseconds(400)
    limits.headerTimeout = .seconds(9)
    try await expectDrop(under: limits) { agent in
      let end = Deadline.patient
      while !agent.wire.hangsUp(before: .after(.milliseconds(20))), !end.passed { try? agent.send("x") }
      return !end.passed
    }
  }

  /// An agent that has had its last answer does as it likes until it sees itself dropped. Only at the end of a unix
  /// socket can it see that.
  private func expectDrop(
    under limits: ProxyLimits, _ isDropped: @escaping @Sendable (borrowing Agent) -> Bool
  ) async throws {
    try await withTemporaryDirectory { folder in
      var arrangement = Arrangement()
      arrangement.limits = limits
      arrangement.listeners = [ListenerConfiguration(address: .unix(path: "\(folder)/front.sock"))]
      try await withProxy(arrangement, worker: echo) { proxy, _ in
        let address = proxy.address
        try await agent(at: address) { agent in
          let straggler = try Straggler(at: address)
          try agent.send("nonsense\r\n\r\n")
          #expect(try agent.text().hasPrefix("HTTP/1.1 400 "))
          let wasDropped = isDropped(agent)
          #expect(wasDropped)
          #expect(straggler.isTolerated)
        }
      }
    }
  }

  @Test func idleAgentsAreSentAwayWhenTheProxyStops() async throws {
    var arrangement = Arrangement()
    arrangement.limits.idleDrain = .milliseconds(200)
    arrangement.limits.headerTimeout = .milliseconds(4500)
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      try await agent(at: proxy.address) { agent in
        let straggler = try Straggler(at: proxy.address)
        _ = try agent.ask("GET", "/")
        proxy.send(.stop(within: .seconds(60)))
        #expect(agent.end() == .closed)
        #expect(straggler.isTolerated)
      }
    }
  }
}

/// An agent that never finishes its head, and hears of it when `header_timeout` is over.
private final class Straggler {
  private let wire: Wire

  init(at address: Address) throws {
    wire = try Wire(to: address, before: .patient)
    try wire.send(Array("GET / HT".utf8), before: .patient)
  }

  var isTolerated: Bool { !wire.hasNews }
}

/// A TCP listener whose backlog is full: the kernel leaves further connections without an answer.
private final class DeafListener: Sendable {
  let port: UInt16
  private let descriptors: [CInt]

  init() throws {
    let (listener, port) = try listenOnLoopback(backlog: 0)
    self.port = port
    var made = [listener]
    // One more than the backlog are taken.
    let full = Address.port(port)
    for _ in 0..<3 {
      let descriptor = full.makeSocket(type: CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue))
      made.append(descriptor)
      _ = full.withSockaddr { connect(descriptor, $0, $1) }
    }
    descriptors = made
  }

  deinit { for descriptor in descriptors { close(descriptor) } }
}
