import COpenSSL
import Glibc
import Pool
import Synchronization

/// The keys that session tickets are sealed with: shared by all loops, known to nobody else, gone with this context.
///
/// A key seals for as long as a session lives and then opens for as long again, so every ticket can be used for its
/// whole life. Since keys are never kept or shared, a new proxy, or a listener's new revocation list, makes every old
/// session worthless.
final class TicketKeys: Sendable {
  struct Key: BitwiseCopyable {
    /// Name (16 bytes), cipher key (32) and authentication key (32).
    var bytes: (Words, Words, Words, Words, Words) = (Words(), Words(), Words(), Words(), Words())
    struct Words: BitwiseCopyable { var low: UInt64 = 0, high: UInt64 = 0 }
    static let nameCount = 16
  }

  private struct Ring {
    var sealing: Key
    var opening: Key?
  }

  private let ring: Mutex<Ring>
  private let lifetime: Int64
  /// When the sealing key has had its time.
  private let due: Atomic<Int64>

  init(lifetime: Duration, at now: Instant) throws(SetupFailure) {
    self.lifetime = lifetime.wholeNanoseconds
    due = Atomic(now.nanoseconds + self.lifetime)
    ring = Mutex(Ring(sealing: try Self.make()))
  }

  private static func make() throws(SetupFailure) -> Key {
    var key = Key()
    let done = withUnsafeMutableBytes(of: &key) {
      RAND_priv_bytes_ex(LibraryContext.system, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count, 0)
    }
    guard done == 1 else { throw SetupFailure("no random bytes for session tickets: \(lastProblem())") }
    return key
  }

  /// Asked by every loop's sweep; one of them does it. Without random bytes the old key goes on.
  func rotate(at now: Instant) {
    let due = due.load(ordering: .relaxed)
    guard now.nanoseconds >= due, let key = try? Self.make(),
      self.due.compareExchange(expected: due, desired: now.nanoseconds + lifetime, ordering: .relaxed).exchanged
    else { return }
    ring.withLock { ring in
      // After a long sleep both are too old.
      ring.opening = now.nanoseconds >= due + lifetime ? nil : ring.sealing
      ring.sealing = key
    }
  }

  func sealing() -> Key { ring.withLock { $0.sealing } }

  /// By its name, and whether a ticket under it should be replaced; nil: one of another time or place.
  func opening(_ name: UnsafePointer<UInt8>) -> (key: Key, isOld: Bool)? {
    ring.withLock { ring in
      if ring.sealing.isNamed(name) { return (ring.sealing, false) }
      if let old = ring.opening, old.isNamed(name) { return (old, true) }
      return nil
    }
  }
}

extension TicketKeys.Key {
  func isNamed(_ name: UnsafePointer<UInt8>) -> Bool {
    withUnsafeBytes(of: bytes) { bytes in
      bytes.baseAddress.map { memcmp($0, name, Self.nameCount) == 0 } ?? false
    }
  }
}

/// OpenSSL's question for the keys of a ticket that it seals or opens: 1 go on, 2 go on and replace the ticket, 0 the
/// ticket is of no use, negative for a failure. Under TLS 1.3 a ticket is used once, and the next one is due with it.
func keyTicket(
  _ keys: TicketKeys, _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>,
  _ cipher: OpaquePointer, _ authentication: OpaquePointer, isSealing: Bool, isUsedOnce: Bool
) -> Int32 {
  if isSealing {
    let key = keys.sealing()
    guard RAND_bytes_ex(LibraryContext.system, vector, Int(copenssl_ticket_vector), 0) == 1 else { return -1 }
    return withUnsafeBytes(of: key.bytes) { bytes in
      guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return -1 }
      memcpy(name, base, TicketKeys.Key.nameCount)
      return copenssl_key_ticket(cipher, authentication, base + TicketKeys.Key.nameCount, vector, 1)
    }
  }
  guard let (key, isOld) = keys.opening(name) else { return 0 }
  return withUnsafeBytes(of: key.bytes) { bytes in
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
      copenssl_key_ticket(cipher, authentication, base + TicketKeys.Key.nameCount, vector, 0) == 1
    else { return -1 }
    return isOld || isUsedOnce ? 2 : 1
  }
}
