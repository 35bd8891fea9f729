import Glibc
import Pool

/// The certificates, keys, authorities and revocation lists that the proxies serve with: what they hold, and whether
/// they have changed since.
///
/// Looked at every second by `stat`, which follows links and renames alike; read only where that tells of a change,
/// and taken up only once they have been left alone for a while, since a key follows its certificate. Proxies read
/// what was found here, not what may lie there by then: one that takes the place of a dead one serves with what is in
/// force.
struct FileWatch {
  /// How long a file must stay as it is.
  static let settling = Duration.seconds(2)
  /// Of a longer one, only so much is compared, and proxies read it themselves.
  static let maxBytes = 64 << 20

  /// What `stat` says; nil: no such file.
  struct Look: Hashable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modified: Int64
    var changed: Int64

    init?(at path: String) {
      var facts = stat()
      guard stat(path, &facts) == 0 else { return nil }
      device = UInt64(facts.st_dev)
      inode = UInt64(facts.st_ino)
      size = Int64(facts.st_size)
      modified = Int64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_mtim.tv_nsec)
      changed = Int64(facts.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_ctim.tv_nsec)
    }
  }

  private struct Entry {
    var look: Look?
    /// Of the content that a proxy serves with.
    var digest: UInt64?
    var copy: FileCopy?
    var unsettledSince: Instant?
  }

  private var entries: [String: Entry] = [:]

  /// These files count, as they are now.
  init(_ configuration: ProxyConfiguration) {
    for path in configuration.watchedPaths {
      let look = Look(at: path)
      let copy = FileCopy()
      var isWhole = true
      let digest = read(path) { bytes in isWhole = isWhole && copy?.append(bytes) == true }
      let isUseful = isWhole && digest?.isOfAll == true && copy?.seal() == true
      entries[path] = Entry(look: look, digest: digest?.value, copy: isUseful ? copy : nil)
    }
  }

  /// What the proxies serve with, by path.
  var digests: [String: UInt64] { entries.compactMapValues(\.digest) }

  /// What a proxy that is started for these files inherits, in the order of their paths.
  var copies: [(path: String, copy: FileCopy)] {
    entries.sorted { $0.key < $1.key }.compactMap { path, entry in entry.copy.map { (path, $0) } }
  }

  /// What was found earlier counts, not what is there now.
  mutating func recall(_ digests: [String: UInt64]) {
    for (path, digest) in digests where entries[path] != nil && entries[path]?.digest != digest {
      entries[path]?.digest = digest
      entries[path]?.copy = nil
    }
  }

  /// Paths whose content is another than it was; none while one of them is still being written.
  mutating func changes(at now: Instant) -> [String] {
    var changed: [String] = []
    var isSettled = true
    for path in entries.keys.sorted() {
      guard var entry = entries[path] else { continue }
      let look = Look(at: path)
      if look != entry.look {
        entry.look = look
        entry.unsettledSince = now
      }
      if let since = entry.unsettledSince {
        if now - since < Self.settling {
          isSettled = false
        } else if digest(of: path) == entry.digest {
          entry.unsettledSince = nil
        } else {
          changed.append(path)
        }
      }
      entries[path] = entry
    }
    return isSettled ? changed : []
  }

  /// What differs now, without waiting: the operator says that it is ready.
  func differences() -> [String] {
    entries.filter { digest(of: $0.key) != $0.value.digest }.map(\.key).sorted()
  }

  /// No proxy could use them: they are looked at again when they change again.
  mutating func giveUp(on paths: [String]) {
    for path in paths { entries[path]?.unsettledSince = nil }
  }

  private func digest(of path: String) -> UInt64? { read(path) { _ in }?.value }

  /// FNV-1a, 64 bits, and whether it is of the whole file; nil: it cannot be read.
  private func read(
    _ path: String, _ take: (ArraySlice<UInt8>) -> Void
  ) -> (value: UInt64, isOfAll: Bool)? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    var total = 0
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while total < Self.maxBytes {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return (value, true) }
      for byte in chunk[..<count] { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
      take(chunk[..<count])
      total += count
    }
    return (value, false)
  }
}

extension ProxyConfiguration {
  /// Files that a proxy reads once, at its start.
  fileprivate var watchedPaths: Set<String> {
    Set(
      listeners.compactMap(\.tls).flatMap {
        [$0.certificate, $0.privateKey, $0.clientCA, $0.clientCRL].compactMap { $0 }
      })
  }
}
