import COpenSSL

/// Where OpenSSL looks for algorithms, OSSL_LIB_CTX(3).
///
/// A session ticket holds the agent's certificate, and a handshake that resumes one parses it twice: out of the ticket
/// that came and on the way into the next. Each time OpenSSL 3.0 decodes the public key, for which it asks all of a
/// context's decoders, and that is a third of such a handshake, for a key that nobody needs: the agent proved it when
/// the session began. It asks the *thread's own default* context for it, and for all else the one that a TLS context
/// was made in. So loops have a default of their own that knows nothing, and what they want they must name.
enum LibraryContext {
  /// The program's, with the system's providers and settings. Never freed.
  static var system: OpaquePointer? { OSSL_LIB_CTX_get0_global_default() }

  /// From here on this thread finds nothing where it does not say `system`.
  static func forgetDefault() {
    if let empty { OSSL_LIB_CTX_set0_default(empty) }
  }

  // Made once, never freed or changed, and safe to share: OpenSSL locks inside. Nil without memory, when all is as if
  // this were not here.
  nonisolated(unsafe) private static let empty: OpaquePointer? = {
    guard let context = OSSL_LIB_CTX_new() else { return nil }
    // With no provider at all the default one would be loaded at the first question.
    guard OSSL_PROVIDER_load(context, "null") != nil else {
      OSSL_LIB_CTX_free(context)
      return nil
    }
    return context
  }()
}
