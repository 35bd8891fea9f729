import CLinux
import Dispatch
import Glibc
import Pool

/// The workers' own directories, `STATE/slots/POOL/INDEX/GENERATION`, each made fresh for its generation and set
/// aside into `STATE/trash` when that is gone.
struct SlotDirectories: Sendable {
  let stateDirectory: String

  /// - Parameter stateDirectory: made by others; its own path may lead through links.
  init(stateDirectory: String) { self.stateDirectory = stateDirectory }

  /// Makes the worker's directory, empty, 0750 and its user's. What is there already is set aside first; where that
  /// fails, so does this: the worker must not start on it.
  /// - Returns: its path.
  func prepare(worker: WorkerID, owner: UserIdentity?) throws(WipeFailure) -> String {
    try prepare(worker.generation.rawValue, in: openSlot(worker.slot), owner: owner)
  }

  /// The same for a parent, which has the place of a slot named `parent`.
  func prepare(parent: Int, of pool: PoolName, owner: UserIdentity?) throws(WipeFailure) -> String {
    try prepare(parent, in: openParents(of: pool), owner: owner)
  }

  private func prepare(
    _ generation: Int, in slot: Directory, owner: UserIdentity?
  ) throws(WipeFailure) -> String {
    let name = EntryName(generation)
    if slot.status(of: name) != nil {
      let folder = try TrashFolder.make(in: openTrash(), counts: true)
      guard folder.take(name, from: slot) else { throw slot.failure("setting \(name) aside") }
      Self.queue().async { _ = folder.delete() }
    }
    // 0700 until it is its owner's.
    guard slot.make(name, mode: 0o700) else { throw slot.failure("making \(name)") }
    do throws(WipeFailure) {
      guard let directory = slot.open(name) else { throw slot.failure("opening \(name)") }
      if let owner, fchown(directory.descriptor, owner.uid, owner.gid) != 0 {
        throw directory.failure("giving it to \(owner.name)")
      }
      guard fchmod(directory.descriptor, 0o750) == 0 else { throw directory.failure("setting its mode") }
      return directory.path
    } catch {
      _ = slot.removeDirectory(name)
      throw error
    }
  }

  /// Renames what a dead worker cached out of the way: the named paths in its directory, or without any all of it.
  ///
  /// What is not named stays, as `GENERATION.wiped`, until the next generation of the slot is set aside.
  /// - Parameter wipe: relative paths. One that leads through a link takes the link instead.
  func setAside(worker: WorkerID, wipe: [String]) throws(WipeFailure) -> Aside {
    try setAside(worker.generation.rawValue, in: openSlot(worker.slot), wipe: wipe)
  }

  /// All that a parent left.
  func setAside(parent: Int, of pool: PoolName) throws(WipeFailure) -> Aside {
    try setAside(parent, in: openParents(of: pool), wipe: [])
  }

  private func setAside(_ generation: Int, in slot: Directory, wipe: [String]) throws(WipeFailure) -> Aside {
    let name = EntryName(generation)
    var aside = try setAsideRests(in: slot)
    guard slot.status(of: name) != nil else { return aside }
    let folder = try TrashFolder.make(in: openTrash())
    aside.add(folder)
    guard !wipe.isEmpty, let directory = slot.open(name) else {
      guard folder.take(name, from: slot) else { throw slot.failure("setting \(name) aside") }
      return aside
    }
    for path in wipe { setAside(path, in: directory, folder, &aside.problems) }
    if let rest = EntryName("\(name)\(Self.restSuffix)"), !slot.move(name, to: slot, as: rest) {
      aside.problems.fail("\(directory.path): setting aside what is left: \(reason())")
    }
    return aside
  }

  /// Deletes what was set aside, on a thread of its own.
  func delete(_ aside: Aside) async -> WipeReport { await Self.delete(aside) }

  static func delete(_ aside: Aside) async -> WipeReport {
    await withCheckedContinuation { continuation in
      queue().async { continuation.resume(returning: aside.delete()) }
    }
  }

  /// Sets aside, at the start, what all workers but these left, and finds the trash of broken-off deletions.
  func setAsideRemains(
    keeping living: Set<WorkerID> = [], parents: [PoolName: Set<Int>] = [:]
  ) throws(WipeFailure) -> Aside {
    let trash = try openTrash()
    var aside = Aside()
    for folder in TrashFolder.leftOver(in: trash) { aside.add(folder) }
    let folder = try TrashFolder.make(in: trash)
    aside.add(folder)
    let slots = try openSlots()
    for pool in entries(of: slots) {
      let name = PoolName(rawValue: pool.description)
      setAsideRemains(in: slots, pool, folder, &aside.problems) { directory, index, problems in
        let kept = living.filter { $0.pool == name && EntryName($0.slot.index) == index }.map(\.generation.rawValue)
        let forking = index == EntryName("parent") ? name.flatMap { parents[$0] } ?? [] : []
        let generations = Set((kept + forking).map { EntryName($0) })
        setAsideRemains(in: directory, index, folder, &problems) { slot, generation, problems in
          if !generations.contains(generation) { take(generation, from: slot, folder, &problems) }
        }
      }
    }
    return aside
  }

