import Foundation
import Glibc
import Pool
import TestSupport
import Testing

@testable import Supervision

/// A tree of plain files that looks like the kernel's.
private struct FakeTree {
  let root: String

  func write(_ path: String, _ text: String) throws {
    let url = URL(filePath: root + path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func read(_ path: String) -> String? {
    (try? Data(contentsOf: URL(filePath: root + path))).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A delegated group with what the kernel would put into it and into its child.
  func makeGroup(_ path: String, processes: String) throws {
    try write("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
    for (file, text) in [("cgroup.type", "domain\n"), ("cgroup.procs", processes), ("cgroup.subtree_control", "")] {
      try write("/sys/fs/cgroup\(path)/\(file)", text)
    }
    try write("/sys/fs/cgroup\(path)/workers/cgroup.subtree_control", "")
  }
}

@Suite struct ControlGroupTests {
  private static let worker = WorkerID(
    slot: SlotID(pool: PoolName(rawValue: "masters").unsafelyUnwrapped, index: 2), generation: Generation(rawValue: 7)
  )

  @Test func besideOurOwnProcessesWorkersGetGroupsWithoutMemory() async throws {
    try await withTemporaryDirectory { root in
      let tree = FakeTree(root: root)
      try tree.write("/proc/self/cgroup", "0::/system.slice/masterpool.service\n")
      try tree.makeGroup("/system.slice/masterpool.service", processes: "12\n")
      let found = ControlGroups.find(root: root) { $0.hasSuffix("/masterpool.service") }
      let groups = try #require(found)
      #expect(groups.folder == "\(root)/sys/fs/cgroup/system.slice/masterpool.service/workers")
      #expect(!groups.countsMemory)
      // Else the service manager could put no process there.
      #expect(tree.read("/sys/fs/cgroup/system.slice/masterpool.service/cgroup.subtree_control") == "")
    }
  }

  @Test func inASubgroupOfOursWorkersGetMemoryOfTheirOwn() async throws {
    try await withTemporaryDirectory { root in
      let tree = FakeTree(root: root)
      try tree.write("/proc/self/cgroup", "1:name=systemd:/x\n0::/masterpool.service/supervisor\n")
      try tree.makeGroup("/masterpool.service", processes: "")
      let found = ControlGroups.find(root: root) { $0.hasSuffix("/masterpool.service") }
      let groups = try #require(found)
      #expect(groups.countsMemory)
      #expect(tree.read("/sys/fs/cgroup/masterpool.service/cgroup.subtree_control") == "+memory")
      #expect(tree.read("/sys/fs/cgroup/masterpool.service/workers/cgroup.subtree_control") == "+memory")

      let folder = "/sys/fs/cgroup/masterpool.service/workers/masters.2.7"
      try tree.write("\(folder)/memory.high", "max\n")
      try tree.write("\(folder)/memory.current", "4096\n")
      try tree.write("\(folder)/memory.events", "low 0\nhigh 3\noom 1\noom_kill 2\noom_group_kill 0\n")
      try tree.write("\(folder)/cgroup.events", "populated 0\nfrozen 0\n")
      try tree.write("\(folder)/cgroup.kill", "")
      try tree.write("\(folder)/cgroup.procs", "")
      let group = try #require(groups.make(for: Self.worker, memoryLimit: .mebibytes(64)))
      #expect(tree.read("\(folder)/memory.high") == "67108864\n" || tree.read("\(folder)/memory.high") == "67108864")
      #expect(group.memory == ByteCount(bytes: 4096))
      #expect(group.outOfMemoryKills == 2)
      #expect(group.isEmpty)
      #expect(group.add(12) && tree.read("\(folder)/cgroup.procs") == "12")
      #expect(group.kill() && tree.read("\(folder)/cgroup.kill") == "1")
    }
  }

  @Test(arguments: ["0::/\n", "", "4:memory:/x\n", "0::/gone\n"])
  func whereNothingIsOursThereAreNone(_ own: String) async throws {
    try await withTemporaryDirectory { root in
      let tree = FakeTree(root: root)
      try tree.write("/proc/self/cgroup", own)
      // As the real root: without a type.
      try tree.write("/sys/fs/cgroup/cgroup.controllers", "memory\n")
      let groups = ControlGroups.find(root: root) { $0.hasSuffix("/gone") }
      #expect(groups == nil)
    }
  }

  @Test func theKernelsCountOfKillsIsWatched() async throws {
    try await withTemporaryDirectory { root in
      let tree = FakeTree(root: root)
      try tree.write("/proc/vmstat", "pgfault 7\noom_kill 3\n")
      var watch = OutOfMemoryWatch(root: root)
      let start = Instant(nanoseconds: 0)
      watch.look(at: start)
      #expect(!watch.hasKilled(shortlyBefore: start))
      try tree.write("/proc/vmstat", "pgfault 7\noom_kill 4\n")
      watch.look(at: start + .seconds(1))
      watch.look(at: start + .seconds(2))
      #expect(watch.hasKilled(shortlyBefore: start + .seconds(3)))
      #expect(!watch.hasKilled(shortlyBefore: start + .seconds(7)))
    }
  }

  // MARK: Real

  /// Where version 2's tree is and may be written to.
  private static let tree: String? = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first { (path: String) -> Bool in
    access("\(path)/cgroup.controllers", F_OK) == 0 && access(path, W_OK) == 0 && geteuid() == 0
  }

  @Test(.enabled(if: tree != nil)) func allThatAWorkerStartedEndsWithItsGroup() async throws {
    let folder = "\(Self.tree ?? "")/masterpool-test-\(getpid())"
    try #require(mkdir(folder, 0o755) == 0)
    defer { rmdir(folder) }
    let groups = ControlGroups(folder: folder, countsMemory: false)
    let group = try #require(groups.make(for: Self.worker, memoryLimit: nil))
    let child = try ChildProcess.spawn(
      LaunchOrder(
        // The child of its child leaves the process group.
        arguments: ["/bin/sh", "-c", "setsid sleep 1000 & echo $!; exec sleep 1000"],
        environment: ["PATH": "/usr/bin:/bin"],
        groupEntrance: group.entrance))
    var lines = child.output.makeAsyncIterator()
    let line = try #require(await lines.next())
    let escaped = try #require(Int32(line.text))
    #expect(!group.isEmpty)
    let members = try #require(GroupFile(path: group.entrance).text?.split(separator: "\n").map(String.init))
    #expect(Set(members).isSuperset(of: ["\(child.pid)", "\(escaped)"]))
    #expect(!group.remove(), "somebody is in it")
    #expect(group.kill())
    #expect(await child.exit() == .signalled(SIGKILL, coreDumped: false))
    child.killRemains()
    while !group.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    #expect(group.remove())
  }

  /// Version 1's memory groups will do to be killed in.
  private static let oldTree = "/sys/fs/cgroup/memory"

  @Test(
    .enabled(
      if: access("\(oldTree)/memory.limit_in_bytes", F_OK) == 0 && access(oldTree, W_OK) == 0 && geteuid() == 0))
  func aRealKillForWantOfMemoryIsSeen() async throws {
    let folder = "\(Self.oldTree)/masterpool-test-\(getpid())"
    try #require(mkdir(folder, 0o755) == 0)
    defer { rmdir(folder) }
    #expect(GroupFile(path: "\(folder)/memory.limit_in_bytes").write("33554432"))
    var watch = OutOfMemoryWatch()
    let child = try ChildProcess.spawn(
      LaunchOrder(
        arguments: ["/usr/bin/perl", "-e", "my $x = 'a' x 200_000_000; sleep 1000"], environment: [:],
        groupEntrance: "\(folder)/cgroup.procs"))
    #expect(await child.exit() == .signalled(SIGKILL, coreDumped: false))
    watch.look(at: Clock.now())
    #expect(watch.hasKilled(shortlyBefore: Clock.now()))
    child.killRemains()
  }
}
