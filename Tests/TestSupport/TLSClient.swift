import COpenSSL
import Glibc

/// A client's side of TLS: whom it trusts and who it is.
public final class TLSClient: @unchecked Sendable {
  // An SSL_CTX may be used by many threads once it is set up.
  let context: OpaquePointer

  /// Paths of PEM files. The server must be signed by `ca`; without a certificate the client shows none.
  public init(ca: String, certificate: String? = nil, key: String? = nil) throws {
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw WireFailure.tls(opensslErrors()) }
    self.context = context
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    guard SSL_CTX_load_verify_locations(context, ca, nil) == 1 else {
      throw WireFailure.tls("\(ca): \(opensslErrors())")
    }
    if let certificate, let key {
      guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
      else { throw WireFailure.tls("\(certificate), \(key): \(opensslErrors())") }
    }
  }

  deinit { SSL_CTX_free(context) }
}

/// The errors that OpenSSL has noted for this thread, oldest first, which it then forgets.
func opensslErrors() -> String {
  var texts: [String] = []
  while true {
    let code = ERR_get_error()
    if code == 0 { break }
    texts.append(ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)")
  }
  return texts.isEmpty ? "no reason given" : texts.joined(separator: ", ")
}
