import Foundation

/// Over what is there, at once.
public func move(_ path: String, to place: String) throws {
  guard rename(path, place) == 0 else { throw SystemFailure("rename \(path)") }
}

/// A CA of a test's own, made by the openssl command: a server certificate for localhost, client certificates, one of
/// which is revoked, and a stranger's CA with a client of the same name. EC keys, since they are made in no time.
public struct Certificates: Sendable {
  public static let revokedName = "revoked.example"
  public let folder: String

  public var ca: String { "\(folder)/ca.pem" }
  public var crl: String { "\(folder)/crl.pem" }
  public var serverCertificate: String { "\(folder)/server.pem" }
  public var serverKey: String { "\(folder)/server.key" }

  /// A certificate and its key in one file, as HAProxy wants it; `server`, or a client's name.
  public func bundle(_ name: String) throws -> String {
    let file = "\(folder)/\(name).both.pem"
    let parts = try ["pem", "key"].map { try String(contentsOfFile: "\(folder)/\(name).\($0)", encoding: .utf8) }
    try parts.joined().write(toFile: file)
    return file
  }

  /// A client that trusts the server and shows the certificate of `name`; nil: shows none.
  public func client(_ name: String?) throws -> TLSClient {
    guard let name else { return try TLSClient(ca: ca) }
    return try TLSClient(ca: ca, certificate: "\(folder)/\(name).pem", key: "\(folder)/\(name).key")
  }

  /// A client of that name with a certificate of a CA that the server does not know.
  public func stranger(_ name: String) throws -> TLSClient {
    try TLSClient(ca: ca, certificate: "\(folder)/foreign/\(name).pem", key: "\(folder)/foreign/\(name).key")
  }

  public static func make(in folder: String, clients: [String]) async throws -> Certificates {
    let foreign = "\(folder)/foreign"
    try FileManager.default.createDirectory(atPath: foreign, withIntermediateDirectories: true)
    for (place, name) in [(folder, "Test CA"), (foreign, "Foreign CA")] {
      try await makeAuthority(named: name, in: place)
    }
    try await issue("server", in: folder, names: "DNS:localhost,DNS:puppet,IP:127.0.0.1")
    for client in clients {
      try await issue(client, in: folder, names: "DNS:\(client)")
      try await issue(client, in: foreign, names: "DNS:\(client)")
    }
    try await issue(revokedName, in: folder, names: "DNS:\(revokedName)")
    try await openssl(["ca", "-config", "ca.conf", "-revoke", "\(revokedName).pem"], in: folder)
    try await openssl(["ca", "-config", "ca.conf", "-gencrl", "-out", "crl.pem"], in: folder)
    return Certificates(folder: folder)
  }

  /// The revocation list names it too from now on. Written beside and moved into place, as a careful tool does.
  public func revoke(_ name: String) async throws {
    try await Self.openssl(["ca", "-config", "ca.conf", "-revoke", "\(name).pem"], in: folder)
    try await Self.openssl(["ca", "-config", "ca.conf", "-gencrl", "-out", "crl.new"], in: folder)
    try move("\(folder)/crl.new", to: crl)
  }

  private static func makeAuthority(named name: String, in folder: String) async throws {
    try """
    [ca]
    default_ca = here
    [here]
    dir = \(folder)
    database = \(folder)/index.txt
    new_certs_dir = \(folder)
    serial = \(folder)/serial
    certificate = \(folder)/ca.pem
    private_key = \(folder)/ca.key
    default_md = sha256
    default_days = 30
    default_crl_days = 30
    policy = anything
    copy_extensions = copy
    unique_subject = no
    x509_extensions = leaf
    crl_extensions = crl
    [anything]
    commonName = supplied
    [leaf]
    basicConstraints = critical,CA:FALSE
    extendedKeyUsage = serverAuth,clientAuth
    authorityKeyIdentifier = keyid
    [crl]
    authorityKeyIdentifier = keyid
    [req]
    distinguished_name = name
    [name]
    [authority]
    basicConstraints = critical,CA:TRUE
    keyUsage = critical,keyCertSign,cRLSign
    subjectKeyIdentifier = hash
    """.write(toFile: "\(folder)/ca.conf")
    try "".write(toFile: "\(folder)/index.txt")
    try "1000\n".write(toFile: "\(folder)/serial")
    try await openssl(
      [
        "req", "-x509", "-config", "ca.conf", "-extensions", "authority", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=\(name)", "-days",
        "30",
      ], in: folder)
  }

  private static func issue(_ name: String, in folder: String, names: String) async throws {
    try await openssl(
      [
        "req", "-new", "-config", "ca.conf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "\(name).key", "-out", "\(name).csr", "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(names)",
      ], in: folder)
    try await openssl(
      ["ca", "-config", "ca.conf", "-batch", "-notext", "-in", "\(name).csr", "-out", "\(name).pem"], in: folder)
  }

  private static func openssl(_ arguments: [String], in folder: String) async throws {
    let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
    let result = try await run("/bin/sh", ["-c", "umask 077; cd '\(folder)' && exec openssl \(quoted)"])
    guard result.status == .exited(0) else {
      throw OpensslFailure(description: "openssl \(quoted): \(result.errors)")
    }
  }

  struct OpensslFailure: Error, CustomStringConvertible { let description: String }
}
