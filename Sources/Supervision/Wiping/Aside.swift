import Glibc
import Synchronization

/// What was renamed out of the way and waits for its deletion, in folders that only we can enter.
struct Aside: Sendable {
  private(set) var folders: [TrashFolder] = []
  /// What could not be set aside.
  var problems = WipeReport()

  init() {}
  init(_ folder: TrashFolder) { folders = [folder] }

  mutating func add(_ folder: TrashFolder) { folders.append(folder) }

  /// Deletes everything; blocks for as long as that takes.
  func delete() -> WipeReport { folders.reduce(problems) { $0 + $1.delete() } }
}

/// A folder made to hold what is set aside. Its mark, a file that only its owner can have put into a folder that only
/// its owner can enter, tells a later run that it may delete it, whoever may write in the folder around it.
final class TrashFolder: Sendable {
  let directory: Directory
  private let parent: Directory
  private let name: EntryName
  private let counts: Bool

  /// Those that this process is still to delete.
  private static let open = Mutex<Set<EntryName>>([])
  private static let next = Atomic(0)
  private static let mark = EntryName.trashMark

  private init(_ directory: Directory, _ parent: Directory, _ name: EntryName, counts: Bool) {
    self.directory = directory
    self.parent = parent
    self.name = name
    self.counts = counts
  }

  deinit { _ = Self.open.withLock { $0.remove(name) } }

  /// - Parameter counts: false for what is not to appear in the report, but for its failures.
  static func make(in parent: Directory, counts: Bool = true) throws(WipeFailure) -> TrashFolder {
    let name = try makeDirectory(in: parent)
    guard let directory = parent.open(name) else { throw parent.failure("opening its trash") }
    let folder = TrashFolder(directory, parent, name, counts: counts)
    let file = mark.withCString { openat(directory.descriptor, $0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    guard file >= 0 else {
      let failure = directory.failure("marking it")
      _ = parent.removeDirectory(name)
      throw failure
    }
    close(file)
    return folder
  }

  private static func makeDirectory(in parent: Directory) throws(WipeFailure) -> EntryName {
    while true {
      let name = EntryName.trash(getpid(), next.add(1, ordering: .relaxed).newValue)
      // Before it exists, so that no search for left-over trash takes it for such.
      _ = open.withLock { $0.insert(name) }
      if parent.make(name, mode: 0o700) { return name }
      let error = errno
      _ = open.withLock { $0.remove(name) }
      guard error == EEXIST else { throw .failed(path: parent.path, doing: "making a trash folder", errno: error) }
    }
  }

  /// What processes that are gone left in `parent`.
  static func leftOver(in parent: Directory) -> [TrashFolder] {
    var found: [TrashFolder] = []
    _ = parent.forEachEntry { name in
      guard isAbandoned(name), let directory = parent.open(name), isOurs(directory) else { return }
      found.append(TrashFolder(directory, parent, name, counts: true))
    }
    return found
  }

  private static func isAbandoned(_ name: EntryName) -> Bool {
    let text = name.description
    guard text.hasPrefix(EntryName.trashPrefix) else { return false }
    let numbers = text.dropFirst(EntryName.trashPrefix.count).split(separator: "-")
    guard numbers.count == 2, let process = Int32(numbers[0]), process > 0 else { return false }
    if process == getpid() { return !open.withLock { $0.contains(name) } }
    return kill(process, 0) != 0 && errno == ESRCH
  }

  private static func isOurs(_ directory: Directory) -> Bool {
    guard let status = try? directory.status(), status.st_uid == geteuid(), status.st_mode & 0o777 == 0o700,
      let mark = directory.status(of: mark)
    else { return false }
    return mark.st_uid == geteuid() && mark.isRegularFile
  }

  /// Takes an entry as it is, a link as a link; false with errno set.
  func take(_ entry: EntryName, from place: Directory) -> Bool {
    var number = 0
    while !place.move(entry, to: directory, as: EntryName(number)) {
      guard errno == EEXIST else { return false }
      number += 1
    }
    return true
  }

  func delete() -> WipeReport {
    var report = Eraser.empty(directory, sparing: Self.mark, countingTopFolders: false)
    if report.failureCount == 0 {
      // Last, so that a broken-off deletion is taken up again.
      _ = directory.remove(Self.mark)
      if !parent.removeDirectory(name), errno != ENOENT { report.fail("\(directory.path): \(reason())") }
    }
    return counts ? report : report.failuresAlone
  }
}
