import COpenSSL
import Foundation
import Glibc
import Pool
import TestSupport
import Testing

@testable import Proxying

private let agentName = "agent1.example"

/// Sessions that are resumed, and certificates that were seen before.
@Suite struct SessionTests {
  /// One connection by `openssl s_client`: what it printed.
  private func connect(_ address: Address, _ certificates: Certificates, _ options: String) async throws -> String {
    guard case .port(let port) = address else { return "" }
    let script = """
      cd '\(certificates.folder)' && printf 'GET /x HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | \
      openssl s_client -connect 127.0.0.1:\(port) -CAfile ca.pem -cert \(agentName).pem -key \(agentName).key -ign_eof \
      \(options) 2>&1
      """
    return try await run("/bin/sh", ["-c", script]).output
  }

  private func arrangement(_ certificates: Certificates, threads: Int = 1) -> Arrangement {
    var arrangement = Arrangement()
    arrangement.threads = threads
    arrangement.listeners = [
      ListenerConfiguration(
        address: .ip(host: "127.0.0.1", port: 0),
        tls: TLSConfiguration(
          certificate: certificates.serverCertificate, privateKey: certificates.serverKey, clientCA: certificates.ca,
          clientCRL: certificates.crl, verifyClient: .optional))
    ]
    return arrangement
  }

