import Dispatch
import Glibc
import Pool

/// Measures process groups: one pass over the names in /proc with a getpgid each finds the members, and only they
/// are opened.
///
/// The kernel walks a process's page tables for its rollup, so this runs on a queue of its own, one at a time.
final class MemorySampler: Sendable {
  private static let queue = DispatchQueue(label: "masterpool.memory", qos: .utility)

  init() {}

  /// - Returns: a sample for each group that has a living member.
  func sample(groups: [Int32]) async -> [Int32: MemorySample] {
    guard !groups.isEmpty else { return [:] }
    return await withCheckedContinuation { continuation in
      Self.queue.async { continuation.resume(returning: Self.measure(groups)) }
    }
  }

  static func measure(_ groups: [Int32]) -> [Int32: MemorySample] {
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      var samples: [Int32: MemorySample] = [:]
      for (pid, group) in members(of: Set(groups)) {
        guard let sample = measure(pid, buffer) else { continue }
        samples[group] = samples[group].map { $0 + sample } ?? sample
      }
      return samples
    }
  }

  private static func members(of groups: Set<Int32>) -> [(pid: Int32, group: Int32)] {
    var found: [(pid: Int32, group: Int32)] = []
    for pid in ProcessTable.pids() {
      let group = getpgid(pid)
      if groups.contains(group) { found.append((pid, group)) }
    }
    // With hidepid= other users' processes have no names here, but the leaders are known.
    for group in groups where !found.contains(where: { $0.pid == group }) && getpgid(group) == group {
      found.append((group, group))
    }
    return found
  }

  /// Nil for one that has ended.
  private static func measure(_ pid: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> MemorySample? {
    if let text = ProcFile.read("/proc/\(pid)/smaps_rollup", into: buffer) { return MemorySample(smapsRollup: text) }
    // ESRCH: it has ended. Anything else: not allowed, or a kernel without it.
    guard errno != ESRCH, let text = ProcFile.read("/proc/\(pid)/statm", into: buffer) else { return nil }
    return MemorySample(statm: text, pageSize: Int(sysconf(Int32(_SC_PAGESIZE))))
  }
}
