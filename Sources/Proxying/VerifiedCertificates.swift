import COpenSSL
import Glibc
import Synchronization

/// Which certificates have passed verification under one context's authorities and revocation lists, and how long that
/// holds.
///
/// An agent comes back every half hour with the same certificate and, being a new process, without a session. What was
/// found of these very bytes then is still so: authorities and lists are the context's for good, so only time could
/// change it, and each verdict ends with the first of the chain's certificates and of the lists. That the agent has the
/// key is proved in every handshake. Failures are never remembered.
final class VerifiedCertificates: Sendable {
  /// About 5 MiB. A crowd beyond it starts over.
  static let most = 1 << 16

  /// A certificate's SHA-256.
  struct Digest: Hashable, BitwiseCopyable {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }
    func hash(into hasher: inout Hasher) {
      hasher.combine(words.0)
      hasher.combine(words.1)
    }
  }

  private let verdicts = Mutex<[Digest: ClosedRange<Int>]>([:])
  /// When the first of the revocation lists must have been replaced, in seconds since 1970.
  private let listsEnd = Atomic<Int>(.max)

  var count: Int { verdicts.withLock { $0.count } }

  /// No verdict outlives the revocation list.
  func end(with list: OpaquePointer) {
    guard let end = seconds(X509_CRL_get0_nextUpdate(list)) else { return }
    listsEnd.min(end, ordering: .relaxed)
  }

  /// What `X509_verify_cert` says, or said.
  func verify(_ store: OpaquePointer) -> Int32 {
    let now = time(nil)
    guard let certificate = X509_STORE_CTX_get0_cert(store), let digest = Self.digest(of: certificate) else {
      return X509_verify_cert(store)
    }
    if holds(digest, at: now) {
      X509_STORE_CTX_set_error(store, X509_V_OK)
      return 1
    }
    let verdict = X509_verify_cert(store)
    if verdict == 1, let end = chainEnd(store), end >= now { remember(digest, now...end) }
    return verdict
  }

  private func holds(_ digest: Digest, at now: Int) -> Bool {
    verdicts.withLock { $0[digest]?.contains(now) == true }
  }

  /// Whether `certificate` passes at that time without another look, in seconds since 1970.
  func holds(for certificate: OpaquePointer, at now: Int) -> Bool {
    Self.digest(of: certificate).map { holds($0, at: now) } ?? false
  }

  private func remember(_ digest: Digest, _ period: ClosedRange<Int>) {
    verdicts.withLock { verdicts in
      if verdicts.count >= Self.most { verdicts.removeAll(keepingCapacity: true) }
      verdicts[digest] = period
    }
  }

  private static func digest(of certificate: OpaquePointer) -> Digest? {
    var digest = Digest()
    var count: UInt32 = 0
    let done = withUnsafeMutableBytes(of: &digest) { bytes in
      X509_digest(certificate, EVP_sha256(), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), &count)
    }
    return done == 1 && Int(count) == MemoryLayout<Digest>.size ? digest : nil
  }

  private func chainEnd(_ store: OpaquePointer) -> Int? {
    guard let chain = X509_STORE_CTX_get0_chain(store) else { return nil }
    var end = listsEnd.load(ordering: .relaxed)
    for index in 0..<copenssl_certificate_count(chain) {
      guard let moment = seconds(X509_get0_notAfter(copenssl_certificate(chain, index))) else { return nil }
      end = min(end, moment)
    }
    return end
  }
}

/// Since 1970; nil where the time cannot be read.
func seconds(_ moment: UnsafePointer<ASN1_TIME>?) -> Int? {
  var parts = tm()
  guard let moment, ASN1_TIME_to_tm(moment, &parts) == 1 else { return nil }
  return timegm(&parts)
}
