import FoundationEssentials
import SwiftASN1
import X509

/// The certificates as Puppet's agents check them (RFC 5280 section 4.2).
enum CertificateForms {
  /// A day back, as Puppet does: a node's clock may be behind.
  static let backdated: TimeInterval = 86_400

  static func authority(
    name: String, key: SigningKey, serial: UInt64, notBefore: Date, notAfter: Date
  ) throws -> Certificate {
    let subject = try DistinguishedName { CommonName(name) }
    return try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(serial), publicKey: key.key.publicKey,
      notValidBefore: notBefore, notValidAfter: notAfter, issuer: subject, subject: subject,
      signatureAlgorithm: key.kind.signatureAlgorithm,
      extensions: Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        Critical(KeyUsage(keyCertSign: true, cRLSign: true))
        SubjectKeyIdentifier(hash: key.key.publicKey)
      },
      issuerPrivateKey: key.key)
  }

  /// For a server and an agent alike: a Puppet node may be either.
  static func node(
    alternatives: [AlternativeName], publicKey: Certificate.PublicKey, entry: Inventory.Entry, issuer: Issuer
  ) throws -> Certificate {
    try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(entry.serial), publicKey: publicKey,
      notValidBefore: entry.notBefore, notValidAfter: entry.notAfter, issuer: issuer.certificate.subject,
      subject: DistinguishedName { CommonName(entry.name.text) }, signatureAlgorithm: issuer.kind.signatureAlgorithm,
      extensions: Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true, keyEncipherment: true))
        Critical(try ExtendedKeyUsage([.serverAuth, .clientAuth]))
        SubjectKeyIdentifier(hash: publicKey)
        AuthorityKeyIdentifier(keyIdentifier: try issuer.keyIdentifier())
        SubjectAlternativeNames(names(of: entry.name, alternatives))
      },
      issuerPrivateKey: issuer.key)
  }

  /// The node's own name first, each once.
  private static func names(of name: Certname, _ alternatives: [AlternativeName]) -> [GeneralName] {
    var seen: Set<AlternativeName> = [.dns(name.text)]
    return [.dnsName(name.text)]
      + alternatives.filter { seen.insert($0).inserted }.map { alternative in
        switch alternative {
        case .dns(let name): .dnsName(name)
        case .address(let bytes, _): .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
        }
      }
  }
}

/// The authority's certificate with its key: what signs.
struct Issuer {
  let certificate: Certificate
  let key: Certificate.PrivateKey
  let kind: KeyKind

  /// Both texts in PEM; they must belong to each other.
  init(certificatePEM: String, keyPEM: String, folder: AuthorityFolder) throws {
    func damaged(_ name: String, _ error: any Error) -> AuthorityFailure {
      .notAnAuthority("\(folder.absolute(name)) cannot be used: \(error)")
    }
    do { certificate = try Certificate(pemEncoded: certificatePEM) } catch {
      throw damaged(AuthorityFolder.certificate, error)
    }
    do { key = try Certificate.PrivateKey(pemEncoded: keyPEM) } catch { throw damaged(AuthorityFolder.key, error) }
    guard key.publicKey == certificate.publicKey else {
      throw AuthorityFailure.notAnAuthority(
        "\(folder.absolute(AuthorityFolder.key)) is not the key of \(folder.absolute(AuthorityFolder.certificate))")
    }
    guard let kind = KeyKind(of: certificate.publicKey) else {
      throw AuthorityFailure.notAnAuthority(
        "\(folder.absolute(AuthorityFolder.certificate)) has a key of a kind that is not supported; supported: "
          + KeyKind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.kind = kind
  }

  init(certificate: Certificate, key: SigningKey) {
    self.certificate = certificate
    self.key = key.key
    kind = key.kind
  }

  /// What the authority's own certificate says of its key.
  func keyIdentifier() throws -> ArraySlice<UInt8> {
    try certificate.extensions.subjectKeyIdentifier?.keyIdentifier
      ?? SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier
  }
}
