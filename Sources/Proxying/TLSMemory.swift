import COpenSSL

/// What one context remembers between handshakes. OpenSSL holds it too, for as long as any connection uses the context.
final class TLSMemory: Sendable {
  let tickets: TicketKeys
  let certificates = VerifiedCertificates()

  init(tickets: TicketKeys) { self.tickets = tickets }

  private static let slot = copenssl_new_context_slot { _, memory, _, _, _, _ in
    if let memory { Unmanaged<TLSMemory>.fromOpaque(memory).release() }
  }

  func attach(to context: OpaquePointer) throws(SetupFailure) {
    let held = Unmanaged.passRetained(self)
    guard Self.slot >= 0, SSL_CTX_set_ex_data(context, Self.slot, held.toOpaque()) == 1 else {
      held.release()
      throw SetupFailure("OpenSSL: \(lastProblem())")
    }
    SSL_CTX_set_cert_verify_callback(
      context,
      { store, memory in
        guard let store, let memory else { return 0 }
        return Unmanaged<TLSMemory>.fromOpaque(memory).takeUnretainedValue().certificates.verify(store)
      }, held.toOpaque())
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context) { session, name, vector, cipher, authentication, isSealing in
      guard let session, let memory = TLSMemory.of(session), let name, let vector, let cipher, let authentication
      else {
        return -1
      }
      return keyTicket(
        memory.tickets, name, vector, cipher, authentication, isSealing: isSealing == 1,
        isUsedOnce: SSL_version(session) >= TLS1_3_VERSION)
    }
  }

  private static func of(_ session: OpaquePointer) -> TLSMemory? {
    guard let memory = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), slot) else { return nil }
    return Unmanaged<TLSMemory>.fromOpaque(memory).takeUnretainedValue()
  }
}
