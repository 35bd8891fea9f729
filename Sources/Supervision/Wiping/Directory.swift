import CLinux
import Glibc

/// An open directory: what is done in it is done there, whatever its path leads to by now. Symbolic links are never
/// followed.
final class Directory: Sendable {
  let descriptor: Int32
  /// For messages alone.
  let path: String

  private init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// A path that the operator gave, whose links are the operator's own.
  static func open(path: String) throws(WipeFailure) -> Directory {
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .failed(path: path, doing: "opening it", errno: errno) }
    return Directory(descriptor: descriptor, path: path)
  }

  /// Nil with errno set: `ELOOP` or `ENOTDIR` where it is no directory.
  func open(_ name: EntryName, pathOnly: Bool = false) -> Directory? {
    let mode = pathOnly ? clinux_o_path : O_RDONLY
    let descriptor = name.withCString {
      openat(self.descriptor, $0, mode | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    }
    return descriptor < 0 ? nil : Directory(descriptor: descriptor, path: "\(path)/\(name)")
  }

  /// Nil with errno set.
  func status(of name: EntryName) -> stat? {
    var status = stat()
    return name.withCString { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) } == 0 ? status : nil
  }

  func status() throws(WipeFailure) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("looking at it") }
    return status
  }

  /// False with errno set.
  func make(_ name: EntryName, mode: mode_t) -> Bool { name.withCString { mkdirat(descriptor, $0, mode) } == 0 }

  /// False with errno set.
  func remove(_ name: EntryName) -> Bool { name.withCString { unlinkat(descriptor, $0, 0) } == 0 }

  /// False with errno set; only an empty one goes.
  func removeDirectory(_ name: EntryName) -> Bool {
    name.withCString { unlinkat(descriptor, $0, AT_REMOVEDIR) } == 0
  }

  /// Moves an entry as it is, a link as a link; false with errno set, `EEXIST` where the new name is taken.
  func move(_ name: EntryName, to place: Directory, as newName: EntryName) -> Bool {
    if renameNew(name, place, newName) { return true }
    // Without the right to write into a directory its ".." cannot be changed either.
    guard errno == EACCES, makeWritable(name) else { return false }
    return renameNew(name, place, newName)
  }

  private func renameNew(_ name: EntryName, _ place: Directory, _ newName: EntryName) -> Bool {
    if rename(name, place, newName, UInt32(CLINUX_RENAME_NEW.rawValue)) { return true }
    guard errno == EINVAL else { return false }
    // A file system (NFS, say) that cannot refuse to replace: nobody but us makes names where we move things to.
    guard place.status(of: newName) == nil else {
      errno = EEXIST
      return false
    }
    return rename(name, place, newName, 0)
  }

  /// Lets two entries change places in one step; false with errno set.
  func exchange(_ name: EntryName, with place: Directory, _ otherName: EntryName) -> Bool {
    rename(name, place, otherName, UInt32(CLINUX_RENAME_EXCHANGE.rawValue))
  }

  /// Gives us, its owner, all rights to a directory below; its path is not walked again, so that nothing else can
  /// be put in its place. False with errno as it was.
  func makeWritable(_ name: EntryName) -> Bool {
    let error = errno
    defer { errno = error }
    guard let directory = open(name, pathOnly: true) else { return false }
    // fchmod does not take a descriptor that is a mere path; this is the way that leads to the very same inode.
    return chmod("/proc/self/fd/\(directory.descriptor)", 0o700) == 0
  }

  /// Calls `body` for each entry once, in no order; entries that come or go meanwhile may be missed.
  func forEachEntry(_ body: (EntryName) -> Void) -> Bool {
    // Its own descriptor, since closedir closes it and a stream has a position.
    let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { return false }
    guard let stream = fdopendir(copy) else {
      close(copy)
      return false
    }
    defer { closedir(stream) }
    while true {
      errno = 0
      guard let entry = readdir(stream) else { return errno == 0 }
      guard let name = clinux_entry_name(entry), strcmp(name, ".") != 0, strcmp(name, "..") != 0 else { continue }
      body(EntryName(copying: name))
    }
  }

  func failure(_ doing: String) -> WipeFailure { .failed(path: path, doing: doing, errno: errno) }

  private func rename(_ name: EntryName, _ place: Directory, _ newName: EntryName, _ flags: UInt32) -> Bool {
    name.withCString { name in
      newName.withCString { clinux_rename(descriptor, name, place.descriptor, $0, flags) }
    } == 0
  }
}

extension stat {
  var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }

  func isSameFile(as other: stat) -> Bool { st_dev == other.st_dev && st_ino == other.st_ino }
}
