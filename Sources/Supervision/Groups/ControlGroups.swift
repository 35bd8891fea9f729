import CLinux
import Glibc
import Pool

/// Control groups of version 2 (cgroups(7)) for workers, in a group of ours that the machine has delegated to us.
///
/// Where a group may not have memory of its own, it still holds all that a worker starts, however it tries to get away,
/// for one write to end. Where there is no such group at all, process groups have to do.
struct ControlGroups: Hashable, Sendable {
  /// Holds the workers' groups, and none of our own processes.
  let folder: String
  /// Workers' groups have `memory.current` and what belongs to it.
  let countsMemory: Bool

  private static let name = "workers"

  /// Nil: no group is ours to write to.
  ///
  /// A group whose processes are in it can give its children no memory of their own (cgroups(7), "no internal
  /// processes"), and with that a service manager could put no new process into it either. So memory is only asked for
  /// where the manager has put us into a group below the one that it gave us: `DelegateSubgroup=supervisor`.
  static func find(
    root: String = "", isDelegated: (String) -> Bool = { clinux_is_delegated($0) }
  ) -> ControlGroups? {
    guard let group = ownGroup(root), let mount = mount(root) else { return nil }
    let own = "\(root)\(mount)\(group)"
    if group.hasSuffix("/supervisor") {
      let parent = String(own.dropLast("/supervisor".count))
      if isDelegated(parent), let groups = prepare(in: parent) { return groups }
    }
    // The top that we see is all ours, as in a container.
    return group.isEmpty || isDelegated(own) ? prepare(in: own) : nil
  }

  /// The machine's real top lacks what every group below it has, and is nobody's to divide.
  private static func prepare(in own: String) -> ControlGroups? {
    let text = GroupFile(path: "\(own)/cgroup.type").text
    guard text == "domain" else { return nil }
    let folder = "\(own)/\(name)"
    guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { return nil }
    let isEmpty = GroupFile(path: "\(own)/cgroup.procs").text?.isEmpty == true
    guard isEmpty, GroupFile(path: "\(own)/cgroup.subtree_control").write("+memory"),
      GroupFile(path: "\(folder)/cgroup.subtree_control").write("+memory")
    else { return ControlGroups(folder: folder, countsMemory: false) }
    return ControlGroups(folder: folder, countsMemory: true)
  }

  /// Version 2's line begins with `0::`.
  private static func ownGroup(_ root: String) -> String? {
    GroupFile(path: "\(root)/proc/self/cgroup").text?.split(separator: "\n").first { $0.hasPrefix("0::/") }
      .map { $0 == "0::/" ? "" : String($0.dropFirst(3)) }
  }

  /// Alone, or beside version 1.
  private static func mount(_ root: String) -> String? {
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first { access("\(root)\($0)/cgroup.controllers", F_OK) == 0 }
  }

  /// A group for one worker, empty; nil where none could be made.
  /// - Parameter memoryLimit: beyond it the kernel takes memory back and slows the worker down, until it is cut off.
  func make(for id: WorkerID, memoryLimit: ByteCount?) -> WorkerGroup? {
    let group = place(of: id)
    guard mkdir(group.folder, 0o755) == 0 || errno == EEXIST else { return nil }
    if countsMemory, let memoryLimit { group.slowDown(beyond: memoryLimit) }
    return group
  }

  /// The one that an earlier supervisor made for a worker that lives on.
  func find(for id: WorkerID) -> WorkerGroup? {
    let group = place(of: id)
    return access(group.entrance, F_OK) == 0 ? group : nil
  }

  private func place(of id: WorkerID) -> WorkerGroup {
    WorkerGroup(folder: "\(folder)/\(id.pool).\(id.slot.index).\(id.generation)", countsMemory: countsMemory)
  }

  /// What earlier workers left behind: those groups that nobody is in.
  func removeRemains() {
    guard let directory = opendir(folder) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      guard let name = clinux_entry_name(entry).map({ String(cString: $0) }) else { continue }
      if name.contains("."), !name.hasPrefix(".") { rmdir("\(folder)/\(name)") }
    }
  }
}

/// One worker's control group.
struct WorkerGroup: Hashable, Sendable {
  let folder: String
  let countsMemory: Bool

  /// Where a process writes `0` to join.
  var entrance: String { "\(folder)/cgroup.procs" }

  @discardableResult
  func add(_ pid: Int32) -> Bool { GroupFile(path: entrance).write("\(pid)") }

  func slowDown(beyond limit: ByteCount) { GroupFile(path: "\(folder)/memory.high").write("\(limit.bytes)") }

  /// SIGKILL to all that are in it; no fork gets away. False: the kernel is older than 5.14.
  @discardableResult
  func kill() -> Bool { GroupFile(path: "\(folder)/cgroup.kill").write("1") }

  /// With caches of files and what the kernel holds for it, so more than PSS tells.
  var memory: ByteCount? {
    GroupFile(path: "\(folder)/memory.current").text.flatMap { Int($0) }.map { ByteCount(bytes: $0) }
  }

  /// How many of its processes the kernel has killed for want of memory.
  var outOfMemoryKills: Int { GroupFile(path: "\(folder)/memory.events").value(of: "oom_kill") ?? 0 }

  var isEmpty: Bool { GroupFile(path: "\(folder)/cgroup.events").value(of: "populated") == 0 }

  /// False: somebody is in it still.
  @discardableResult
  func remove() -> Bool { rmdir(folder) == 0 || errno == ENOENT }
}

/// One of the kernel's small files.
struct GroupFile {
  /// None is longer.
  private static let capacity = 64 << 10

  let path: String

  /// Without the last line's end; nil: it cannot be read.
  var text: String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return withUnsafeTemporaryAllocation(byteCount: Self.capacity, alignment: 1) { buffer in
      let count = read(file, buffer.baseAddress, buffer.count)
      guard count >= 0 else { return nil }
      let text = String(decoding: buffer[..<count], as: UTF8.self)
      return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
  }

  /// Of a line `key 12`.
  func value(of key: String) -> Int? {
    text?.split(separator: "\n").first { $0.hasPrefix("\(key) ") }.flatMap { Int($0.dropFirst(key.utf8.count + 1)) }
  }

  @discardableResult
  func write(_ text: String) -> Bool {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    return Glibc.write(file, text, text.utf8.count) == text.utf8.count
  }
}
