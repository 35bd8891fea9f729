import COpenSSL
import Glibc
import Synchronization

/// Puppet's names for what it makes of a file's content or times.
enum ChecksumType: String, Hashable, Sendable, CaseIterable {
  case md5, md5lite, sha1, sha1lite, sha224, sha256, sha256lite, sha384, sha512, mtime, ctime, none

  /// OpenSSL's name for the digest; nil: it is none of the content.
  var digest: String? {
    switch self {
    case .md5, .md5lite: "MD5"
    case .sha1, .sha1lite: "SHA1"
    case .sha224: "SHA224"
    case .sha256, .sha256lite: "SHA256"
    case .sha384: "SHA384"
    case .sha512: "SHA512"
    case .mtime, .ctime, .none: nil
    }
  }

  /// How much of the content counts; nil: all of it.
  var length: Int? {
    switch self {
    case .md5lite, .sha1lite, .sha256lite: 512
    case .md5, .sha1, .sha224, .sha256, .sha384, .sha512, .mtime, .ctime, .none: nil
    }
  }
}

/// Lower-case hexadecimal digest of an open file's content; nil where it cannot be read or OpenSSL has no such digest,
/// as MD5 on a machine that is held to FIPS.
func contentDigest(_ type: ChecksumType, of descriptor: Int32) -> String? {
  guard let name = type.digest, let context = EVP_MD_CTX_new() else { return nil }
  defer { EVP_MD_CTX_free(context) }
  guard let digest = EVP_get_digestbyname(name), EVP_DigestInit_ex(context, digest, nil) == 1 else { return nil }
  let room = 256 << 10
  let isWhole = withUnsafeTemporaryAllocation(byteCount: room, alignment: 64) { buffer -> Bool in
    var offset = 0
    while offset < type.length ?? .max {
      let count = pread(descriptor, buffer.baseAddress, min(room, (type.length ?? .max) - offset), off_t(offset))
      if count == 0 { return true }
      if count < 0 {
        guard errno == EINTR else { return false }
        continue
      }
      guard EVP_DigestUpdate(context, buffer.baseAddress, count) == 1 else { return false }
      offset += count
    }
    return true
  }
  var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
  var count: UInt32 = 0
  guard isWhole, EVP_DigestFinal_ex(context, &bytes, &count) == 1 else { return nil }
  return hexadecimal(bytes.prefix(Int(count)))
}

private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// Remembers digests by all that changes with a file's content.
final class ChecksumCache: Sendable {
  struct Key: Hashable, Sendable {
    var path: String
    var facts: FileFacts
    var type: ChecksumType
  }

  /// Kept at most, in halves: a full one takes the place of the older one.
  let capacity: Int

  private let state = Mutex(State())
  private let running = OnceAtATime<Key, String?>()

  private struct State {
    var young: [Key: String] = [:]
    var old: [Key: String] = [:]
  }

  init(capacity: Int) { self.capacity = capacity }

  /// A digest that is known, without any work.
  func known(_ key: Key) -> String? {
    state.withLock { state in
      if let value = state.young[key] { return value }
      guard let value = state.old[key] else { return nil }
      keep(value, for: key, in: &state)
      return value
    }
  }

  /// Computes it once, however many ask at the same time. May take long.
  func value(_ key: Key, compute: () -> String?) -> String? {
    if let known = known(key) { return known }
    return running.value(key) {
      if let known = known(key) { return known }
      let value = compute()
      if let value, key.facts.isSettled(at: Moment.wall()) {
        state.withLock { keep(value, for: key, in: &$0) }
      }
      return value
    }
  }

  private func keep(_ value: String, for key: Key, in state: inout State) {
    if state.young.count >= capacity / 2 {
      state.old = state.young
      state.young = [:]
    }
    state.young[key] = value
  }
}
