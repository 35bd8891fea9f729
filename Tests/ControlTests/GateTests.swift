import Foundation
import Pool
import TestSupport
import Testing

@testable import Control

/// Who may do what, over which door.
@Suite struct GateTests {
  static let secret = "0123456789abcdef-the-token"
  private static let stop = Array(#"{"command":"stop"}"#.utf8)

  private static func token() throws -> ControlToken { try ControlToken(Array(secret.utf8), "token") }

  private func command(_ served: Served, _ headers: [(String, String)]) async throws -> HTTPResponse {
    try await request("POST", "/v1/commands", headers: headers, body: Self.stop, at: served.address)
  }

  @Test func theTokenLetsOneCommandOverTheNetwork() async throws {
    try await withServer(gate: .testing(token: Self.token())) { served async throws in
      let right = try await command(served, [("Authorization", "Bearer \(Self.secret)")])
      #expect(right.status == 200)
      let spelled = try await command(served, [("authorization", "bEaReR  \(Self.secret)")])
      #expect(spelled.status == 200)
      let heard = served.supervisor.state.withLock { ($0.commands, $0.callers) }
      #expect(heard.0 == [.stop, .stop])
      #expect(heard.1 == [.token(from: "127.0.0.1"), .token(from: "127.0.0.1")])
    }
  }

  @Test(arguments: [
    [],
    [("Authorization", "Basic YTpi")],
    [("Authorization", "Bearer")],
    [("Authorization", "Bearer \(secret)x")],
    [("Authorization", "Bearer \(secret.dropLast())")],
    [("Authorization", "Bearer x\(secret.dropFirst())")],
    [("Authorization", "Bearer wrong"), ("Authorization", "Bearer \(secret)")],
    [("Authorization", secret)],
  ])
  func withoutItACommandIs401AndSaysHow(headers: [(String, String)]) async throws {
    let gate = ControlGate.testing(token: try Self.token())
    try await withServer(gate: gate) { served async throws in
      let response = try await command(served, headers)
      #expect(response.status == 401)
      #expect(response.header("www-authenticate")?.hasPrefix(#"Bearer realm="masterpool""#) == true)
      #expect(response.text.hasPrefix(#"{"error":""#))
      let heard = served.supervisor.state.withLock { $0.commands }
      #expect(heard.isEmpty)
      // Reading needs none.
      #expect(try await request("GET", "/v1/status", at: served.address).status == 200)
    }
    #expect(gate.refused.values.reduce(0, +) == 1)
  }

  @Test func aWrongTokenOpensNothingAtAll() async throws {
    try await withServer(gate: .testing(token: Self.token())) { served async throws in
      let response = try await request(
        "GET", "/v1/status", headers: [("Authorization", "Bearer nonsense")], at: served.address)
      #expect(response.status == 401)
      #expect(response.header("www-authenticate")?.contains("invalid_token") == true)
    }
  }

  @Test func withoutATokenFileNoTokenHelps() async throws {
    try await withServer { served async throws in
      #expect(try await command(served, [("Authorization", "Bearer \(Self.secret)")]).status == 403)
      #expect(try await command(served, [("Authorization", "Bearer ")]).status == 403)
    }
  }

  @Test func otherKeysHoldFromTheNextRequestOn() async throws {
    let gate = ControlGate.testing(token: try Self.token())
    try await withServer(gate: gate) { served async throws in
      let other = try ControlToken(Array("another-token-of-16".utf8), "token")
      gate.change(to: .init(token: other, names: HostNames(machine: ["puppet"])))
      #expect(try await command(served, [("Authorization", "Bearer \(Self.secret)")]).status == 401)
      #expect(try await command(served, [("Authorization", "Bearer another-token-of-16")]).status == 200)
    }
  }

  @Test func theSocketTellsWhoAsked() async throws {
    try await withServer { served async throws in
      _ = try await served.client.perform(.stop)
      let caller = served.supervisor.state.withLock { $0.callers.first ?? nil }
      guard case .process(let uid, let user, let pid) = caller else {
        Issue.record("\(String(describing: caller))")
        return
      }
      #expect(uid == geteuid())
      #expect(pid == getpid())
      #expect(user == NSUserName())
    }
  }

  @Test func anotherUserMayNotUseTheSocket() throws {
    let gate = ControlGate()
    #expect(try gate.admit(uid: 0, ours: 998) == .full)
    #expect(try gate.admit(uid: 998, ours: 998) == .full)
    let refusal = #expect(throws: ControlRefusal.self) { try gate.admit(uid: 1000, ours: 998) }
    #expect(refusal?.status == 403)
    #expect(gate.refused == [.foreignUser: 1])
  }

  @Test(arguments: [
    ("puppet", true), ("PUPPET:8141", true), ("puppet.", true), ("localhost:9000", true), ("127.0.0.1", true),
    ("10.1.2.3:8141", true), ("[::1]:8141", true), ("[fe80::1]", true), ("front.example", true),
    ("evil.example", false), ("puppet.evil.example", false), ("localhost.evil.example:8141", false), ("", false),
    (":8141", false), ("puppet:", false), ("puppet:99999", false), ("puppet:8141:1", false), ("[::1", false),
    ("[::1]x", false), ("::1", false), ("puppet@evil.example", false), ("pup pet", false), ("127.0.0.1.evil", false),
    ("0x7f.1", false), ("puppet/", false),
  ])
  func aRequestMustAskForOneOfOurNames(host: String, isOurs: Bool) async throws {
    try await withServer { served async throws in
      let response = try await request("GET", "/v1/status", headers: [("Host", host)], at: served.address)
      #expect((response.status == 200) == isOurs, "\(response.status)")
      // The socket's opener is known; whatever name it asks for.
      #expect(try await request("GET", "/healthz", headers: [("Host", host)], at: .unix(served.socket)).status == 200)
    }
  }

  @Test func neitherNoHostNorTwoAreTaken() async throws {
    try await withServer { served async throws in
      for head in ["", "Host: puppet\r\nHost: puppet\r\n", "Host: puppet\r\nHost: evil.example\r\n"] {
        let bytes = Array("GET /v1/status HTTP/1.1\r\n\(head)Connection: close\r\n\r\n".utf8)
        let answer = try await exchange(bytes, at: served.address)
        #expect(answer.status == 400, "\(answer.text)")
      }
    }
  }

  @Test(arguments: [
    ("http://puppet", "puppet", true), ("http://puppet:8141", "puppet:8141", true),
    ("http://PUPPET:80", "puppet", true), ("https://puppet:443", "puppet", true),
    ("https://front.example", "127.0.0.1:8141", true), ("http://[::1]:8141", "[::1]:8141", true),
    ("http://evil.example", "puppet", false), ("http://localhost:3000", "localhost:8141", false),
    ("http://puppet", "puppet:8141", false), ("http://127.0.0.1:8141", "localhost:8141", false),
    ("null", "puppet", false), ("file://", "puppet", false), ("", "puppet", false), ("puppet", "puppet", false),
    ("ftp://puppet", "puppet", false), ("http://puppet/x", "puppet", false),
  ])
  func pagesOfOtherSitesGetNothing(origin: String, host: String, isOurs: Bool) async throws {
    try await withServer(gate: .testing(token: Self.token())) { served async throws in
      let headers = [("Host", host), ("Origin", origin)]
      let read = try await request("GET", "/v1/status", headers: headers, at: served.address)
      #expect(read.status == (isOurs ? 200 : 403))
      // Not even with the token, which a page may have been given.
      let done = try await command(served, headers + [("Authorization", "Bearer \(Self.secret)")])
      #expect(done.status == (isOurs ? 200 : 403))
      #expect(read.header("access-control-allow-origin") == nil)
    }
  }

  @Test func aMachineKnowsItsNames() {
    let names = MachineNames.of(
      "box", hosts: "127.0.0.1 localhost\n127.0.1.1\tbox.corp.example box masters # not this\n10.0.0.9 other\n",
      resolver: "# search none\nnameserver 10.0.0.1\nsearch corp.example lab.example\n")
    #expect(names == ["box", "box.corp.example", "box", "masters", "box.corp.example", "box.lab.example"])
    #expect(MachineNames.of("a.b", hosts: "", resolver: "search c") == ["a.b"])
    #expect(MachineNames.of("", hosts: "1.1.1.1 x", resolver: "search c") == [])
  }
}

/// The file that holds the token.
@Suite struct TokenTests {
  private func unusable(_ content: String, mode: UInt32 = 0o600) async throws -> String? {
    try await withTemporaryDirectory { directory async throws in
      let path = "\(directory)/token"
      try content.write(toFile: path, mode: mode)
      do throws(ControlTokenUnusable) {
        _ = try ControlToken(file: path)
        return nil
      } catch {
        #expect(error.description.hasPrefix("control.token_file \(path): "))
        return error.description
      }
    }
  }

