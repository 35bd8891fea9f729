import Foundation
import Glibc
import Pool
import TestSupport
import Testing

private let loopback = Network(IPAddress(v4: 0x7f00_0000), bits: 104)
private let v1 = Array("PROXY TCP4 203.0.113.7 203.0.113.9 40000 8140\r\n".utf8)
private let v1IPv6 = Array("PROXY TCP6 2001:db8::7 2001:db8::9 40000 8140\r\n".utf8)
private let v2: [UInt8] =
  [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12]
  + [203, 0, 113, 7, 203, 0, 113, 9, 0x9c, 0x40, 0x1f, 0xcc]
/// The balancer's own check of health.
private let local: [UInt8] = Array(v2[..<12]) + [0x20, 0, 0, 0]

@Suite struct ProxyProtocolTests {
  private func behindABalancer(_ from: [Network] = [loopback]) -> Arrangement {
    var arrangement = Arrangement()
    arrangement.listeners[0].proxyProtocol = ProxyProtocolConfiguration(from: from)
    return arrangement
  }

  @Test(arguments: [
    (v1, "203.0.113.7"), (v1IPv6, "2001:db8::7"), (v2, "203.0.113.7"), (local, "127.0.0.1"),
    (Array("PROXY UNKNOWN\r\n".utf8), "127.0.0.1"),
  ])
  func believesTheBalancer(_ header: [UInt8], _ address: String) async throws {
    try await withProxy(behindABalancer(), worker: echo) { proxy, origin in
      // In one piece with the request, and byte by byte.
      for isCut in [false, true] {
        try await agent(at: proxy.address) { agent in
          if isCut {
            for byte in header { try agent.send([byte]) }
            usleep(10_000)
          }
          try agent.send((isCut ? [] : header) + requestBytes("GET", "/a"))
          #expect(try agent.response().text == "/a")
          #expect(try agent.ask("GET", "/b").text == "/b")
        }
      }
      #expect(origin.heads.count == 4)
      for head in origin.heads {
        #expect(field("x-forwarded-for", of: head) == address)
        #expect(field("x-real-ip", of: head) == address)
      }
    }
  }

  @Test func takesTheHeaderBeforeTLS() async throws {
    try await withTLSProxy(Arrangement(), proxyProtocol: ProxyProtocolConfiguration(from: [loopback])) {
      proxy, origin, client in
      try await withHAProxy(in: proxy.address, "send-proxy-v2") { address, _ in
        let response = try await request("GET", "/a", at: address, tls: client)
        #expect(response.text == "/a")
      }
      #expect(field("x-real-ip", of: origin.heads[0]) == "127.0.0.1")
      #expect(field("x-client-verify", of: origin.heads[0]) == "SUCCESS")
      #expect(field("x-client-dn", of: origin.heads[0]) == "CN=agent1.example")
    }
  }

