import Foundation
import Pool
import TestSupport
import Testing

private let agentName = "agent1.example"

/// A proxy with one TLS listener in front of one worker that echoes.
private func withTLS(
  _ verify: TLSConfiguration.ClientVerification, threads: Int = 1, routes: [Route]? = nil,
  _ body: (RunningProxy, Origin, Certificates) async throws -> Void
) async throws {
  try await withTemporaryDirectory { folder in
    let certificates = try await Certificates.make(in: folder, clients: [agentName, "other.example"])
    var arrangement = Arrangement()
    arrangement.threads = threads
    arrangement.listeners = [
      ListenerConfiguration(
        address: .ip(host: "127.0.0.1", port: 0),
        tls: TLSConfiguration(
          certificate: certificates.serverCertificate, privateKey: certificates.serverKey,
          clientCA: certificates.ca, clientCRL: certificates.crl, verifyClient: verify))
    ]
    if let routes { arrangement.routes = routes }
    try await withProxy(arrangement, worker: echo) { try await body($0, $1, certificates) }
  }
}

@Suite struct TLSTests {
  @Test func tellsTheWorkerWhoAsks() async throws {
    try await withTLS(.required) { proxy, origin, certificates in
      let client = try certificates.client(agentName)
      try await agent(at: proxy.address, tls: client) { agent in
        for number in 0..<3 {
          let response = try agent.ask("GET", "/\(number)", headers: [("X-Client-DN", "CN=admin")])
          #expect(response.text == "/\(number)")
        }
      }
      for head in origin.heads {
        #expect(field("x-client-verify", of: head) == "SUCCESS")
        #expect(field("x-client-dn", of: head) == "CN=\(agentName)")
        #expect(field("x-forwarded-proto", of: head) == "https")
        #expect(!head.contains("admin"))
        let pem = field("x-client-cert", of: head)?.removingPercentEncoding
        #expect(pem == text(ofFile: "\(certificates.folder)/\(agentName).pem"))
      }
      #expect(origin.accepted == 1)
    }
  }

  @Test func letsTheAnonymousInWhereThatIsOptional() async throws {
    try await withTLS(.optional) { proxy, origin, certificates in
      let response = try await request(
        "GET", "/", headers: [("X-Client-Verify", "SUCCESS")], at: proxy.address, tls: certificates.client(nil))
      #expect(response.status == 200)
      #expect(field("x-client-verify", of: origin.heads[0]) == "NONE")
      #expect(field("x-client-dn", of: origin.heads[0]) == nil)
    }
  }

  enum BadClient: CaseIterable, Sendable {
    case foreign, revoked, expired
  }

  @Test(arguments: [TLSConfiguration.ClientVerification.optional, .required], BadClient.allCases)
  func turnsBadCertificatesAwayWithAnAlert(
    _ verify: TLSConfiguration.ClientVerification, _ bad: BadClient
  ) async throws {
    try await withTLS(verify) { proxy, origin, certificates in
      let client: TLSClient
      switch bad {
      case .foreign: client = try certificates.stranger(agentName)
      case .revoked: client = try certificates.client(Certificates.revokedName)
      case .expired:
        try await certificates.expire("other.example")
        client = try certificates.client("other.example")
      }
      let end = try await onThread { () -> String in
        do throws(WireFailure) {
          let wire = try Wire(to: proxy.address, tls: client, before: .patient)
          // TLS 1.3 lets the client believe in the connection until the alert comes.
          try? wire.send(requestBytes("GET", "/"), before: .patient)
          var bytes: [UInt8] = []
          while try wire.receive(into: &bytes, before: .patient) {}
          return "answered \(bytes.count) bytes"
        } catch {
          return "\(error)"
        }
      }
      #expect(end.contains("alert"), "\(end)")
      #expect(origin.heads.isEmpty)
      let counters = try await proxy.counters("a failed handshake") { $0.handshakesFailedTotal == 1 }
      #expect(counters.requestsTotal == 0)
      let cause: TLSCounters.Failure =
        switch bad {
        case .foreign: .unknownCA
        case .revoked: .revoked
        case .expired: .expired
        }
      let failures = counters.tls.failures.filter { $0.value > 0 }
      #expect(failures == [cause: 1])
      // Others are not disturbed.
      let good = try await request("GET", "/", at: proxy.address, tls: certificates.client(agentName))
      #expect(good.status == 200)
    }
  }