  /// Goes through one of our own folders, which goes too when nothing is left in it; what is no folder is taken.
  private func setAsideRemains(
    in parent: Directory, _ name: EntryName, _ folder: TrashFolder, _ problems: inout WipeReport,
    _ body: (Directory, EntryName, inout WipeReport) -> Void
  ) {
    guard let directory = parent.open(name) else { return take(name, from: parent, folder, &problems) }
    for entry in entries(of: directory) { body(directory, entry, &problems) }
    _ = parent.removeDirectory(name)
  }

  // MARK: Setting aside

  private static let restSuffix = ".wiped"

  private func setAsideRests(in slot: Directory) throws(WipeFailure) -> Aside {
    let rests = entries(of: slot).filter { $0.description.hasSuffix(Self.restSuffix) }
    guard !rests.isEmpty else { return Aside() }
    let folder = try TrashFolder.make(in: openTrash(), counts: false)
    var aside = Aside(folder)
    for name in rests { take(name, from: slot, folder, &aside.problems) }
    return aside
  }

  private func setAside(
    _ path: String, in worker: Directory, _ folder: TrashFolder, _ problems: inout WipeReport
  ) {
    let names = path.split(separator: "/").map { EntryName($0) }
    guard !path.hasPrefix("/"), let last = names.last ?? nil, !names.contains(nil) else {
      return problems.fail("\(path.debugDescription) is not a path inside a worker's directory")
    }
    var place = worker
    for case let name? in names.dropLast() {
      guard let next = place.open(name) else {
        switch errno {
        case ENOENT: return
        // No folder, so what is named is not in it; but whoever follows it would find what it leads to.
        case ELOOP, ENOTDIR: return take(name, from: place, folder, &problems)
        default: return problems.fail("\(place.path)/\(name): \(reason())")
        }
      }
      place = next
    }
    take(last, from: place, folder, &problems)
  }

  private func take(
    _ name: EntryName, from place: Directory, _ folder: TrashFolder, _ problems: inout WipeReport
  ) {
    guard !folder.take(name, from: place), errno != ENOENT else { return }
    problems.fail("\(place.path)/\(name): setting it aside: \(reason())")
  }

  // MARK: Places

  private func openTrash() throws(WipeFailure) -> Directory {
    try openOwn("trash", in: .open(path: stateDirectory), mode: 0o700)
  }

  private func openSlots() throws(WipeFailure) -> Directory {
    try openOwn("slots", in: .open(path: stateDirectory), mode: 0o755)
  }

  private func openSlot(_ slot: SlotID) throws(WipeFailure) -> Directory {
    try openOwn(String(slot.index), in: openPool(slot.pool), mode: 0o755)
  }

  private func openParents(of pool: PoolName) throws(WipeFailure) -> Directory {
    try openOwn("parent", in: openPool(pool), mode: 0o755)
  }

  private func openPool(_ pool: PoolName) throws(WipeFailure) -> Directory {
    try openOwn(pool.rawValue, in: openSlots(), mode: 0o755)
  }

  /// Makes it where it is missing. A worker that could write into it could put what it likes in a slot's place.
  private func openOwn(_ name: String, in parent: Directory, mode: mode_t) throws(WipeFailure) -> Directory {
    guard let entry = EntryName(name) else { throw .refused(path: parent.path, why: "\(name) is not a name") }
    let isNew = parent.make(entry, mode: mode)
    guard isNew || errno == EEXIST, let directory = parent.open(entry) else {
      throw parent.failure("opening \(name)")
    }
    if isNew { fchmod(directory.descriptor, mode) }
    let status = try directory.status()
    guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
      throw .refused(path: directory.path, why: "others than uid \(geteuid()) may write in it")
    }
    return directory
  }

  private func entries(of directory: Directory) -> [EntryName] {
    var names: [EntryName] = []
    _ = directory.forEachEntry { names.append($0) }
    return names
  }

  /// One for each deletion, so that a large one does not hold up the others.
  private static func queue() -> DispatchQueue { DispatchQueue(label: "masterpool.wipe", qos: .utility) }
}
