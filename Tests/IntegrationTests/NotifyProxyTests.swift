import Foundation
import Pool
import TestSupport
import Testing

/// Receivers that are reached by an HTTP proxy only: Debian's tinyproxy.
@Suite struct NotifyProxyTests {
  /// A receiver in the clear and by TLS, and a proxy on the way there.
  private struct Road {
    var receiver: WebhookReceiver
    var tlsPort: UInt16
    var certificates: Certificates
    var proxy: Child
    var proxyURL: String

    /// Its lines under `receivers`, one reached in the clear, the other by TLS.
    func receivers(_ more: String = "") -> [String] {
      [
        "- {name: plain, url: \"http://127.0.0.1:\(receiver.port)/hook\", retry_wait: 5m\(more)}",
        "- {name: tls, url: \"https://localhost:\(tlsPort)/hook\", ca: \"\(certificates.ca)\", retry_wait: 5m\(more)}",
      ]
    }
  }

  private func withRoad(_ proxySettings: [String] = [], _ body: (Road) async throws -> Void) async throws {
    let receiver = try WebhookReceiver()
    defer { receiver.stop() }
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [])
      let port = try freePort()
      let lines = ["Port \(port)", "Listen 127.0.0.1", "Timeout 20", "LogLevel Info"] + proxySettings
      try lines.map { $0.replacing("FOLDER", with: folder) + "\n" }.joined().write(toFile: "\(folder)/proxy.conf")
      try "localhost\n127.0.0.1\n".write(toFile: "\(folder)/denied")
      try await withTLSFront(certificates, "server", "server", before: receiver.port) { tlsPort, _ in
        try await withDaemon("/usr/bin/tinyproxy", ["-d", "-c", "\(folder)/proxy.conf"], at: .port(port)) { proxy in
          try await body(
            Road(
              receiver: receiver, tlsPort: tlsPort, certificates: certificates, proxy: proxy,
              proxyURL: "http://127.0.0.1:\(port)"))
        }
      }
    }
  }

  private static func setup(_ receivers: [String], _ more: [String] = []) -> Setup {
    var setup = Setup()
    setup.workers = 1
    setup.top =
      ["notify:", "  group_wait: 0s", "  last_wait: 0s"] + more.map { "  \($0)" } + ["  receivers:"]
      + receivers.map { "    \($0)" }
    return setup
  }

  @Test func messagesGoByTheProxyThatIsNamed() async throws {
    try await withRoad { road in
      let direct = "- {name: direct, url: \"http://127.0.0.1:\(road.receiver.port)/hook\", proxy: off}"
      let setup = Self.setup(road.receivers() + [direct], ["proxy: \"\(road.proxyURL)\""])
      try await withMasterpool(setup) { masterpool in
        for name in ["plain", "tls", "direct"] {
          let told = try await masterpool.cli("notify", "test", name)
          #expect(told.status == .exited(0), "\(told)")
          #expect(told.output.contains("\(name): taken, HTTP 200, after "))
        }
      }
      let messages = road.receiver.messages
      #expect(messages.map(\.receiver) == ["plain", "tls", "direct"])
      #expect(messages.map(\.requestLine) == Array(repeating: "POST /hook HTTP/1.1", count: 3))
      let areSentOn = messages.map { $0.head.contains("Via: 1.1 ") }
      #expect(areSentOn == [true, false, false])
      let seen = road.proxy.standardOutput
      #expect(seen.contains("POST http://127.0.0.1:\(road.receiver.port)/hook HTTP/1.1"), "\(seen)")
      #expect(seen.contains("CONNECT localhost:\(road.tlsPort) HTTP/1.1"), "\(seen)")
    }
  }

  @Test func aProxyThatWantsAPasswordGetsItFromAFile() async throws {
    try await withRoad(["BasicAuth ops gehe1m"]) { road in
      let folder = road.certificates.folder
      let host = road.proxyURL.dropFirst("http://".count)
      try "http://ops:gehe1m@\(host)\n".write(toFile: "\(folder)/right.proxy")
      try "http://ops:gehe2m@\(host)\n".write(toFile: "\(folder)/wrong.proxy")
      var setup = Self.setup(road.receivers(), ["proxy_file: \"\(folder)/right.proxy\""])
      try await withMasterpool(setup) { masterpool in
        let right = try await masterpool.cli("notify", "test")
        #expect(right.status == .exited(0), "\(right)")
        #expect(road.receiver.messages.count == 2)
        for message in road.receiver.messages { #expect(!message.head.contains("Proxy-Authorization")) }

        // Tinyproxy says 401 to a wrong password; in the clear that may be the receiver's word.
        let (named, wrong, none) = ("the proxy \(road.proxyURL)", "user and the password", "a user and a password")
        let cases = [
          (
            "proxy_file: \"\(folder)/wrong.proxy\"", "HTTP 401, by way of \(named): ",
            "\(named) does not take the \(wrong): HTTP 401 to CONNECT, "
          ),
          (
            "proxy: \"\(road.proxyURL)\"", "\(named) wants \(none): HTTP 407 to the request, ",
            "\(named) wants \(none): HTTP 407 to CONNECT, "
          ),
        ]
        var said = "\(right)"
        for (proxy, plain, tls) in cases {
          setup = Self.setup(road.receivers(", \(proxy)"))
          try masterpool.rewrite(setup)
          #expect(try await masterpool.cli("reload").status == .exited(0))
          let refused = try await masterpool.cli("notify", "test")
          #expect(refused.status == .exited(1))
          #expect(refused.errors.contains("plain: not taken, \(plain)"), "\(refused.errors)")
          #expect(refused.errors.contains("tls: not taken, \(tls)"), "\(refused.errors)")
          said += "\(refused)"
        }
        #expect(road.receiver.messages.count == 2)
        for text in [said, masterpool.log, try await masterpool.cli("get", "notify").output] {
          for word in ["gehe1m", "gehe2m"] { #expect(!text.contains(word), "\(text)") }
        }
      }
    }
  }

  /// One that forbids both receivers, and one that is not there.
  @Test func aProxyThatDoesNotLetThroughIsNamed() async throws {
    try await withRoad(["ConnectPort 1", "Filter \"FOLDER/denied\""]) { road in
      let gone = try freePort()
      let receivers =
        road.receivers() + [
          "- {name: gone, url: \"https://localhost:\(road.tlsPort)/\", proxy: \"http://127.0.0.1:\(gone)\"}"
        ]
      try await withMasterpool(Self.setup(receivers, ["proxy: \"\(road.proxyURL)\""])) { masterpool in
        let all = try await masterpool.cli("notify", "test")
        #expect(all.status == .exited(1))
        for words in [
          "plain: not taken, HTTP 403, by way of the proxy \(road.proxyURL): ",
          "tls: not taken, the proxy \(road.proxyURL) does not let us through: HTTP 403 to CONNECT, after ",
          "gone: not taken, the proxy http://127.0.0.1:\(gone) cannot be reached: Connection refused, after ",
        ] { #expect(all.errors.contains(words), "\(all.errors)") }
        #expect(road.receiver.messages.isEmpty)

        try await refuseAReload(masterpool)
        let status = try await masterpool.status("what is not delivered") { status in
          status.notify?.receivers.allSatisfy { $0.trouble != nil } ?? false
        }
        let told = Dictionary(uniqueKeysWithValues: (status.notify?.receivers ?? []).map { ($0.name, $0) })
        // What only the proxy can have said may change; the other answer may be the receiver's last word.
        #expect(told["tls"]?.waiting == 1 && told["gone"]?.waiting == 1)
        #expect(told["plain"]?.waiting == 0 && told["plain"]?.failedTotal == 1)
        #expect(told["tls"]?.trouble?.contains("does not let us through") == true)
        #expect(road.receiver.messages.isEmpty)
      }
    }
  }
}
