import Foundation
import Pool
import TestSupport
import Testing

/// Certificates and revocation lists are renewed by others while masterpool runs.
@Suite struct CertificateReloadTests {
  @Test func aNewCertificateOnDiskIsTakenUpByItself() async throws {
    try await withSecured { masterpool, old, scratch in
      let new = try await Certificates.make(in: "\(scratch)/new", clients: [])
      let before = try old.client("a.example")
      let after = try TLSClient(
        ca: new.ca, certificate: "\(old.folder)/a.example.pem", key: "\(old.folder)/a.example.key")
      await #expect(throws: (any Error).self) {
        try await request("GET", "/work", at: masterpool.address, tls: after)
      }
      let address = masterpool.address
      async let held = request("GET", "/work?bytes=9&until=\(scratch)/go", at: address, tls: before)
      try await masterpool.status("the held request") { $0.proxy?.requestsInFlight == 1 }

      try move(new.serverKey, to: old.serverKey)
      try move(new.serverCertificate, to: old.serverCertificate)
      try await masterpool.event("the change on disk") {
        $0.kind == .reload && $0.message.contains("changed on disk") && !$0.message.contains("refused")
      }
      #expect(try await request("GET", "/work", at: address, tls: after).status == 200)
      await #expect(throws: (any Error).self) { try await request("GET", "/work", at: address, tls: before) }

      try "".write(toFile: "\(scratch)/go")
      let answer = try await held
      #expect(answer.status == 200 && answer.body == patternBytes(9) && answer.saysClose)
    }
  }

  @Test func whoIsRevokedIsRefusedFromThenOn() async throws {
    try await withSecured { masterpool, certificates, _ in
      let (first, second) = (try certificates.client("a.example"), try certificates.client("b.example"))
      #expect(try await request("GET", "/work", at: masterpool.address, tls: first).status == 200)
      try await certificates.revoke("a.example")
      try await masterpool.event("the new list") { $0.kind == .reload && $0.message.contains("crl.pem") }
      await #expect(throws: (any Error).self) {
        try await request("GET", "/work", at: masterpool.address, tls: first)
      }
      #expect(try await request("GET", "/work", at: masterpool.address, tls: second).status == 200)
    }
  }

  @Test func filesThatNoProxyCanUseLeaveTheOldOnesInForce() async throws {
    try await withSecured { masterpool, certificates, scratch in
      let stranger = try await Certificates.make(in: "\(scratch)/new", clients: [])
      let client = try certificates.client("a.example")
      try await expectRefusal(masterpool, "private_key", "by the certificate alone, whose key is another's") {
        try move(stranger.serverCertificate, to: certificates.serverCertificate)
      }
      let reply = try await masterpool.cli("reload")
      #expect(reply.status == .exited(1) && reply.errors.contains("nothing was changed"), "\(reply)")
      #expect(try await request("GET", "/work", at: masterpool.address, tls: client).status == 200)
      #expect(try await masterpool.status().proxy?.generation == 1)

      // With the key beside it, it is good.
      try move(stranger.serverKey, to: certificates.serverKey)
      try await masterpool.event("the pair") {
        $0.kind == .reload && $0.message.contains("proxy") && $0.message.contains("serves")
      }
    }
  }

  /// What lies on disk by then is another matter.
  @Test func aKilledProxysSuccessorServesWithWhatIsInForce() async throws {
    try await withSecured { masterpool, certificates, _ in
      let client = try certificates.client("a.example")
      for file in [certificates.serverKey, certificates.ca, certificates.crl] {
        try "not in PEM".write(toFile: file + ".new")
        try move(file + ".new", to: file)
      }
      try await masterpool.event("a refusal") { $0.kind == .reload && $0.message.contains("refused") }
      let first = try #require(try await masterpool.status().proxy)
      kill(first.pid, SIGKILL)
      try await masterpool.status("another proxy") { status in
        status.proxy.map { $0.pid != first.pid } ?? false
      }
      #expect(try await request("GET", "/work", at: masterpool.address, tls: client).status == 200)
    }
  }

  private func expectRefusal(
    _ masterpool: Masterpool, _ why: String, _ how: Comment, _ act: () async throws -> Void
  ) async throws {
    try await act()
    try await masterpool.event("a refusal") {
      $0.kind == .reload && $0.message.contains("refused") && $0.message.contains(why)
    }
  }

  private func withSecured(_ body: (Masterpool, Certificates, _ scratch: String) async throws -> Void) async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      let certificates = try await Certificates.make(in: "\(scratch)/ca", clients: ["a.example", "b.example"])
      setup.certificates = certificates
      try await withMasterpool(setup) { try await body($0, certificates, scratch) }
    }
  }
}