  /// Under TLS 1.3 a ticket is good for one use, so each use must bring the next.
  @Test func eachResumedSessionBringsTheNext() async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [agentName])
      try await withProxy(arrangement(certificates), worker: echo) { proxy, origin in
        let first = try await connect(proxy.address, certificates, "-tls1_3 -sess_out session0")
        #expect(first.contains("New, TLSv1"), "\(first)")
        for turn in 0..<3 {
          let next = try await connect(
            proxy.address, certificates, "-tls1_3 -sess_in session\(turn) -sess_out session\(turn + 1)")
          #expect(next.contains("Reused, TLSv1") && next.contains("200 OK"), "\(next)")
        }
        #expect(origin.heads.count == 4)
        let isNamed = origin.heads.allSatisfy { field("x-client-dn", of: $0) == "CN=\(agentName)" }
        #expect(isNamed)
      }
    }
  }

  /// Three that are held at once are spread over both loops; each resumes the one session.
  @Test(arguments: ["-tls1_2", "-tls1_3"]) func anyLoopResumesWhatAnotherBegan(_ version: String) async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [agentName])
      try await withProxy(arrangement(certificates, threads: 2), worker: echo) { proxy, origin in
        guard case .port(let port) = proxy.address else { return }
        let first = try await connect(proxy.address, certificates, "\(version) -sess_out session")
        #expect(first.contains("New, TLSv1") && first.contains("200 OK"), "\(first)")
        let script = """
          cd '\(folder)'
          hold() {
            mkfifo hold$1
            openssl s_client -connect 127.0.0.1:\(port) -CAfile ca.pem -cert \(agentName).pem -key \(agentName).key \
              \(version) -sess_in session <hold$1 >held$1 2>&1 &
          }
          shaken() { for n in 1 2 3 4 5 6 7 8 9; do grep -q '^New, \\|^Reused, ' held$1 && return; sleep 1; done; }
          hold 1; exec 7>hold1; shaken 1
          hold 2; exec 8>hold2; shaken 2
          hold 3; exec 9>hold3; shaken 3
          exec 7>&- 8>&- 9>&-
          wait
          cat held1 held2 held3
          """
        let held = try await run("/bin/bash", ["-c", script]).output
        #expect(held.components(of: "Reused, TLSv1") == 3, "\(held)")
      }
    }
  }

  /// A session carries a verdict of its time. Under a new revocation list, which comes with a new proxy, it is worth
  /// nothing: the certificate is looked at again and refused.
  @Test(arguments: ["-tls1_2", "-tls1_3"]) func anOldSessionDoesNotSidestepANewRevocationList(
    _ version: String
  ) async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [agentName])
      try await withProxy(arrangement(certificates), worker: echo) { proxy, _ in
        let first = try await connect(proxy.address, certificates, "\(version) -sess_out session")
        #expect(first.contains("200 OK"), "\(first)")
      }
      // Under the same list the next proxy has keys of its own, and takes the agent after a full handshake.
      try await withProxy(arrangement(certificates), worker: echo) { proxy, _ in
        let next = try await connect(proxy.address, certificates, "\(version) -sess_in session")
        #expect(next.contains("New, TLSv1") && next.contains("200 OK"), "\(next)")
      }
      try await certificates.revoke(agentName)
      try await withProxy(arrangement(certificates), worker: echo) { proxy, origin in
        let last = try await connect(proxy.address, certificates, "\(version) -sess_in session")
        #expect(!last.contains("200 OK") && !last.contains("Reused"), "\(last)")
        #expect(origin.heads.isEmpty)
      }
    }
  }

  private func hasKey(_ path: String) throws -> Bool {
    let certificate = try certificate(path)
    defer { X509_free(certificate) }
    return X509_get0_pubkey(certificate) != nil
  }

  /// A resumed session's certificate is parsed by loops twice a handshake; its key, which costs the most, is not.
  @Test func aLoopDecodesNoKeyThatNobodyNeeds() async throws {
    try await withTemporaryDirectory { folder in
      _ = try await Certificates.make(in: folder, clients: [agentName])
      let file = "\(folder)/\(agentName).pem"
      try await onThread {
        let before = try hasKey(file)
        LibraryContext.forgetDefault()
        let after = try hasKey(file)
        #expect(before && !after)
        // What is asked for by name is there.
        let digest = EVP_MD_fetch(LibraryContext.system, "SHA256", nil)
        let none = EVP_MD_fetch(nil, "SHA256", nil)
        #expect(digest != nil && none == nil)
        EVP_MD_free(digest)
      }
    }
  }

  /// A certificate of the same name for a key of another kind.
  private func issueAgain(_ name: String, _ algorithm: String, in folder: String) async throws {
    let script = """
      cd '\(folder)' && openssl genpkey -algorithm \(algorithm) -out \(name).key && \
      openssl req -new -key \(name).key -subj /CN=\(name) -out again.csr && \
      openssl x509 -req -in again.csr -CA ca.pem -CAkey ca.key -set_serial 4711 -days 2 -out \(name).pem
      """
    let made = try await run("/bin/sh", ["-c", script])
    try #require(made.status == .exited(0), "\(made.errors)")
  }

  /// Loops have no default context, whatever a suite and a group need.
  @Test(arguments: [
    "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256", "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
    "-tls1_3 -groups P-256", "-tls1_3 -groups ffdhe2048", "-tls1_3 -groups X448",
    "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256",
    "-tls1_2 -cipher ECDHE-ECDSA-AES256-SHA", "-tls1_2 -cipher ECDHE-RSA-AES256-SHA384", "-tls1_2 -cipher AES128-SHA",
    "-tls1_2 -cipher AES256-SHA256",
  ]) func everySuiteIsSpokenAndResumed(_ options: String) async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [agentName])
      if options.contains("-RSA-") || options.contains("-cipher AES") {
        try await issueAgain("server", "RSA", in: folder)
      }
      try await withProxy(arrangement(certificates), worker: echo) { proxy, _ in
        let first = try await connect(proxy.address, certificates, "\(options) -sess_out session")
        #expect(first.contains("New, ") && first.contains("200 OK"), "\(first)")
        let next = try await connect(proxy.address, certificates, "\(options) -sess_in session")
        #expect(next.contains("Reused, ") && next.contains("200 OK"), "\(next)")
      }
    }
  }

  @Test(arguments: ["RSA", "EC -pkeyopt ec_paramgen_curve:P-521", "ED25519"])
  func agentsOfEveryKindOfKeyAreKnown(_ algorithm: String) async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [agentName])
      try await issueAgain(agentName, algorithm, in: folder)
      try await withProxy(arrangement(certificates), worker: echo) { proxy, origin in
        for options in ["-sess_out session", "-sess_in session"] {
          let said = try await connect(proxy.address, certificates, options)
          #expect(said.contains("200 OK"), "\(said)")
        }
        let isNamed = origin.heads.allSatisfy { field("x-client-dn", of: $0) == "CN=\(agentName)" }
        #expect(isNamed && origin.heads.count == 2)
      }
    }
  }

  // MARK: Keys

  @Test func aKeySealsForALifetimeAndOpensForAnother() throws {
    let start = Instant(nanoseconds: 1_000_000_000)
    let keys = try TicketKeys(lifetime: .seconds(100), at: start)
    let first = keys.sealing()
    keys.rotate(at: start + .seconds(99))
    #expect(isSame(keys.sealing(), first))
    #expect(age(of: first, in: keys) == .current)

    keys.rotate(at: start + .seconds(100))
    let second = keys.sealing()
    #expect(!isSame(second, first))
    #expect(age(of: first, in: keys) == .old)
    #expect(age(of: second, in: keys) == .current)

    keys.rotate(at: start + .seconds(200))
    #expect(age(of: first, in: keys) == .unknown)
    #expect(age(of: second, in: keys) == .old)

    // Nothing was asked for long: what sealed last is too old to open.
    let last = keys.sealing()
    keys.rotate(at: start + .seconds(1000))
    #expect(age(of: last, in: keys) == .unknown)
  }

  @Test func noTwoContextsShareAKey() throws {
    let now = Instant.now()
    let one = try TicketKeys(lifetime: .seconds(100), at: now)
    let other = try TicketKeys(lifetime: .seconds(100), at: now)
    #expect(age(of: one.sealing(), in: other) == .unknown)
  }

  private enum Age { case current, old, unknown }

  private func age(of key: TicketKeys.Key, in keys: TicketKeys) -> Age {
    withUnsafeBytes(of: key) { bytes in
      guard let name = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), let found = keys.opening(name) else {
        return .unknown
      }
      return found.isOld ? .old : .current
    }
  }

  private func isSame(_ one: TicketKeys.Key, _ other: TicketKeys.Key) -> Bool {
    withUnsafeBytes(of: one) { one in withUnsafeBytes(of: other) { one.elementsEqual($0) } }
  }

  // MARK: Certificates

  @Test func aVerdictIsRememberedOnlyWhereItWasGoodAndOnlyWhileItHolds() async throws {
    try await withTemporaryDirectory { folder in
      let certificates = try await Certificates.make(in: folder, clients: [agentName])
      let context = try TLSContext(
        TLSConfiguration(
          certificate: certificates.serverCertificate, privateKey: certificates.serverKey, clientCA: certificates.ca,
          clientCRL: certificates.crl, verifyClient: .optional))
      let known = context.memory.certificates
      #expect(try verify("\(folder)/\(agentName).pem", context) == 1)
      #expect(known.count == 1)
      #expect(try verify("\(folder)/\(agentName).pem", context) == 1)
      #expect(known.count == 1)
      #expect(try verify("\(folder)/\(Certificates.revokedName).pem", context) != 1)
      #expect(try verify("\(folder)/\(Certificates.revokedName).pem", context) != 1)
      #expect(known.count == 1)
      #expect(known.holds(for: try certificate("\(folder)/\(agentName).pem"), at: time(nil)))
      // By then the list must have been replaced.
      #expect(!known.holds(for: try certificate("\(folder)/\(agentName).pem"), at: time(nil) + 100 * 365 * 86400))
      // The clock was set back: the certificate may not be good yet.
      #expect(!known.holds(for: try certificate("\(folder)/\(agentName).pem"), at: time(nil) - 86400))
    }
  }

  private func certificate(_ path: String) throws -> OpaquePointer {
    let file = try #require(BIO_new_file(path, "r"))
    defer { BIO_free(file) }
    return try #require(PEM_read_bio_X509(file, nil, nil, nil))
  }

  /// As the context would in a handshake.
  private func verify(_ path: String, _ context: TLSContext) throws -> Int32 {
    let certificate = try certificate(path)
    defer { X509_free(certificate) }
    let work = try #require(X509_STORE_CTX_new())
    defer { X509_STORE_CTX_free(work) }
    try #require(X509_STORE_CTX_init(work, SSL_CTX_get_cert_store(context.pointer), certificate, nil) == 1)
    X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(work), SSL_CTX_get0_param(context.pointer))
    return context.memory.certificates.verify(work)
  }
}

extension Certificates {
  /// From the next proxy on.
  fileprivate func revoke(_ name: String) async throws {
    let command =
      "cd '\(folder)' && openssl ca -config ca.conf -revoke '\(name).pem' && openssl ca -config ca.conf -gencrl -out crl.pem"
    let result = try await run("/bin/sh", ["-c", command])
    #expect(result.status == .exited(0), "\(result.errors)")
  }
}
