import Foundation
import TestSupport
import Testing

@testable import Fetching

/// What a proxy on the way sees, and what becomes of its answers.
@Suite struct ProxyTests {
  private static let taken = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

  /// A proxy that answers as it is told to, and the heads that came to it.
  private func withProxy(
    _ answer: String = taken, _ body: (FetchProxy, Monitor<[String]>) async throws -> Void
  ) async throws {
    let heads = Monitor<[String]>([])
    let port = try freePort()
    let server = try TinyServer(.port(port)) { connection in
      heads.update { $0.append(connection.request) }
      connection.write(answer)
    }
    defer { server.stop() }
    try await body(FetchProxy(host: "127.0.0.1", port: port), heads)
  }

  private func request(to endpoint: FetchEndpoint, _ proxy: FetchProxy) -> FetchRequest {
    FetchRequest(
      endpoint, through: proxy, method: "POST", path: "/hook?a=b", headers: [("Authorization", "Bearer secret")],
      body: Array("{}".utf8))
  }

  @Test func inTheClearItIsToldWhere() async throws {
    for name in ["no_proxy", "NO_PROXY"] { setenv(name, "*", 1) }
    try await withProxy { proxy, heads in
      for host in ["hooks.example", "::1"] {
        let response = try await Fetcher.perform(request(to: .network(host: host, port: 8080), proxy))
        #expect(response.status == 200 && response.body == Array("ok".utf8))
      }
      let lines = heads.read { $0.map { $0.components(separatedBy: "\r\n") } }
      #expect(
        lines.map(\.first) == [
          "POST http://hooks.example:8080/hook?a=b HTTP/1.1", "POST http://[::1]:8080/hook?a=b HTTP/1.1",
        ])
      #expect(lines.first?.contains("Host: hooks.example:8080") == true)
      #expect(!lines.joined().joined(separator: "\n").contains("Proxy-Authorization"))
    }
  }

  @Test func toTLSItIsOnlyToldTheHost() async throws {
    try await withProxy("HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\ndenied") { proxy, heads in
      let place = FetchEndpoint.network(host: "hooks.example", port: 443, tls: FetchTLS())
      await #expect(
        throws: FetchFailure.proxy("\(proxy) does not let us through: HTTP 403 to CONNECT")
      ) {
        try await Fetcher.perform(request(to: place, proxy))
      }
      let head = heads.read { $0.first ?? "" }
      #expect(head.hasPrefix("CONNECT hooks.example:443 HTTP/1.1\r\n"))
      for secret in ["secret", "/hook"] { #expect(!head.contains(secret)) }
    }
  }

  @Test(arguments: [nil, FetchTLS()])
  func itGetsItsUserAndPasswordAtOnce(_ tls: FetchTLS?) async throws {
    try await withProxy("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n") {
      proxy, heads in
      let what = tls == nil ? "the request" : "CONNECT"
      let place = FetchEndpoint.network(host: "hooks.example", port: 443, tls: tls)
      await #expect(
        throws: FetchFailure.proxy("\(proxy) wants a user and a password: HTTP 407 to \(what)")
      ) {
        try await Fetcher.perform(request(to: place, proxy))
      }
      var known = proxy
      (known.user, known.password) = ("o@x", "a:b c/ö")
      await #expect(
        throws: FetchFailure.proxy("\(proxy) does not take the user and the password: HTTP 407 to \(what)")
      ) {
        try await Fetcher.perform(request(to: place, known))
      }
      let shown = "Proxy-Authorization: Basic \(Data("o@x:a:b c/ö".utf8).base64EncodedString())\r\n"
      let areShown = heads.read { $0.map { $0.contains(shown) } }
      #expect(areShown == [false, true])
    }
  }

  /// The answer is there, whether or not what was sent was read.
  @Test func anAnswerBeforeAResetCounts() async throws {
    let port = try freePort()
    let server = try TinyServer(.port(port)) { connection in
      connection.write("HTTP/1.0 403 No\r\nConnection: close\r\n\r\ndenied")
      var atOnce = linger(l_onoff: 1, l_linger: 0)
      setsockopt(connection.descriptor, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
    }
    defer { server.stop() }
    let response = try await Fetcher.perform(FetchRequest(.network(host: "127.0.0.1", port: port), path: "/"))
    #expect(response.status == 403)
  }

  @Test func oneThatIsNotThereIsNamed() async throws {
    let proxy = FetchProxy(host: "127.0.0.1", port: try freePort())
    for tls in [nil, FetchTLS()] {
      await #expect(throws: FetchFailure.proxy("\(proxy) cannot be reached: Connection refused")) {
        try await Fetcher.perform(request(to: .network(host: "hooks.example", port: 443, tls: tls), proxy))
      }
    }
    for host in ["", "a/b", "u@h"] {
      let asked = request(to: .network(host: "hooks.example", port: 80), FetchProxy(host: host, port: 1))
      await #expect(throws: FetchFailure.proxy("\(host.debugDescription) is not a host")) {
        try await Fetcher.perform(asked)
      }
    }
  }
}
