import Foundation
import Pool
import TestSupport
import Testing

@testable import Supervision

/// What a machine and its control groups allow, as their files say it.
@Suite struct AllowanceTests {
  private static let machine = ["/proc/meminfo": "MemTotal:       16384 kB\nMemFree: 1 kB\n"]

  @Test(
    arguments: [
      (["/proc/self/cgroup": "0::/\n"], 16384),
      (["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.max": "8388608\n"], 8192),
      (
        [
          "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.max": "8388608\n",
          "/sys/fs/cgroup/a/b/memory.max": "4194304\n",
        ], 4096
      ),
      (["/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n"], 16384),
      (["/proc/self/cgroup": "0::/elsewhere\n", "/sys/fs/cgroup/memory.max": "1048576\n"], 1024),
      (
        [
          "/proc/self/cgroup": "7:cpu,memory:/x\n0::/\n",
          "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "2097152\n",
          "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        ], 2048
      ),
      (["/proc/self/cgroup": "nonsense\n0::\n"], 16384),
    ] as [([String: String], Int)])
  func theLeastOfAllLimitsHolds(_ files: [String: String], _ kibibytes: Int) async throws {
    try await withTemporaryDirectory { root in
      for (path, text) in files.merging(Self.machine, uniquingKeysWith: { $1 }) {
        let url = URL(filePath: root + path)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
      }
      #expect(MemoryAllowance(root: root).total == .kibibytes(kibibytes))
    }
  }

  @Test func nothingSaysNothing() async throws {
    try await withTemporaryDirectory { root in #expect(MemoryAllowance(root: root).total == nil) }
  }

  @Test func thisMachineHasMemory() throws {
    let total = try #require(MemoryAllowance().total)
    #expect(total > .mebibytes(64))
  }
}
