import CLinux
import Glibc
import Synchronization

/// A cache that all workers of a host share, made empty for the next one to start: living readers keep the files that
/// they have open.
struct SharedCache {
  /// Puts an empty folder with the same owner, mode and attributes in the folder's place, in one step, and gives the
  /// old one for deletion; nil where there is none.
  ///
  /// Refused: a relative path, one with `..`, a folder at the root or one level deep, a mount point, a home, and
  /// whatever is reached through a symbolic link.
  static func renameAside(path: String) throws(WipeFailure) -> Aside? {
    let names = try components(of: path)
    guard let parent = try openParent(names, path), let name = names.last,
      let old = try openFolder(name, parent, path)
    else { return nil }
    let status = try checked(old, parent, path)
    var aside = Aside()
    for folder in leftOver(in: parent) { aside.add(folder) }
    let folder = try TrashFolder.make(in: parent)
    do throws(WipeFailure) {
      try makeSuccessor(of: old, status, in: folder)
      try exchange(name, in: parent, status, folder, path)
    } catch {
      _ = folder.delete()
      throw error
    }
    aside.add(folder)
    return aside
  }

  private static let successor = EntryName(0)

  private static func components(of path: String) throws(WipeFailure) -> [EntryName] {
    guard path.hasPrefix("/") else { throw .refused(path: path, why: "it is not an absolute path") }
    let names = path.split(separator: "/").map { EntryName($0) }
    let real = names.compactMap { $0 }
    guard real.count == names.count else { throw .refused(path: path, why: "give it without . and ..") }
    guard real.count >= 2 else { throw .refused(path: path, why: "a folder so near to the root is no cache") }
    return real
  }

  /// From the root on, one name after the other, so that no link leads elsewhere.
  private static func openParent(_ names: [EntryName], _ path: String) throws(WipeFailure) -> Directory? {
    var place = try Directory.open(path: "/")
    for (index, name) in names.dropLast().enumerated() {
      let isParent = index == names.count - 2
      guard let next = place.open(name, pathOnly: !isParent) else {
        switch errno {
        case ENOENT: return nil
        case ELOOP, ENOTDIR:
          let here = "/" + names[...index].map(\.description).joined(separator: "/")
          throw .refused(path: path, why: "\(here) is a symbolic link or no folder; give the folder's real path")
        default: throw place.failure("opening \(name)")
        }
      }
      place = next
    }
    return place
  }

  private static func openFolder(_ name: EntryName, _ parent: Directory, _ path: String) throws(WipeFailure)
    -> Directory?
  {
    if let folder = parent.open(name) { return folder }
    switch errno {
    case ENOENT: return nil
    case ELOOP, ENOTDIR: throw .refused(path: path, why: "it is a symbolic link or no folder")
    default: throw .failed(path: path, doing: "opening it", errno: errno)
    }
  }

  private static func checked(_ folder: Directory, _ parent: Directory, _ path: String) throws(WipeFailure) -> stat {
    let status = try folder.status()
    guard try parent.status().st_dev == status.st_dev, clinux_is_mount_root(folder.descriptor) != 1 else {
      throw .refused(path: path, why: "it is a mount point")
    }
    let plain = "/" + path.split(separator: "/").joined(separator: "/")
    if let home = homeDirectory(of: status.st_uid), home == plain {
      throw .refused(path: path, why: "it is the home of its owner")
    }
    return status
  }

  private static func homeDirectory(of user: uid_t) -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10) { buffer in
      guard let start = buffer.baseAddress, getpwuid_r(user, &entry, start, buffer.count, &found) == 0, found != nil
      else { return nil }
      return entry.pw_dir.map { String(cString: $0) }
    }
  }

  private static func makeSuccessor(of old: Directory, _ status: stat, in folder: TrashFolder) throws(WipeFailure) {
    guard folder.directory.make(successor, mode: 0o700), let new = folder.directory.open(successor) else {
      throw folder.directory.failure("making a new folder")
    }
    if status.st_uid != geteuid() || status.st_gid != getegid() {
      guard fchown(new.descriptor, status.st_uid, status.st_gid) == 0 else {
        throw new.failure("giving it to uid \(status.st_uid), gid \(status.st_gid)")
      }
    }
    clinux_copy_attributes(old.descriptor, new.descriptor)
    // Last: a change of owner takes bits away, and the rights in an access list include these.
    guard fchmod(new.descriptor, status.st_mode & 0o7777) == 0 else { throw new.failure("setting its mode") }
  }

  private static func exchange(
    _ name: EntryName, in parent: Directory, _ status: stat, _ folder: TrashFolder, _ path: String
  ) throws(WipeFailure) {
    if parent.exchange(name, with: folder.directory, successor) {
      // Whoever may write in the parent can have put another folder there since it was looked at.
      guard let taken = folder.directory.status(of: successor), taken.isSameFile(as: status) else {
        _ = parent.exchange(name, with: folder.directory, successor)
        throw .refused(path: path, why: "something else was put in its place")
      }
      return
    }
    guard errno == EINVAL || errno == ENOSYS else {
      throw .failed(path: path, doing: "setting it aside", errno: errno)
    }
    // A file system that cannot exchange: for a moment there is no folder.
    guard folder.take(name, from: parent) else { throw .failed(path: path, doing: "setting it aside", errno: errno) }
    guard folder.directory.move(successor, to: parent, as: name) || errno == EEXIST else {
      throw .failed(path: path, doing: "making it anew", errno: errno)
    }
  }

  /// Once in a process and parent: afterwards all trash there is our own.
  private static func leftOver(in parent: Directory) -> [TrashFolder] {
    let isNew = searched.withLock { $0.insert(parent.path).inserted }
    return isNew ? TrashFolder.leftOver(in: parent) : []
  }

  private static let searched = Mutex<Set<String>>([])
}
