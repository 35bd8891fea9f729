import Foundation
import Testing

@testable import Authority

@Suite struct AuthorityTests {
  @Test(arguments: [KeyKind.p256, .rsa2048])
  func opensslAcceptsWhatIsIssuedAndRefusesWhatIsRevoked(kind: KeyKind) throws {
    try withAuthority(kind) { authority, path in
      let agent = try authority.issue(named: "agent1.example")
      let verify = ["openssl", "verify", "-crl_check", "-x509_strict", "-CAfile", "\(path)/ca.pem"]
      func check(_ purpose: String) throws -> Output {
        try tool(
          verify[0], verify[1], verify[2], verify[3], verify[4], verify[5], "-CRLfile", "\(path)/crl.pem",
          "-purpose", purpose, agent.certificatePath)
      }
      for purpose in ["sslserver", "sslclient"] {
        let good = try check(purpose)
        #expect(good.status == 0, "\(good.text)")
      }
      #expect(try authority.revoke(Certname("agent1.example")) == .now(serials: [2]))
      let bad = try check("sslclient")
      #expect(bad.status != 0)
      #expect(bad.text.contains("certificate revoked"))
    }
  }

  @Test func certificatesSayWhatPuppetChecks() throws {
    try withAuthority(.rsa2048) { authority, path in
      let root = try tool("openssl", "x509", "-noout", "-text", "-in", "\(path)/ca.pem").text
      #expect(root.contains("Subject: CN = Puppet CA: test"))
      #expect(root.contains("X509v3 Basic Constraints: critical\n                CA:TRUE"))
      #expect(root.contains("X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign"))
      #expect(root.contains("X509v3 Subject Key Identifier:"))

      let server = try authority.issue(
        named: "puppet.example", dns: ["puppet", "puppet.example", "*.lab.example", "127.0.0.1", "2001:db8::1"])
      let node = try tool("openssl", "x509", "-noout", "-text", "-in", server.certificatePath).text
      #expect(node.contains("Version: 3"))
      #expect(node.contains("Issuer: CN = Puppet CA: test"))
      #expect(node.contains("Subject: CN = puppet.example\n"))
      #expect(node.contains("Signature Algorithm: sha256WithRSAEncryption"))
      #expect(node.contains("X509v3 Basic Constraints: critical\n                CA:FALSE"))
      #expect(node.contains("X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment"))
      #expect(
        node.contains(
          "X509v3 Extended Key Usage: critical\n                TLS Web Server Authentication, TLS Web Client "
            + "Authentication"))
      #expect(node.contains("X509v3 Subject Key Identifier:"))
      #expect(node.contains("X509v3 Authority Key Identifier:"))
      #expect(
        node.contains(
          "DNS:puppet.example, DNS:puppet, DNS:*.lab.example, IP Address:127.0.0.1, "
            + "IP Address:2001:DB8:0:0:0:0:0:1\n"))
    }
  }

  @Test func theListCarriesNumberKeyAndDates() throws {
    try withAuthority { authority, path in
      func list() throws -> String {
        try tool("openssl", "crl", "-noout", "-text", "-CAfile", "\(path)/ca.pem", "-in", "\(path)/crl.pem").text
      }
      let empty = try list()
      #expect(empty.contains("verify OK"))
      #expect(empty.contains("Version 2 (0x1)"))
      #expect(empty.contains("No Revoked Certificates"))
      #expect(empty.contains("X509v3 CRL Number: \n                0"))
      #expect(empty.contains("X509v3 Authority Key Identifier"))

      for name in ["a", "b", "c"] { try authority.issue(named: name) }
      _ = try authority.revoke(Certname("b"))
      _ = try authority.revoke(Certname("a"))
      let two = try list()
      #expect(two.contains("verify OK"))
      #expect(two.contains("Serial Number: 02"))
      #expect(two.contains("Serial Number: 03"))
      #expect(!two.contains("Serial Number: 04"))
    }
  }

  @Test func keysAreForTheirOwnerAlone() throws {
    try withAuthority { authority, path in
      let issued = try authority.issue(named: "agent1.example")
      #expect(try mode("\(path)/ca.key") == 0o600)
      #expect(try mode(issued.keyPath) == 0o600)
      #expect(try mode("\(path)/keys") == 0o700)
      #expect(try mode("\(path)/superseded") == 0o700)
      for readable in ["ca.pem", "crl.pem", "serial", "inventory", "certs/agent1.example.pem"] {
        #expect(try mode("\(path)/\(readable)") == 0o644, "\(readable)")
      }
      let files = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
      #expect(
        files == [
          "ca.key", "ca.pem", "certs", "certs/agent1.example.pem", "crl.pem", "inventory", "keys",
          "keys/agent1.example.key", "lock", "serial", "superseded",
        ])
    }
  }

  @Test func initializingOverwritesNothing() throws {
    try withFolder { folder in
      let path = "\(folder)/new/ca"
      try Authority.initialize(at: path, name: "One", key: .p256)
      let before = try text("\(path)/ca.pem")
      #expect(throws: AuthorityFailure.self) { try Authority.initialize(at: path, name: "Two", key: .p256) }
      #expect(try text("\(path)/ca.pem") == before)

      let other = "\(folder)/other"
      try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
      try "mine".write(toFile: "\(other)/notes", atomically: false, encoding: .utf8)
      let failure = #expect(throws: AuthorityFailure.self) {
        try Authority.initialize(at: other, name: "Two", key: .p256)
      }
      #expect(failure?.description.contains("is not empty") == true)
      #expect(try FileManager.default.subpathsOfDirectory(atPath: other) == ["notes"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["new", "other"])
    }
  }

  @Test func anEmptyFolderWillDo() throws {
    try withFolder { folder in
      try Authority.initialize(at: folder, name: "One", key: .p256)
      _ = try Authority(at: folder)
    }
  }

  @Test func oneNameHasOneGoodCertificate() throws {
    try withAuthority { authority, path in
      let first = try authority.issue(named: "web1")
      let pem = try text(first.certificatePath)
      let key = try text(first.keyPath)
      let failure = #expect(throws: AuthorityFailure.self) { try authority.issue(named: "web1") }
      #expect(failure?.description.contains("masterpool ca revoke web1") == true)
      #expect(try text(first.certificatePath) == pem)
      #expect(try text("\(path)/serial") == "0x0003\n")

      _ = try authority.revoke(Certname("web1"))
      #expect(try text(first.certificatePath) == pem)
      let second = try authority.issue(named: "web1")
      #expect(second.serial == 3)
      #expect(try text(second.certificatePath) != pem)
      #expect(try text("\(path)/superseded/web1-before-0x0003.pem") == pem)
      #expect(try text("\(path)/superseded/web1-before-0x0003.key") == key)
    }
  }

  @Test func aForeignFileUnderTheNameIsLeftAlone() throws {
    try withAuthority { authority, path in
      try "mine".write(toFile: "\(path)/keys/web1.key", atomically: false, encoding: .utf8)
      #expect(throws: AuthorityFailure.self) { try authority.issue(named: "web1") }
      #expect(try text("\(path)/keys/web1.key") == "mine")
      #expect(try text("\(path)/inventory") == "")
    }
  }

  @Test func anExpiredCertificateMakesRoom() throws {
    try withAuthority { authority, _ in
      let now = Date()
      try authority.issue(named: "web1", days: 1, now: now)
      let later = now.addingTimeInterval(2 * 86_400)
      #expect(try authority.contents(now: later).certificates.map(\.status) == [.expired])
      #expect(try authority.issue(named: "web1", now: later).serial == 3)
    }
  }

  @Test func aNodeDoesNotOutliveItsAuthority() throws {
    try withFolder { folder in
      let authority = try Authority.initialize(at: "\(folder)/ca", name: "Short", key: .p256, days: 10)
      let issued = try authority.issue(named: "web1", days: 20)
      #expect(issued.notes.count == 1)
      #expect(Inventory.stamp(issued.notAfter) == (try authority.contents().notAfter))
      let late = Date().addingTimeInterval(11 * 86_400)
      #expect(throws: AuthorityFailure.self) { try authority.issue(named: "web2", now: late) }
    }
  }

  @Test func twoAtOnceGetSerialsOfTheirOwn() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("authority-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Authority.initialize(at: folder, name: "Busy", key: .p256)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        group.addTask { try Authority(at: folder).issue(named: "node\(number)") }
      }
      try await group.waitForAll()
    }
    let serials = try Authority(at: folder).contents().certificates.map(\.serial)
    let expected = (2...9).map { Inventory.hex($0) }
    #expect(serials == expected)
  }

  @Test func aForeignKeyIsNotSignedWith() throws {
    try withFolder { folder in
      let one = try Authority.initialize(at: "\(folder)/one", name: "One", key: .p256)
      try Authority.initialize(at: "\(folder)/two", name: "Two", key: .p256)
      try FileManager.default.removeItem(atPath: "\(folder)/one/ca.key")
      try FileManager.default.copyItem(atPath: "\(folder)/two/ca.key", toPath: "\(folder)/one/ca.key")
      let failure = #expect(throws: AuthorityFailure.self) { try one.issue(named: "web1") }
      #expect(failure?.description.contains("is not the key of") == true)
    }
  }

  @Test(arguments: [0, -1, Authority.maxDays + 1, Int.max])
  func daysHaveBounds(days: Int) throws {
    try withAuthority { authority, _ in
      #expect(throws: AuthorityFailure.self) { try authority.issue(named: "web1", days: days) }
    }
  }

  @Test func aFolderWithoutAuthoritySaysHowToMakeOne() throws {
    try withFolder { folder in
      let failure = #expect(throws: AuthorityFailure.self) { try Authority(at: folder) }
      #expect(failure?.description.contains("masterpool ca init --dir \(folder)") == true)
    }
  }

  /// Debian's puppet-agent reads all of them through this Ruby.
  @Test(arguments: [KeyKind.p256, .rsa2048])
  func rubyLoadsKeyCertificateAndList(kind: KeyKind) throws {
    try withAuthority(kind) { authority, path in
      let issued = try authority.issue(named: "agent1.example", key: kind)
      _ = try authority.issue(named: "agent2.example")
      _ = try authority.revoke(Certname("agent2.example"))
      let script = """
        require 'openssl'
        ca, crl, cert, key = ARGV.map { |f| File.read(f) }
        ca, crl, cert = OpenSSL::X509::Certificate.new(ca), OpenSSL::X509::CRL.new(crl), OpenSSL::X509::Certificate.new(cert)
        key = OpenSSL::PKey.read(key)
        store = OpenSSL::X509::Store.new
        store.add_cert(ca); store.add_crl(crl)
        store.flags = OpenSSL::X509::V_FLAG_CRL_CHECK | OpenSSL::X509::V_FLAG_CRL_CHECK_ALL
        ok = cert.check_private_key(key) && crl.verify(ca.public_key) && store.verify(cert) && crl.revoked.size == 1
        puts ok ? 'good' : store.error_string
        """
      let output = try tool(
        "ruby", "-e", script, "\(path)/ca.pem", "\(path)/crl.pem", issued.certificatePath, issued.keyPath)
      #expect(output.text == "good\n")
    }
  }
}
