import COpenSSL
import Glibc

/// One connection's TLS state: OpenSSL's SSL object, which must be freed once.
struct TLSSession: BitwiseCopyable {
  let pointer: OpaquePointer

  enum Handshake {
    case done
    case wantsInput
    case wantsOutput
    case failed(String)
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
    default: return .failed(reason)
    }
  }

  /// Why the certificate did not pass, if that was it.
  private var reason: String {
    let verdict = SSL_get_verify_result(pointer)
    guard verdict != Int(X509_V_OK) else { return lastProblem() }
    ERR_clear_error()
    return String(cString: X509_verify_cert_error_string(verdict))
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

  // What was agreed on, as static texts.
  var version: UnsafePointer<CChar>? { SSL_get_version(pointer) }
  var cipher: UnsafePointer<CChar>? { SSL_get_current_cipher(pointer).flatMap { SSL_CIPHER_get_name($0) } }
  var isResumed: Bool { SSL_session_reused(pointer) == 1 }

  static func release(_ certificate: OpaquePointer) { X509_free(certificate) }
}
