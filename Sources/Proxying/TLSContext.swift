import COpenSSL
import Glibc
import Pool

/// Where the content of the files that a configuration names is to be read: what was found when the configuration came
/// into force may have come along, and counts.
struct ReadableFiles {
  private let copies: [String: Int32]

  init(copies: [String: Int32]? = nil) { self.copies = copies ?? [:] }

  func place(of path: String) -> String { copies[path].map { "/proc/self/fd/\($0)" } ?? path }

  /// Nothing is read any more.
  func close() { for descriptor in copies.values { Glibc.close(descriptor) } }
}

/// One listener's keys, trust and rules, shared by the sessions of all loops: OpenSSL counts its references itself.
final class TLSContext: @unchecked Sendable {
  let pointer: OpaquePointer
  let memory: TLSMemory

  /// The first ends among the certificates and lists that it was made of, in seconds since 1970.
  private var ends: [Expiry.Kind: Int] = [:]

  deinit { SSL_CTX_free(pointer) }

  func expiries(of listener: ListenerConfiguration) -> [Expiry] {
    let files: [(Expiry.Kind, String?)] = [
      (.certificate, listener.tls?.certificate), (.clientCA, listener.tls?.clientCA),
      (.clientCRL, listener.tls?.clientCRL),
    ]
    return files.compactMap { kind, file in
      guard let file, let end = ends[kind] else { return nil }
      return Expiry(listener: listener.address.description, kind: kind, file: file, at: end)
    }
  }

  private func note(_ kind: Expiry.Kind, _ times: [UnsafePointer<ASN1_TIME>?]) {
    ends[kind] = times.compactMap(seconds).min()
  }

  init(_ configuration: TLSConfiguration, _ files: ReadableFiles = ReadableFiles()) throws(SetupFailure) {
    memory = TLSMemory(tickets: try TicketKeys(lifetime: configuration.sessionLifetime, at: .now()))
    guard let context = SSL_CTX_new_ex(LibraryContext.system, nil, TLS_server_method()) else {
      throw SetupFailure("OpenSSL: \(lastProblem())")
    }
    pointer = context
    try memory.attach(to: context)
    guard copenssl_set_minimum_tls12(context) == 1 else { throw SetupFailure("OpenSSL: \(lastProblem())") }
    copenssl_set_modes(context)
    copenssl_set_read_ahead(context)
    copenssl_refuse_passphrases(context)
    try useSessions(configuration.sessionLifetime)
    try useCertificate(configuration, files)
    try useVerification(configuration, files)
    copenssl_settle_chain(pointer)
  }