  @Test func oneLineIsTakenWithOrWithoutItsEnd() async throws {
    #expect(try await unusable("0123456789abcdef") == nil)
    #expect(try await unusable("0123456789abcdef+/=\r\n") == nil)
    #expect(try await unusable(String(repeating: "x", count: 1024) + "\n") == nil)
  }

  @Test(arguments: [
    ("", "has 0 characters"), ("\n", "has 0 characters"), ("0123456789abcde\n", "has 15 characters"),
    ("0123456789abcdef\nsecond\n", "not one line"), ("0123456789abcdef gh", "not one line"),
    ("0123456789abcdéf", "not one line"), (String(repeating: "x", count: 5000), "1 to"),
  ])
  func whatIsNoTokenIsRefused(content: String, words: String) async throws {
    let why = try await unusable(content)
    let expected = content.count == 5000 ? "16 to 1024 are possible" : words
    #expect(why?.contains(expected) == true, "\(why ?? "taken")")
  }

  @Test(arguments: [UInt32(0o644), 0o640, 0o604]) func whatOthersMayReadIsNoSecret(mode: UInt32) async throws {
    let why = try await unusable("0123456789abcdef", mode: mode)
    #expect(why?.contains("open to its group or to others (mode \(String(mode, radix: 8)))") == true)
  }

  @Test func aFolderOrNothingIsRefused() async throws {
    try await withTemporaryDirectory { directory in
      #expect(throws: ControlTokenUnusable.self) { try ControlToken(file: directory) }
      #expect(throws: ControlTokenUnusable.self) { try ControlToken(file: "\(directory)/none") }
    }
  }

  @Test func comparesWholeTokens() throws {
    let token = try ControlToken(Array("0123456789abcdef".utf8), "token")
    #expect(token.matches("0123456789abcdef"))
    for other in [
      "", "0123456789abcdeF", "0123456789abcdef0", "0123456789abcde", String(repeating: "0", count: 4000),
    ] {
      #expect(!token.matches(other))
    }
  }
}