  @Test(arguments: [
    Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), [0x16, 3, 1, 0, 5], Array("PROXY TCP4 nonsense\r\n".utf8),
    Array(v2[..<12]) + [0x21, 0x11, 0xff, 0xff], Array("PROXY ".utf8) + [UInt8](repeating: 32, count: 200),
  ])
  func refusesWhoeverDoesNotSaySo(_ bytes: [UInt8]) async throws {
    try await withProxy(behindABalancer(), worker: echo) { proxy, origin in
      let answer = try await exchange(bytes, at: proxy.address, within: .patience)
      #expect(answer.bytes.isEmpty)
      #expect(answer.closed || answer.failure != .timedOut)
      #expect(origin.heads.isEmpty)
      _ = try await proxy.counters("counted") { $0.refusedTotal[.proxyProtocol] == 1 && $0.connections == 0 }
    }
  }

  @Test func believesNobodyElse() async throws {
    let elsewhere = [Network(IPAddress(v4: 0x0a00_0000), bits: 104), Network(IPAddress(v4: 0x7f00_0002))]
    try await withProxy(behindABalancer(elsewhere), worker: echo) { proxy, origin in
      let answer = try await exchange(v1 + requestBytes("GET", "/"), at: proxy.address, within: .patience)
      #expect(answer.bytes.isEmpty && origin.heads.isEmpty)
      _ = try await proxy.counters("counted") { $0.refusedTotal[.proxyProtocol] == 1 && $0.connections == 0 }
    }
  }

  @Test func isForgedInVainWhereNoBalancerIsExpected() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      let answer = try await exchange(v1 + requestBytes("GET", "/"), at: proxy.address, within: .patience)
      #expect(answer.status == 400 && origin.heads.isEmpty)
    }
  }

  @Test(arguments: [[], Array("PROXY TCP4 203.0.113.7 203.0".utf8), Array(v2[..<20])])
  func aHeaderHasNoMoreTimeThanAHandshake(_ beginning: [UInt8]) async throws {
    var arrangement = behindABalancer()
    arrangement.limits.handshakeTimeout = .milliseconds(400)
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      let end = try await agent(at: proxy.address) { agent in
        try agent.send(beginning)
        return agent.end()
      }
      #expect(end != .failed(.timedOut))
      _ = try await proxy.counters("counted") { $0.refusedTotal[.handshakeTimeout] == 1 && $0.connections == 0 }
    }
  }

  /// Agents behind one balancer are told apart.
  @Test func limitsTheAgentsAddressNotTheBalancers() async throws {
    var arrangement = behindABalancer()
    arrangement.limits.maxConnectionsPerAddress = 1
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      let address = proxy.address
      try await agent(at: address) { first in
        try first.send(v1 + requestBytes("GET", "/first"))
        #expect(try first.response().text == "/first")
        var second = Agent(wire: try Wire(to: address, before: .patient))
        try second.send(v1IPv6 + requestBytes("GET", "/second"))
        #expect(try second.response().text == "/second")
        let third = Agent(wire: try Wire(to: address, before: .patient))
        try third.send(v1)
        #expect(third.end() != .failed(.timedOut))
        #expect(try first.ask("GET", "/still").text == "/still")
      }
      _ = try await proxy.counters("counted") { $0.refusedTotal[.addressLimit] == 1 }
    }
  }

  /// Debian's HAProxy in front, which connects from an address of its own.
  @Test(arguments: ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
  func standsBehindHAProxy(_ option: String) async throws {
    try await withProxy(behindABalancer([Network(IPAddress(v4: 0x7f00_0009))]), worker: echo) { proxy, origin in
      try await withHAProxy(in: proxy.address, option, source: "127.0.0.9") { address, haproxy in
        try await agent(at: address) { agent in
          for number in 0..<3 {
            let response = try agent.ask("POST", "/\(number)", body: patternBytes(100_000))
            #expect(response.text == "/\(number)")
          }
        }
        // Its health checks say LOCAL, and find the listener well.
        _ = try await proxy.counters("checks") { $0.connectionsTotal >= 3 }
        #expect(!haproxy.standardError.contains("DOWN"), "\(haproxy.standardError)")
      }
      #expect(origin.heads.count == 3)
      for head in origin.heads { #expect(field("x-forwarded-for", of: head) == "127.0.0.1") }
      let areWhole = origin.bodies.allSatisfy { $0 == patternBytes(100_000) }
      #expect(areWhole)
    }
  }
}

/// HAProxy hands TCP on to `target`.
private func withHAProxy(
  in target: Address, _ option: String, source: String = "127.0.0.1", _ body: (Address, Child) async throws -> Void
) async throws {
  try await withTemporaryDirectory { folder in
    let port = try freePort()
    let file = "\(folder)/haproxy.cfg"
    try """
    global
      log stderr format raw local0
    defaults
      mode tcp
      timeout connect 5s
      timeout client 20s
      timeout server 20s
    listen front
      bind 127.0.0.1:\(port)
      server masterpool \(target) \(option) source \(source) check check-send-proxy inter 200ms

    """.write(toFile: file, atomically: true, encoding: .utf8)
    try await withDaemon("/usr/sbin/haproxy", ["-db", "-f", file], at: .port(port)) {
      try await body(.port(port), $0)
    }
  }
}