  @Test func asksForACertificateWhereItIsRequired() async throws {
    try await withTLS(.required) { proxy, origin, certificates in
      await #expect(throws: (any Error).self) {
        try await request("GET", "/", at: proxy.address, tls: certificates.client(nil))
      }
      #expect(origin.heads.isEmpty)
      _ = try await proxy.counters("its cause") { $0.tls.failures[.noCertificate] == 1 }
    }
  }

  @Test func letsEachAgentHaveItsOwn() async throws {
    let routes = [
      Route(path: "/puppet/v3/catalog/{certname}", allow: .self, pool: masters),
      Route(path: "/open/", allow: .any, pool: masters),
      Route(path: "/admin/", allow: .names(["other.example"]), pool: masters),
      Route(path: "/puppet/", allow: .authenticated, pool: masters),
    ]
    try await withTLS(.optional, routes: routes) { proxy, origin, certificates in
      let table: [(String, String?, Int)] = [
        ("/puppet/v3/catalog/\(agentName)", agentName, 200),
        ("/puppet/v3/catalog/\(agentName)", "other.example", 403),
        ("/puppet/v3/catalog/\(agentName)", nil, 403),
        ("/puppet/v3/catalog/%61gent1.example?environment=x", agentName, 200),
        ("/puppet/v3/catalog/other.example%2f..%2f\(agentName)", agentName, 400),
        ("/puppet/v3/catalog/other.example/../\(agentName)", agentName, 400),
        ("/puppet//v3/catalog/\(agentName)", agentName, 400),
        ("/puppet/v3/file_content/x", agentName, 200),
        ("/puppet/v3/file_content/x", nil, 403),
        ("/open/x", nil, 200),
        ("/admin/x", "other.example", 200),
        ("/admin/x", agentName, 403),
        ("/elsewhere", agentName, 403),
      ]
      for (path, name, status) in table {
        let before = origin.heads.count
        let response = try await request("GET", path, at: proxy.address, tls: certificates.client(name))
        #expect(response.status == status, "\(path) \(name ?? "-")")
        #expect(origin.heads.count - before == (status == 200 ? 1 : 0))
        if status == 403 {
          #expect(response.header("content-type")?.hasPrefix("text/plain") == true)
          #expect(!response.text.isEmpty)
        }
      }
    }
  }

  @Test(arguments: [1 << 20, 20 << 20]) func bringsLargeBodiesThroughBothWays(_ size: Int) async throws {
    try await withTLS(.required, threads: 2) { proxy, origin, certificates in
      let client = try certificates.client(agentName)
      let body = patternBytes(size)
      let response = try await request("PUT", "/up", body: body, at: proxy.address, tls: client)
      #expect(response.text == "/up")
      #expect(origin.bodies == [body])
    }
  }

  @Test func bringsALargeAnswerDown() async throws {
    let body = patternBytes(8 << 20)
    let worker: Origin.Manner = { connection in
      while try connection.request() != nil {
        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
        try connection.send(body)
      }
    }
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [agentName])
      var arrangement = Arrangement()
      arrangement.listeners = [
        ListenerConfiguration(
          address: .ip(host: "127.0.0.1", port: 0),
          tls: TLSConfiguration(certificate: certificates.serverCertificate, privateKey: certificates.serverKey))
      ]
      try await withProxy(arrangement, worker: worker) { proxy, _ in
        let response = try await request("GET", "/", at: proxy.address, tls: certificates.client(nil))
        #expect(digest(response.body) == digest(body))
      }
    }
  }

  /// A resumed session is as good as a new one, and as verified.
  @Test func keepsTheIdentityInResumedSessions() async throws {
    try await withTLS(.required) { proxy, origin, certificates in
      guard case .port(let port) = proxy.address else { return }
      let folder = certificates.folder
      let connect =
        "openssl s_client -connect 127.0.0.1:\(port) -CAfile ca.pem -cert \(agentName).pem -key \(agentName).key -quiet "
        + "-ign_eof"
      let ask = "printf 'GET /x HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n'"
      for version in ["-tls1_2", "-tls1_3"] {
        let script = """
          cd '\(folder)' && \(ask) | \(connect) \(version) -sess_out session 2>first.err && \
          \(ask) | \(connect) \(version) -sess_in session 2>second.err
          """
        let result = try await run("/bin/sh", ["-c", script])
        #expect(result.output.components(of: "200 OK") == 2, "\(result)")
      }
      #expect(origin.heads.count == 4)
      let names = Set(origin.heads.map { field("x-client-dn", of: $0) })
      #expect(names == ["CN=\(agentName)"])
    }
  }

  @Test(arguments: ["-tls1", "-tls1_1"]) func refusesOldProtocols(_ version: String) async throws {
    try await withTLS(.optional) { proxy, _, certificates in
      guard case .port(let port) = proxy.address else { return }
      let arguments = "-connect 127.0.0.1:\(port) \(version) -cipher DEFAULT@SECLEVEL=0"
      let result = try await run("/bin/sh", ["-c", "openssl s_client \(arguments) </dev/null 2>&1"])
      #expect(result.status != .exited(0))
    }
  }

  @Test func givesUpOnAHandshakeThatTakesTooLong() async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [])
      var arrangement = Arrangement()
      arrangement.limits.headerTimeout = .milliseconds(300)
      arrangement.listeners = [
        ListenerConfiguration(
          address: .ip(host: "127.0.0.1", port: 0),
          tls: TLSConfiguration(certificate: certificates.serverCertificate, privateKey: certificates.serverKey))
      ]
      try await withProxy(arrangement, worker: echo) { proxy, _ in
        let end = try await agent(at: proxy.address) { agent in
          try agent.send([22, 3, 1])
          return agent.end()
        }
        #expect(end == .closed)
      }
    }
  }

  // MARK: What cannot be served

  enum Mistake: CaseIterable, Sendable {
    case noCertificate, wrongKey, noKey, noAuthority, emptyAuthority, noRevocations, emptyRevocations
  }

  @Test(arguments: Mistake.allCases) func refusesAConfigurationThatCannotWork(_ mistake: Mistake) async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [agentName])
      var tls = TLSConfiguration(
        certificate: certificates.serverCertificate, privateKey: certificates.serverKey, clientCA: certificates.ca,
        clientCRL: certificates.crl, verifyClient: .optional)
      let word: String
      switch mistake {
      case .noCertificate: (tls.certificate, word) = ("\(folder)/none.pem", "none.pem")
      case .wrongKey: (tls.privateKey, word) = ("\(folder)/\(agentName).key", "\(agentName).key")
      case .noKey: (tls.privateKey, word) = (certificates.ca, "ca.pem: holds no key in PEM")
      case .emptyAuthority: (tls.clientCA, word) = (certificates.serverKey, "holds no certificate")
      case .noAuthority: (tls.clientCA, word) = (nil, "client_ca")
      case .noRevocations: (tls.clientCRL, word) = ("\(folder)/none.pem", "none.pem")
      case .emptyRevocations: (tls.clientCRL, word) = (certificates.ca, "holds no revocation list")
      }
      var arrangement = Arrangement()
      arrangement.listeners = [ListenerConfiguration(address: .ip(host: "127.0.0.1", port: 0), tls: tls)]
      let proxy = try RunningProxy(arrangement.configuration, folder: folder)
      let reason = try await proxy.report("refused") { if case .refused(let reason) = $0 { reason } else { nil } }
      #expect(reason.contains(word), "\(reason)")
      #expect(try await proxy.ended() == 78)
    }
  }
}

extension Certificates {
  /// Signs the client's key anew, for a time that is over.
  func expire(_ name: String) async throws {
    let dates = "-startdate 20200101000000Z -enddate 20200102000000Z"
    let command =
      "cd '\(folder)' && openssl ca -config ca.conf -batch -notext \(dates) -in '\(name).csr' -out '\(name).pem'"
    let result = try await run("/bin/sh", ["-c", command])
    #expect(result.status == .exited(0), "\(result.errors)")
  }
}
