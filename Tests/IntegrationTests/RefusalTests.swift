import Foundation
import Pool
import TestSupport
import Testing

/// What must never reach a worker, played against the whole program.
@Suite struct RefusalTests {
  /// Every file of the corpus of invalid requests, over TLS, and none was seen by a worker.
  @Test func noInvalidRequestReachesAWorker() async throws {
    try await withGuarded { masterpool, certificates, journal in
      let corpus = try InvalidRequest.corpus()
      #expect(corpus.count > 20)
      let client = try certificates.client("a.example")
      for invalid in corpus {
        let answer = try await exchange(invalid.bytes, at: masterpool.address, tls: client)
        if let status = invalid.status {
          #expect(answer.status == status, "\(invalid.name): \(answer.text.prefix(300))")
        } else {
          #expect((400...505).contains(answer.status ?? 0), "\(invalid.name): \(answer.text.prefix(300))")
        }
        #expect(answer.closed || answer.failure != .timedOut, "\(invalid.name): the connection stays open")
      }
      #expect(text(ofFile: journal) ?? "" == "", "a worker saw something")
      #expect(try await request("GET", "/work", at: masterpool.address, tls: client).status == 200)
    }
  }

  @Test func onlyCertificatesOfTheOwnAuthorityThatAreNotRevokedGetIn() async throws {
    try await withGuarded { masterpool, certificates, journal in
      for intruder in [
        try certificates.client(nil), try certificates.stranger("a.example"),
        try certificates.client(Certificates.revokedName),
      ] {
        await #expect(throws: (any Error).self) {
          try await request("GET", "/work", at: masterpool.address, tls: intruder)
        }
      }
      #expect(text(ofFile: journal) ?? "" == "")
      let own = try certificates.client("a.example")
      #expect(try await request("GET", "/work", at: masterpool.address, tls: own).status == 200)
    }
  }

  @Test func anOptionalCertificateIsStillVerifiedWhereOneIsShown() async throws {
    try await withGuarded(verify: "optional") { masterpool, certificates, _ in
      let nobody = try await request("GET", "/work", at: masterpool.address, tls: certificates.client(nil))
      #expect(nobody.status == 403, "no certificate, no authenticated route")
      for intruder in [try certificates.stranger("a.example"), try certificates.client(Certificates.revokedName)] {
        let answer = try? await request("GET", "/work", at: masterpool.address, tls: intruder)
        #expect(answer == nil || answer?.status == 403, "refused in the handshake or by 403")
      }
    }
  }

  @Test func aSpoofedIdentityIsReplacedByTheVerifiedOne() async throws {
    try await withGuarded { masterpool, certificates, _ in
      let spoofs = [
        ("X-Client-DN", "CN=b.example"), ("x_client_dn", "CN=b.example"), ("X-Client_DN", "CN=b.example"),
        ("X-Client-Verify", "SUCCESS"), ("X_CLIENT_VERIFY", "SUCCESS"), ("X-Client-Cert", "b.example"),
        ("X-Forwarded-For", "b.example"), ("X-Real-IP", "b.example"), ("x_real_ip", "b.example"),
        ("Forwarded", "for=b.example"), ("X-SSL-Client-DN", "CN=b.example"), ("X.Client.DN", "CN=b.example"),
      ]
      let response = try await request(
        "GET", "/echo", headers: spoofs, at: masterpool.address, tls: certificates.client("a.example"))
      #expect(response.status == 200)
      #expect(!response.text.contains("b.example"), "\(response.text)")
      #expect(response.text.contains("[\"X-Client-Verify\",\"SUCCESS\"]"), "\(response.text)")
      #expect(response.text.contains("CN=a.example"), "\(response.text)")
      #expect(response.text.contains("[\"X-Real-IP\",\"127.0.0.1\"]"), "\(response.text)")
      #expect(response.text.contains("[\"X-Forwarded-For\",\"127.0.0.1\"]"), "\(response.text)")
    }
  }

  @Test(arguments: [
    ("/puppet/v3/catalog/a.example?environment=production", 200),
    ("/puppet/v3/catalog/b.example?environment=production", 403),
    ("/puppet/v3/catalog/%62.example", 403), ("/puppet/v3/catalog/a.example/x", 403), ("/puppet/v3/catalog/", 403),
    ("/puppet/v3/catalog/b.example/../a.example", 400), ("/puppet/v3/catalog//a.example", 400),
    ("/puppet/v3%2fcatalog/a.example", 400), ("/puppet/v3/catalog/a.example%00", 400), ("/other", 403),
  ])
  func aNodeGetsItsOwnCatalogOnly(target: String, status: Int) async throws {
    try await withGuarded { masterpool, certificates, journal in
      let response = try await request(
        "POST", target, body: Array("facts".utf8), at: masterpool.address, tls: certificates.client("a.example"))
      #expect(response.status == status, "\(response.text)")
      #expect((text(ofFile: journal) ?? "").isEmpty == (status != 200))
    }
  }

  private func withGuarded(
    verify: String = "required", _ body: (Masterpool, Certificates, _ journal: String) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { scratch in
      var setup = Setup()
      setup.certificates = try await Certificates.make(in: scratch, clients: ["a.example", "b.example"])
      setup.verifyClient = verify
      setup.stubOptions = ["--journal", "\(scratch)/journal"]
      setup.routes = [
        "{path: \"/puppet/v3/catalog/{certname}\", allow: self, pool: stubs}",
        "{path: /work, allow: authenticated, pool: stubs}", "{path: /echo, allow: authenticated, pool: stubs}",
      ]
      let certificates = try #require(setup.certificates)
      try await withMasterpool(setup) { try await body($0, certificates, "\(scratch)/journal") }
    }
  }
}

/// One file of HTTPWireTests' corpus of invalid requests: `NAME.req`, or `STATUS-NAME.req` where the status is fixed.
private struct InvalidRequest {
  var name: String
  var bytes: [UInt8]
  var status: Int?

  static func corpus() throws -> [InvalidRequest] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let folder = tests.appendingPathComponent("HTTPWireTests/Corpus/requests/invalid").path
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().compactMap { name in
      guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else { return nil }
      return InvalidRequest(
        name: name, bytes: Array(data), status: name.split(separator: "-").first.flatMap { Int($0) })
    }
  }
}
