import Glibc
import HTTPWire
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
    var arrangement = Arrangement()
    arrangement.limits.lingerTimeout = .milliseconds(200)
    arrangement.limits.linger = .seconds(600)
    arrangement.limits.headerTimeout = .milliseconds(1900)
    try await withUnixProxy(arrangement) { address in
      try await agent(at: address) { agent in
        let straggler = try Straggler(at: address)
        try agent.send("nonsense\r\n\r\n")
        #expect(try agent.text().hasPrefix("HTTP/1.1 400 "))
        let isDropped = agent.wire.hangsUp(before: .patient)
        #expect(isDropped)
        #expect(straggler.isTolerated)
      }
    }
  }

  @Test func whoGoesOnSendingAfterItsLastAnswerIsDroppedToo() async throws {
    var arrangement = Arrangement()
    arrangement.limits.lingerTimeout = .seconds(600)
    arrangement.limits.linger = .milliseconds(400)
    arrangement.limits.headerTimeout = .seconds(9)
    try await withUnixProxy(arrangement) { address in
      try await agent(at: address) { agent in
        let straggler = try Straggler(at: address)
        try agent.send("nonsense\r\n\r\n")
        #expect(try agent.text().hasPrefix("HTTP/1.1 400 "))
        let end = Deadline.patient
        while !agent.wire.hangsUp(before: .after(.milliseconds(20))), !end.passed { try? agent.send("x") }
        #expect(!end.passed)
        #expect(straggler.isTolerated)
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
    var made: [CInt] = []
    let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let listener = socket(AF_INET, type, 0)
    made.append(listener)
    let free = Address.port(0)
    guard free.withSockaddr({ bind(listener, $0, $1) }) == 0, listen(listener, 0) == 0 else {
      throw SystemFailure("listen")
    }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let named = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
    }
    guard named == 0 else { throw SystemFailure("getsockname") }
    port = UInt16(bigEndian: address.sin_port)
    // One more than the backlog are taken.
    let full = Address.port(port)
    for _ in 0..<3 {
      let descriptor = socket(AF_INET, type, 0)
      made.append(descriptor)
      _ = full.withSockaddr { connect(descriptor, $0, $1) }
    }
    descriptors = made
  }

  deinit { for descriptor in descriptors { close(descriptor) } }
}

/// A proxy that listens on a unix socket, whose clients see when it closes.
private func withUnixProxy(_ arrangement: Arrangement, _ body: (Address) async throws -> Void) async throws {
  try await withTemporaryDirectory { folder in
    var arrangement = arrangement
    arrangement.listeners = [ListenerConfiguration(address: .unix(path: "\(folder)/front.sock"))]
    try await withProxy(arrangement, worker: echo) { proxy, _ in try await body(proxy.address) }
  }
}