  /// Tickets carry the verified certificate with them.
  private func useSessions(_ lifetime: Duration) throws(SetupFailure) {
    copenssl_disable_session_cache(pointer)
    SSL_CTX_set_timeout(pointer, Int(clamping: max(1, lifetime.components.seconds)))
    let name = Array("masterpool".utf8)
    guard SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count)) == 1,
      SSL_CTX_set_num_tickets(pointer, 1) == 1
    else { throw SetupFailure("OpenSSL: \(lastProblem())") }
  }

  private func useCertificate(_ configuration: TLSConfiguration, _ files: ReadableFiles) throws(SetupFailure) {
    guard SSL_CTX_use_certificate_chain_file(pointer, files.place(of: configuration.certificate)) == 1 else {
      throw SetupFailure("certificate \(configuration.certificate): \(lastProblem(reading: "certificate"))")
    }
    guard SSL_CTX_use_PrivateKey_file(pointer, files.place(of: configuration.privateKey), SSL_FILETYPE_PEM) == 1
    else {
      let problem = lastProblem(reading: "key")
      // Of the values, or of the kind.
      throw problem.hasSuffix("mismatch")
        ? foreignKey(configuration) : SetupFailure("private_key \(configuration.privateKey): \(problem)")
    }
    note(.certificate, [X509_get0_notAfter(SSL_CTX_get0_certificate(pointer))])
    guard SSL_CTX_check_private_key(pointer) == 1 else { throw foreignKey(configuration) }
  }

  private func foreignKey(_ configuration: TLSConfiguration) -> SetupFailure {
    ERR_clear_error()
    return SetupFailure(
      "private_key \(configuration.privateKey) does not belong to certificate \(configuration.certificate)")
  }

  private func useVerification(_ configuration: TLSConfiguration, _ files: ReadableFiles) throws(SetupFailure) {
    switch configuration.verifyClient {
    case .none:
      SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
      return
    case .optional: SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
    case .required: SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }
    guard let authority = configuration.clientCA else {
      throw SetupFailure("verify_client is \(configuration.verifyClient.rawValue) and there is no client_ca")
    }
    let authorities = try readPEM(authority, files, "client_ca", nextCertificate)
    defer { authorities.forEach(X509_free) }
    guard !authorities.isEmpty else { throw SetupFailure("client_ca \(authority) holds no certificate") }
    let store = SSL_CTX_get_cert_store(pointer)
    for certificate in authorities {
      guard X509_STORE_add_cert(store, certificate) == 1, SSL_CTX_add_client_CA(pointer, certificate) == 1 else {
        throw SetupFailure("client_ca \(authority): \(lastProblem())")
      }
    }
    note(.clientCA, authorities.map(X509_get0_notAfter))
    if let list = configuration.clientCRL { try useRevocations(list, files, authorities) }
  }

  /// The leaf is checked always; the whole chain where every authority has a list in the file. An expired or missing
  /// list refuses everybody, as it should.
  private func useRevocations(
    _ path: String, _ files: ReadableFiles, _ authorities: [OpaquePointer]
  ) throws(SetupFailure) {
    let lists = try readPEM(path, files, "client_crl", nextRevocationList)
    defer { lists.forEach(X509_CRL_free) }
    guard !lists.isEmpty else { throw SetupFailure("client_crl \(path) holds no revocation list") }
    let store = SSL_CTX_get_cert_store(pointer)
    for list in lists where X509_STORE_add_crl(store, list) != 1 {
      throw SetupFailure("client_crl \(path): \(lastProblem())")
    }
    let coversAll = authorities.allSatisfy { authority in
      lists.contains { X509_NAME_cmp(X509_CRL_get_issuer($0), X509_get_subject_name(authority)) == 0 }
    }
    let flags = UInt(X509_V_FLAG_CRL_CHECK) | (coversAll ? UInt(X509_V_FLAG_CRL_CHECK_ALL) : 0)
    guard X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(pointer), flags) == 1 else {
      throw SetupFailure("OpenSSL: \(lastProblem())")
    }
    note(.clientCRL, lists.map(X509_CRL_get0_nextUpdate))
    for list in lists { memory.certificates.end(with: list) }
  }
}

// Loops verify by these, so they must know where they belong.

private func nextCertificate(_ file: OpaquePointer) -> OpaquePointer? {
  var certificate = X509_new_ex(LibraryContext.system, nil)
  if PEM_read_bio_X509(file, &certificate, nil, nil) != nil { return certificate }
  X509_free(certificate)
  return nil
}

private func nextRevocationList(_ file: OpaquePointer) -> OpaquePointer? {
  var list = X509_CRL_new_ex(LibraryContext.system, nil)
  if PEM_read_bio_X509_CRL(file, &list, nil, nil) != nil { return list }
  X509_CRL_free(list)
  return nil
}

/// All of a file's objects of one kind; other kinds are passed over.
private func readPEM(
  _ path: String, _ files: ReadableFiles, _ setting: String, _ next: (OpaquePointer) -> OpaquePointer?
) throws(SetupFailure) -> [OpaquePointer] {
  guard let file = BIO_new_file(files.place(of: path), "r") else {
    throw SetupFailure("\(setting) \(path): \(lastProblem())")
  }
  defer { BIO_free(file) }
  var found: [OpaquePointer] = []
  while let object = next(file) { found.append(object) }
  guard copenssl_is_pem_end(ERR_peek_last_error()) == 1 else {
    throw SetupFailure("\(setting) \(path): \(lastProblem())")
  }
  ERR_clear_error()
  return found
}

/// The same, where a file was to hold `what`: that it does not, OpenSSL says in words of its own.
private func lastProblem(reading what: String) -> String {
  let problem = lastProblem()
  return ["no start line", "unsupported"].contains(problem) ? "holds no \(what) in PEM" : problem
}

/// OpenSSL's last word in this thread, in words; its queue is empty afterwards.
func lastProblem() -> String {
  defer { ERR_clear_error() }
  var code = ERR_peek_error()
  guard code != 0 else { return errno == 0 ? "unknown problem" : Socket.explain(errno) }
  // A file that cannot be opened is told by the system's reason, which comes first.
  var buffer = [CChar](repeating: 0, count: 256)
  code = ERR_peek_error()
  guard let reason = ERR_reason_error_string(code) else {
    ERR_error_string_n(code, &buffer, buffer.count)
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
  return String(cString: reason)
}
