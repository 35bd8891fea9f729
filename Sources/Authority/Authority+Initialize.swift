import FoundationEssentials
import Glibc
import X509

extension Authority {
  /// Makes the authority's folder, whole or not at all. An empty folder may be there; nothing is overwritten.
  ///
  /// - Parameter progress: hears a line before what takes seconds.
  @discardableResult
  public static func initialize(
    at path: String, name: String, key kind: KeyKind = .rsa4096, days: Int = Authority.authorityDays,
    now: Date = Date(), progress: (String) -> Void = { _ in }
  ) throws -> Authority {
    guard (1...64).contains(name.count), name.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
      throw AuthorityFailure.unusable(
        "the authority's name has 1 to 64 printable characters; \(name.debugDescription) has not")
    }
    let lifetime = try lifetime(days: days)
    let target = try vacantFolder(at: path)

    if kind.isSlowToMake { progress("making a key of 4096 bits; this takes some seconds") }
    let key = try SigningKey.make(kind)
    let notBefore = wholeSeconds(now).addingTimeInterval(-CertificateForms.backdated)
    let certificate = try CertificateForms.authority(
      name: name, key: key, serial: 1, notBefore: notBefore,
      notAfter: wholeSeconds(now).addingTimeInterval(lifetime))
    let issuer = Issuer(certificate: certificate, key: key)
    let list = RevocationList(number: 0, issued: wholeSeconds(now), revocations: [])

    let new = AuthorityFolder(path: "\(target).new-\(getpid())")
    guard mkdir(new.path, 0o700) == 0 else { throw AuthorityFailure.failed("create", new.path) }
    do {
      try new.makeFolder(AuthorityFolder.certificates, mode: 0o755)
      try new.makeFolder(AuthorityFolder.keys, mode: 0o700)
      try new.makeFolder(AuthorityFolder.superseded, mode: 0o700)
      try new.create(AuthorityFolder.key, key.pem, .owner)
      try new.create(AuthorityFolder.certificate, try certificate.serializeAsPEM().pemString + "\n", .everyone)
      try new.create(AuthorityFolder.revocations, try list.signed(by: issuer), .everyone)
      try new.create(AuthorityFolder.serial, Inventory.hex(2) + "\n", .everyone)
      try new.create(AuthorityFolder.inventory, "", .everyone)
      guard chmod(new.path, 0o755) == 0 else { throw AuthorityFailure.failed("set the mode of", new.path) }
      // Takes the place of an empty folder, and of nothing else.
      guard rename(new.path, target) == 0 else {
        if errno == ENOTEMPTY || errno == EEXIST { throw occupied(target) }
        throw AuthorityFailure.failed("create", target)
      }
    } catch {
      removeUnfinished(new)
      throw error
    }
    return try Authority(at: target)
  }

  /// The real path of a folder that is empty or not there yet; makes its parents.
  private static func vacantFolder(at path: String) throws(AuthorityFailure) -> String {
    guard !path.isEmpty else { throw .unusable("the authority's folder has no name; write --dir DIR") }
    if let real = realPath(path) {
      guard let folder = opendir(real) else {
        if errno == ENOTDIR { throw .exists("\(path) exists and is not a folder") }
        throw .failed("open", path)
      }
      defer { closedir(folder) }
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { throw occupied(path) }
      }
      return real
    }
    var parts = path.split(separator: "/")
    guard let last = parts.popLast(), last != "..", last != "." else {
      throw .unusable("\(path) cannot be the authority's folder")
    }
    var parent = path.hasPrefix("/") ? "/" : "."
    for part in parts {
      parent += "/\(part)"
      if mkdir(parent, 0o755) != 0, errno != EEXIST { throw .failed("create", parent) }
    }
    guard let real = realPath(parent) else { throw .failed("open", parent) }
    return real == "/" ? "/\(last)" : "\(real)/\(last)"
  }

  private static func occupied(_ path: String) -> AuthorityFailure {
    var info = stat()
    return stat("\(path)/\(AuthorityFolder.certificate)", &info) == 0
      ? .exists("\(path) already holds an authority, which is not overwritten; choose another --dir")
      : .exists("\(path) is not empty, and nothing in it is overwritten; choose another --dir")
  }

  private static func realPath(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  /// Only what `initialize` itself put there.
  private static func removeUnfinished(_ folder: AuthorityFolder) {
    for name in [
      AuthorityFolder.key, AuthorityFolder.certificate, AuthorityFolder.revocations, AuthorityFolder.serial,
      AuthorityFolder.inventory,
    ] {
      unlink(folder.absolute(name))
    }
    for name in [AuthorityFolder.certificates, AuthorityFolder.keys, AuthorityFolder.superseded] {
      rmdir(folder.absolute(name))
    }
    rmdir(folder.path)
  }
}
