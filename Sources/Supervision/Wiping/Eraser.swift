import CLinux
import Glibc

/// Empties one folder, however deep, with three descriptors and without recursion: a folder that is met and not
/// empty is moved up into the top folder and emptied there.
///
/// Whoever still lives in the tree may change it meanwhile. Every step names one entry of an open directory and
/// works on that entry itself, so that a link put in a folder's place is removed as a link, and nothing outside the
/// tree is ever opened.
struct Eraser {
  /// How often a folder that keeps being filled is gone through.
  static let maxPasses = 8
  /// How often an entry may turn from folder to file and back under our hands.
  private static let maxSwaps = 8

  private let top: Directory
  private let device: dev_t
  /// Where the folders of the top level are what somebody named, not what lay in it.
  private let countsTopFolders: Bool
  /// Stays.
  private let spared: EntryName?
  private var report = WipeReport()
  private var waiting: [Folder] = []
  private var moved = 0

  /// A folder in the top one that is to be emptied and removed.
  private struct Folder {
    var name: EntryName
    var path: String
    var counts: Bool
  }

  /// Removes all that is in `top`, but not `top`, nor the entry `sparing`.
  static func empty(_ top: Directory, sparing spared: EntryName?, countingTopFolders: Bool) -> WipeReport {
    var status = stat()
    guard fstat(top.descriptor, &status) == 0 else {
      var report = WipeReport()
      report.fail("\(top.path): \(reason())")
      return report
    }
    var eraser = Eraser(
      top: top, device: status.st_dev, countsTopFolders: countingTopFolders, spared: spared)
    eraser.emptyTop()
    return eraser.report
  }

  private init(top: Directory, device: dev_t, countsTopFolders: Bool, spared: EntryName?) {
    self.top = top
    self.device = device
    self.countsTopFolders = countsTopFolders
    self.spared = spared
  }

  private mutating func emptyTop() {
    for _ in 0..<Self.maxPasses {
      let earlierFailures = report.failureCount
      let met = clear(top, path: top.path)
      while let folder = waiting.popLast() { removeFolder(folder) }
      guard met > 0, report.failureCount == earlierFailures else { return }
    }
    report.fail("\(top.path): it keeps being filled")
  }

  private mutating func removeFolder(_ folder: Folder) {
    for _ in 0..<Self.maxPasses {
      guard let directory = open(folder) else { return }
      let earlierFailures = report.failureCount
      _ = clear(directory, path: folder.path)
      if top.removeDirectory(folder.name) {
        if folder.counts { report.count() }
        return
      }
      switch errno {
      case ENOENT: return
      case ENOTEMPTY, EEXIST:
        // What could not be removed was told already; else something was added, and it is gone through again.
        if report.failureCount > earlierFailures { return }
      default:
        report.fail("\(folder.path): \(reason())")
        return
      }
    }
    report.fail("\(folder.path): it keeps being filled")
  }

  /// Nil where it needs no further care, or was told as a failure.
  private mutating func open(_ folder: Folder) -> Directory? {
    var directory = top.open(folder.name)
    if directory == nil, errno == EACCES, top.makeWritable(folder.name) { directory = top.open(folder.name) }
    guard let directory else {
      switch errno {
      case ENOENT: break
      case ELOOP, ENOTDIR: remove(folder.name, in: top, path: folder.path)
      default: report.fail("\(folder.path): \(reason())")
      }
      return nil
    }
    var status = stat()
    guard fstat(directory.descriptor, &status) == 0, status.st_dev == device,
      clinux_is_mount_root(directory.descriptor) != 1
    else {
      report.fail("\(folder.path): it is a mount point")
      return nil
    }
    // Root needs no permission; an owner may have taken its own away.
    if status.st_mode & 0o700 != 0o700 { fchmod(directory.descriptor, 0o700) }
    return directory
  }

  /// Removes the entries of a directory, or moves them up; gives their number.
  private mutating func clear(_ directory: Directory, path: String) -> Int {
    var met = 0
    let complete = directory.forEachEntry { name in
      if directory === top, name == spared { return }
      met += 1
      remove(name, in: directory, path: Self.path(path, name))
    }
    if !complete { report.fail("\(path): reading it: \(reason())") }
    return met
  }

  private mutating func remove(_ name: EntryName, in directory: Directory, path: String) {
    for _ in 0..<Self.maxSwaps {
      guard let status = directory.status(of: name) else {
        if errno != ENOENT { report.fail("\(path): \(reason())") }
        return
      }
      if status.isDirectory {
        if directory.removeDirectory(name) {
          if directory !== top || countsTopFolders { report.count() }
          return
        }
        if errno == ENOTEMPTY || errno == EEXIST { return moveUp(name, from: directory, path: path) }
        if errno == ENOTDIR { continue }
      } else {
        if directory.remove(name) {
          return report.count(bytes: status.isRegularFile ? max(0, Int(status.st_size)) : 0)
        }
        if errno == EISDIR { continue }
      }
      if errno != ENOENT { report.fail("\(path): \(errno == EBUSY ? "it is a mount point" : reason())") }
      return
    }
    report.fail("\(path): it keeps changing")
  }

  private mutating func moveUp(_ name: EntryName, from directory: Directory, path: String) {
    if directory === top {
      return waiting.append(Folder(name: name, path: path, counts: countsTopFolders))
    }
    while true {
      let newName = EntryName.moved(moved)
      moved += 1
      if directory.move(name, to: top, as: newName) {
        return waiting.append(Folder(name: newName, path: path, counts: true))
      }
      switch errno {
      case EEXIST: continue
      case ENOENT: return
      default: return report.fail("\(path): \(errno == EBUSY ? "it is a mount point" : reason())")
      }
    }
  }

  /// Long enough to find it, and no longer: with its whole path in each, a deep tree would cost the square of its
  /// depth.
  private static let maxPathBytes = 512

  private static func path(_ folder: String, _ name: EntryName) -> String {
    folder.utf8.count > maxPathBytes ? "\(folder.prefix(maxPathBytes / 2))…/\(name)" : "\(folder)/\(name)"
  }
}
