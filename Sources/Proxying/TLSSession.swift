import COpenSSL
import Glibc
import Pool

/// One connection's TLS state: OpenSSL's SSL object, which must be freed once.
struct TLSSession: BitwiseCopyable {
  let pointer: OpaquePointer

  enum Handshake {
    case done
    case wantsInput
    case wantsOutput
    case failed(TLSCounters.Failure, String)
  }

  /// Nil when out of memory.
  init?(_ context: TLSContext, descriptor: Int32) {
    guard let ssl = SSL_new(context.pointer) else { return nil }
    guard SSL_set_fd(ssl, descriptor) == 1 else {
      SSL_free(ssl)
      return nil
    }
    SSL_set_accept_state(ssl)
    pointer = ssl
  }

  func handshake() -> Handshake {
    ERR_clear_error()
    let result = SSL_accept(pointer)
    if result == 1 { return .done }
    switch SSL_get_error(pointer, result) {
    case SSL_ERROR_WANT_READ: return .wantsInput
    case SSL_ERROR_WANT_WRITE: return .wantsOutput
    default: return failure
    }
  }

  /// Why the certificate did not pass, if that was it.
  private var failure: Handshake {
    let verdict = SSL_get_verify_result(pointer)
    guard verdict == Int(X509_V_OK) else {
      ERR_clear_error()
      return .failed(TLSCounters.Failure(verdict: verdict), String(cString: X509_verify_cert_error_string(verdict)))
    }
    let cause = TLSCounters.Failure(error: ERR_peek_error())
    return .failed(cause, lastProblem())
  }

  func receive(into room: UnsafeMutableBufferPointer<UInt8>) -> Transfer {
    ERR_clear_error()
    let count = SSL_read(pointer, room.baseAddress, Int32(clamping: room.count))
    return count > 0 ? .moved(Int(count)) : outcome(count)
  }

  /// Bytes that were read from the socket wait here, decrypted or not.
  var hasPending: Bool { SSL_has_pending(pointer) == 1 }

  /// A read that started with nothing pending and ended so, with less than this, left nothing in the socket: OpenSSL
  /// asks for a whole record of the largest kind each time.
  static let shortRead = 15 << 10

  func send(_ bytes: UnsafeBufferPointer<UInt8>) -> Transfer {
    guard !bytes.isEmpty else { return .moved(0) }
    ERR_clear_error()
    let count = SSL_write(pointer, bytes.baseAddress, Int32(clamping: bytes.count))
    return count > 0 ? .moved(Int(count)) : outcome(count)
  }

  private func outcome(_ result: Int32) -> Transfer {
    switch SSL_get_error(pointer, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: .later
    case SSL_ERROR_ZERO_RETURN: .ended
    case SSL_ERROR_SYSCALL: .failed(errno == 0 ? ECONNRESET : errno)
    default: .failed(EPROTO)
    }
  }

  /// Tells the agent that nothing more comes, so that it can tell an end from a cut.
  func sayGoodbye() {
    ERR_clear_error()
    SSL_shutdown(pointer)
    ERR_clear_error()
  }

  func free() { SSL_free(pointer) }

  /// The certificate that passed verification, now or in the session that this one resumes; to be freed.
  var verifiedCertificate: OpaquePointer? {
    guard SSL_get_verify_result(pointer) == Int(X509_V_OK) else { return nil }
    return SSL_get1_peer_certificate(pointer)
  }

  /// The same as long as the session lives; not to be freed.
  var certificate: OpaquePointer? { SSL_get0_peer_certificate(pointer) }

  // What was agreed on, as static texts.
  var version: UnsafePointer<CChar>? { SSL_get_version(pointer) }
  var cipher: UnsafePointer<CChar>? { SSL_get_current_cipher(pointer).flatMap { SSL_CIPHER_get_name($0) } }
  var isResumed: Bool { SSL_session_reused(pointer) == 1 }

  static func release(_ certificate: OpaquePointer) { X509_free(certificate) }
}

extension TLSCounters.Failure {
  /// By what verification said of the agent's certificate, X509_STORE_CTX_get_error(3).
  fileprivate init(verdict: Int) {
    switch Int32(truncatingIfNeeded: verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: self = .expired
    case X509_V_ERR_CERT_REVOKED: self = .revoked
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE:
      self = .unknownCA
    case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID,
      X509_V_ERR_CRL_SIGNATURE_FAILURE:
      self = .revocationList
    default: self = .other
    }
  }

  /// By OpenSSL's first word; 0: it has none, since the socket failed or ended.
  fileprivate init(error: UInt) {
    guard error != 0 else {
      self = .closed
      return
    }
    switch copenssl_ssl_reason(error) {
    case 0: self = .other
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: self = .noCertificate
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: self = .closed
    case copenssl_first_alert...: self = .refusedByAgent
    default: self = .protocol
    }
  }
}
