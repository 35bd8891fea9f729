import Glibc

/// The authority's files, each written whole or not at all.
///
///     ca.pem  crl.pem  serial  inventory      for all to read
///     ca.key  lock                            0600
///     certs/NAME.pem                          for all to read
///     keys/NAME.key                           0600, in a folder of 0700
///     superseded/NAME-before-SERIAL.{pem,key} what a later certificate of the same name replaced; 0700
struct AuthorityFolder {
  static let certificate = "ca.pem"
  static let key = "ca.key"
  static let revocations = "crl.pem"
  static let serial = "serial"
  static let inventory = "inventory"
  static let certificates = "certs"
  static let keys = "keys"
  static let superseded = "superseded"
  static let lock = "lock"

  static func certificate(of name: Certname) -> String { "\(certificates)/\(name).pem" }
  static func key(of name: Certname) -> String { "\(keys)/\(name).key" }

  /// No file of an authority is larger; an inventory of this size names half a million nodes.
  static let maxFileBytes = 64 << 20

  enum Access: mode_t {
    case everyone = 0o644
    case owner = 0o600
  }

  let path: String

  func absolute(_ name: String) -> String { "\(path)/\(name)" }

  func exists(_ name: String) -> Bool {
    var info = stat()
    return lstat(absolute(name), &info) == 0
  }

  func read(_ name: String) throws(AuthorityFailure) -> String {
    let path = absolute(name)
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .failed("read", path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw .failed("read", path)
      }
      if count == 0 { break }
      bytes += chunk[..<count]
      guard bytes.count <= Self.maxFileBytes else {
        throw .notAnAuthority("\(path) is larger than \(Self.maxFileBytes >> 20) MiB; it is not the authority's file")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .notAnAuthority("\(path) is not text")
    }
    return text
  }

  /// Writes a file that must not be there yet.
  func create(_ name: String, _ text: String, _ access: Access) throws(AuthorityFailure) {
    let new = try writeBeside(name, text, access)
    defer { unlink(new) }
    // A link, unlike a rename, refuses to take another file's place.
    guard link(new, absolute(name)) == 0 else {
      if errno == EEXIST { throw .exists("\(absolute(name)) exists and is not overwritten") }
      throw .failed("create", absolute(name))
    }
    try syncFolder(of: name)
  }

  /// Writes a file in place of what is there, or of nothing.
  func replace(_ name: String, _ text: String, _ access: Access) throws(AuthorityFailure) {
    let new = try writeBeside(name, text, access)
    guard rename(new, absolute(name)) == 0 else {
      let failure = AuthorityFailure.failed("replace", absolute(name))
      unlink(new)
      throw failure
    }
    try syncFolder(of: name)
  }

  func makeFolder(_ name: String, mode: mode_t) throws(AuthorityFailure) {
    guard mkdir(absolute(name), mode) == 0, chmod(absolute(name), mode) == 0 else {
      throw .failed("create", absolute(name))
    }
  }

  func move(_ name: String, to other: String) throws(AuthorityFailure) {
    guard rename(absolute(name), absolute(other)) == 0 else { throw .failed("move", absolute(name)) }
    try syncFolder(of: name)
    try syncFolder(of: other)
  }

  func syncFolder(of name: String) throws(AuthorityFailure) {
    let path = absolute(name.split(separator: "/").dropLast().joined(separator: "/"))
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw .failed("open", path) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw .failed("sync", path) }
  }

  /// The new content on disk under a name of its own; the path of it.
  private func writeBeside(_ name: String, _ text: String, _ access: Access) throws(AuthorityFailure) -> String {
    let path = absolute(name) + ".new"
    // What a command that was cut off left behind: the lock says that nobody writes it now.
    unlink(path)
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .failed("create", path) }
    defer { close(file) }
    do throws(AuthorityFailure) {
      try write(text, to: file, path)
      // Whatever the umask is.
      guard fchmod(file, access.rawValue) == 0 else { throw .failed("set the mode of", path) }
      guard fsync(file) == 0 else { throw .failed("sync", path) }
    } catch {
      unlink(path)
      throw error
    }
    return path
  }

  private func write(_ text: String, to file: Int32, _ path: String) throws(AuthorityFailure) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .failed("write", path)
      }
      rest = rest.dropFirst(count)
    }
  }
}

extension AuthorityFailure {
  /// Call it right after the system call: it reads `errno`.
  static func failed(_ act: String, _ path: String) -> AuthorityFailure {
    let reason = errno
    return .system("cannot \(act) \(path): \(String(cString: strerror(reason)))")
  }
}
