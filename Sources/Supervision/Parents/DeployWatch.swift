import CLinux
import Dispatch
import Glibc
import Pool
import Synchronization

/// Notices changes below files and folders by inotify(7): whether something has changed, and whether it has settled.
///
/// Links are followed, since a site's current version often is one. Folders named `.git` are left out: a fetch is no
/// deploy. Where there are more folders than may be watched, what is beyond them goes unseen, and `problem` says so.
final class DeployWatch: Sendable {
  private struct State {
    /// Folders by their watch.
    var folders: [Int32: String] = [:]
    /// Those of which every entry counts.
    var trees: Set<Int32> = []
    /// In the others, where the watched paths themselves lie, only these do.
    var wantedNames: [Int32: Set<String>] = [:]
    var changed: Instant?
    /// Those that nobody has taken yet, and all that there were: each is told once.
    var problem: String?
    var told: Set<String> = []
  }

  private let policy: DeployPolicy
  private let descriptor: Int32
  private let state = Mutex(State())
  private let token = Mutex<ReadableWatch.Token?>(nil)

  private static let changes = UInt32(
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
  private static let queue = DispatchQueue(label: "masterpool.deploy.scan", qos: .utility)
  private static let ignored: Set<String> = [".git"]
  /// Deeper trees are cut off, links in a circle among them.
  private static let maxDepth = 64

  /// Looks through all folders, which takes its time: not to be called where others wait.
  init(_ policy: DeployPolicy) {
    self.policy = policy
    descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    guard descriptor >= 0 else {
      complain("changes are not noticed: \(reason())")
      return
    }
    scan()
    let added = ReadableWatch.shared.add(
      descriptor,
      onReadable: { [weak self] in
        guard let self else { return .done }
        readEvents()
        return .again
      }, onEnd: { [descriptor] in close(descriptor) })
    token.withLock { $0 = added }
  }

  deinit { end() }

  /// Nothing is noticed any more.
  func end() {
    if let token = token.withLock({ $0 }) { ReadableWatch.shared.cancel(token) }
  }

  /// True once after changes that are over.
  func takeChange(at now: Instant) -> Bool {
    let isSettled = state.withLock { state in
      guard let changed = state.changed, now - changed >= policy.settle else { return false }
      state.changed = nil
      return true
    }
    // What came meanwhile in places that were not watched yet, or in other places under the same names.
    if isSettled { Self.queue.async { [weak self] in self?.scan() } }
    return isSettled
  }

  /// Why not everything is noticed, told once.
  func takeProblem() -> String? {
    state.withLock { state in
      defer { state.problem = nil }
      return state.problem
    }
  }

  var watchCount: Int { state.withLock { $0.folders.count } }

  // MARK: Adding

  private func scan() {
    var seen: Set<Int32> = []
    for path in policy.watch {
      watchPlace(of: path)
      watchTree(path, depth: 0, &seen)
    }
  }

  /// It may be a file, not be there yet, or be a link that is replaced.
  private func watchPlace(of path: String) {
    let parts = path.split(separator: "/")
    guard let name = parts.last, let number = add("/" + parts.dropLast().joined(separator: "/")) else { return }
    state.withLock { _ = $0.wantedNames[number, default: []].insert(String(name)) }
  }

  /// - Parameter seen: folders have one watch under all of their names, so that links in a circle come to an end.
  private func watchTree(_ path: String, depth: Int, _ seen: inout Set<Int32>) {
    guard depth < Self.maxDepth, let number = add(path), seen.insert(number).inserted else { return }
    state.withLock { _ = $0.trees.insert(number) }
    guard let stream = opendir(path) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      guard let name = clinux_entry_name(entry).map({ String(cString: $0) }), name != ".", name != "..",
        !Self.ignored.contains(name)
      else { continue }
      let type = Int32(entry.pointee.d_type)
      guard type == Int32(DT_DIR) || type == Int32(DT_LNK) || type == Int32(DT_UNKNOWN) else { continue }
      watchTree("\(path)/\(name)", depth: depth + 1, &seen)
    }
  }

  private func complain(_ problem: String) {
    state.withLock { state in
      if state.told.insert(problem).inserted { state.problem = problem }
    }
  }

  /// Its watch; nil: no folder, or one too many.
  private func add(_ folder: String) -> Int32? {
    guard watchCount < policy.maxWatches || isKnown(folder) else {
      complain(
        "there are more than \(policy.maxWatches) folders (deploy.max_watches): changes in some are not noticed")
      return nil
    }
    let number = inotify_add_watch(descriptor, folder, Self.changes)
    if number < 0 {
      if errno == ENOSPC {
        complain("the kernel watches no more folders (fs.inotify.max_user_watches): changes in some are not noticed")
      }
      return nil
    }
    state.withLock { $0.folders[number] = folder }
    return number
  }

  /// Only asked where there are as many as there may be.
  private func isKnown(_ folder: String) -> Bool { state.withLock { $0.folders.values.contains(folder) } }

  // MARK: Noticing

  private func readEvents() {
    withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { room in
      let count = read(descriptor, room.baseAddress, room.count)
      guard count > 0 else { return }
      var at = 0
      let headSize = 16
      while at + headSize <= count {
        let number = room.loadUnaligned(fromByteOffset: at, as: Int32.self)
        let mask = room.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
        let length = Int(room.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
        guard at + headSize + length <= count else { return }
        let name = String(
          decoding: room[(at + headSize)..<(at + headSize + length)].prefix { $0 != 0 }, as: UTF8.self)
        at += headSize + length
        note(number, mask, name)
      }
    }
  }

  private func note(_ number: Int32, _ mask: UInt32, _ name: String) {
    let newFolder = state.withLock { state -> String? in
      if mask & UInt32(IN_IGNORED) != 0 {
        state.folders[number] = nil
        state.wantedNames[number] = nil
        state.trees.remove(number)
        return nil
      }
      let isTree = state.trees.contains(number) || number < 0
      guard isTree || state.wantedNames[number]?.contains(name) == true else { return nil }
      guard !Self.ignored.contains(name) else { return nil }
      // Also where the kernel lost some: something has changed.
      state.changed = Clock.now()
      let appeared = mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0
      return appeared ? state.folders[number].map { "\($0)/\(name)" } : nil
    }
    // Before it settles, so that what is still being written below it counts. A file is no folder, and is left alone.
    var seen: Set<Int32> = []
    if let newFolder { watchTree(newFolder, depth: 1, &seen) }
  }
}
