import Glibc

/// A system user as the user database knows it.
struct UserIdentity: Hashable, Sendable {
  var name: String
  var uid: UInt32
  var gid: UInt32
  /// All groups, the primary one included.
  var groups: [UInt32]
  var home: String

  static func named(_ name: String) throws(SpawnFailure) -> UserIdentity {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    // Entries of a directory service may be long: ERANGE until the buffer is large enough.
    var size = 4096
    while size <= maxEntryBytes {
      let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
      defer { buffer.deallocate() }
      let error = getpwnam_r(name, &entry, buffer, size, &found)
      if error == EINTR { continue }
      if error == ERANGE {
        size *= 2
        continue
      }
      guard error == 0, found != nil, let home = entry.pw_dir else { throw .unknownUser(name) }
      return UserIdentity(
        name: name, uid: entry.pw_uid, gid: entry.pw_gid, groups: groups(of: name, primary: entry.pw_gid),
        home: String(cString: home))
    }
    throw .unknownUser(name)
  }

  private static let maxEntryBytes = 1 << 20
  /// NGROUPS_MAX of the kernel.
  private static let maxGroups = 65_536

  private static func groups(of name: String, primary: UInt32) -> [UInt32] {
    var capacity = 64
    while capacity <= maxGroups {
      var count = Int32(capacity)
      var groups = [gid_t](repeating: 0, count: capacity)
      if getgrouplist(name, primary, &groups, &count) >= 0 { return Array(groups.prefix(Int(max(0, count)))) }
      capacity *= 4
    }
    return [primary]
  }
}
