import TestSupport
import Testing

/// What Puppet's own auth.conf would have seen to, at the front.
@Suite struct AccessTests {
  static let me = "web-1.demo"
  static let other = "db-1.demo"

  @Test func aNodeSeesItselfAlone() async throws {
    try await withPuppetSite { site, masterpool in
      let asked = Asker(tls: try site.certificates.client(Self.me), at: masterpool.address)
      try await expect(asked, "GET", "/puppet/v3/node/\(Self.me)", 200)
      try await expect(asked, "GET", "/puppet/v3/node/\(Self.other)", 403)
      try await expect(asked, "POST", "/puppet/v3/catalog/\(Self.other)", 403)
      try await expect(asked, "GET", "/puppet/v3/catalog/%64b-1.demo", 403)
      try await expect(asked, "PUT", "/puppet/v3/report/\(Self.other)", 403)
      try await expect(asked, "PUT", "/puppet/v3/facts/\(Self.other)", 403)
      try await expect(asked, "GET", "/puppet/v3/file_metadata/modules/motd/issue.net", 200)
      try await expect(asked, "GET", "/puppet/v3/status/x", 403)
      try await expect(asked, "GET", "/status", 403)
    }
  }

  static let spoofed = [
    [("X-Client-Verify", "SUCCESS"), ("X-Client-DN", "CN=db-1.demo")],
    [("X_Client_Verify", "SUCCESS"), ("X_Client_DN", "CN=db-1.demo")],
    [("x-client_verify", "SUCCESS"), ("X-CLIENT-DN", "CN=db-1.demo"), ("X-Client-Cert", "none")],
  ]

  @Test func whatAnAgentSaysOfItselfHasNoEffect() async throws {
    try await withPuppetSite { site, masterpool in
      for headers in Self.spoofed {
        let mine = Asker(tls: try site.certificates.client(Self.me), at: masterpool.address, headers: headers)
        let node = try await mine.ask("GET", "/puppet/v3/node/\(Self.me)")
        #expect(node.status == 200 && node.text.contains(Self.me) && !node.text.contains(Self.other))
        try await expect(mine, "GET", "/puppet/v3/node/\(Self.other)", 403)
        let nobody = Asker(tls: try site.certificates.client(nil), at: masterpool.address, headers: headers)
        try await expect(nobody, "GET", "/puppet/v3/node/\(Self.other)", 403)
        try await expect(nobody, "GET", "/puppet/v3/file_metadata/modules/motd/issue.net", 403)
      }
    }
  }

  @Test func foreignAndRevokedCertificatesGetNothing() async throws {
    try await withPuppetSite { site, masterpool in
      let revoked = try site.certificates.client(Certificates.revokedName)
      for tls in [try site.certificates.stranger(Self.me), revoked] {
        let asked = Asker(tls: tls, at: masterpool.address)
        // Refused in the handshake or by the first answer: both are a no.
        let status = try? await asked.ask("GET", "/puppet/v3/node/\(Self.me)").status
        #expect(status == nil || status == 403)
      }
      let mine = Asker(tls: try site.certificates.client(Self.me), at: masterpool.address)
      try await expect(mine, "GET", "/puppet/v3/node/\(Self.me)", 200)
    }
  }

  private func expect(_ asked: Asker, _ method: String, _ path: String, _ status: Int) async throws {
    let response = try await asked.ask(method, path)
    #expect(response.status == status, "\(method) \(path): \(response.text)")
  }
}

/// Somebody who asks the front.
struct Asker: Sendable {
  let tls: TLSClient
  let at: Address
  var headers: [(String, String)] = []

  func ask(_ method: String, _ path: String) async throws -> HTTPResponse {
    try await request(
      method, "\(path)?environment=production", headers: [("Accept", "application/json")] + headers, at: at, tls: tls,
      within: .seconds(60))
  }
}
