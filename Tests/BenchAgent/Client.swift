import COpenSSL
import Glibc

/// The agents' side of TLS, the same for all of them.
final class Client {
  struct Failure: Error, CustomStringConvertible { var description: String }

  private let context: OpaquePointer

  init(certificate: String?, key: String?, isTLS13: Bool) throws {
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw Failure(description: "no TLS context") }
    self.context = context
    let version = isTLS13 ? TLS1_3_VERSION : TLS1_2_VERSION
    // The server's certificate is not what is measured.
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
    guard copenssl_set_version(context, version) == 1 else { throw Failure(description: "no TLS \(version)") }
    copenssl_keep_client_sessions(context) { ssl, session in
      guard let ssl, let slot = SSL_get_ex_data(ssl, 0)?.assumingMemoryBound(to: Slot.self) else { return 0 }
      if let old = slot.pointee.session { SSL_SESSION_free(old) }
      slot.pointee.session = session
      return 1
    }
    guard let certificate, let key else { return }
    guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
    else { throw Failure(description: "\(certificate) or \(key) is of no use") }
  }

  deinit { SSL_CTX_free(context) }

  /// For a connection that has begun; `session` is resumed where there is one.
  func begin(_ slot: UnsafeMutablePointer<Slot>, resuming session: OpaquePointer?) -> OpaquePointer? {
    guard let ssl = SSL_new(context) else { return nil }
    SSL_set_fd(ssl, slot.pointee.descriptor)
    SSL_set_ex_data(ssl, 0, slot)
    SSL_set_connect_state(ssl)
    if let session { SSL_set_session(ssl, session) }
    return ssl
  }
}

/// What a step on a connection came to.
enum Step {
  case moved(Int)
  case later
  case failed
}

/// One connection of an agent.
struct Slot {
  enum Phase { case vacant, connecting, handshaking, sending, receiving, resting }

  var descriptor: Int32 = -1
  var ssl: OpaquePointer?
  /// The newest that may be resumed; it outlives the connection.
  var session: OpaquePointer?
  var phase = Phase.vacant
  var began: Int64 = 0
  var requests = 0
  var sent = 0
  /// Of the answer: what of its head is here, and how much of its body is missing once the head is known.
  var head: [UInt8] = []
  var missing: Int?
  var status = 0

  func send(_ bytes: UnsafeRawBufferPointer) -> Step {
    guard let ssl else {
      let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      return count > 0 ? .moved(count) : errno == EAGAIN ? .later : .failed
    }
    ERR_clear_error()
    let count = SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
    return count > 0 ? .moved(Int(count)) : Slot.verdict(ssl, count)
  }

  func receive(_ room: UnsafeMutableRawBufferPointer) -> Step {
    guard let ssl else {
      let count = recv(descriptor, room.baseAddress, room.count, 0)
      return count > 0 ? .moved(count) : count < 0 && errno == EAGAIN ? .later : .failed
    }
    ERR_clear_error()
    let count = SSL_read(ssl, room.baseAddress, Int32(clamping: room.count))
    return count > 0 ? .moved(Int(count)) : Slot.verdict(ssl, count)
  }

  static func verdict(_ ssl: OpaquePointer, _ result: Int32) -> Step {
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: .later
    default: .failed
    }
  }
}
