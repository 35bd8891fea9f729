import Dispatch
import Glibc
import Pool
import Synchronization

/// Measures process groups: one pass over the names in /proc with a getpgid each finds the members, and only they
/// are opened.
///
/// For a rollup the kernel walks all page tables of a process, about a millisecond for 100 MB, so one is only asked
/// for when the resident set, which costs nothing, has changed or the last is old. All of it happens on a queue of
/// its own, one sample after the other.
final class MemorySampler: Sendable {
  private let queue = DispatchQueue(label: "masterpool.memory", qos: .utility)
  private let known = Mutex<[Int32: KnownMemory]>([:])

  init() {}

  /// - Returns: a sample for each group that has a living member.
  func sample(groups: [Int32]) async -> [Int32: MemorySample] {
    guard !groups.isEmpty else { return [:] }
    return await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: self.measure(Set(groups), at: Clock.now())) }
    }
  }

  func measure(_ groups: Set<Int32>, at now: Instant) -> [Int32: MemorySample] {
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      known.withLock { known in
        var samples: [Int32: MemorySample] = [:]
        var stillKnown: [Int32: KnownMemory] = [:]
        for (pid, group) in Self.members(of: groups) {
          guard let memory = Self.measure(pid, known[pid], at: now, buffer) else { continue }
          stillKnown[pid] = memory
          samples[group] = samples[group].map { $0 + memory.sample } ?? memory.sample
        }
        known = stillKnown
        return samples
      }
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
  private static func measure(
    _ pid: Int32, _ known: KnownMemory?, at now: Instant, _ buffer: UnsafeMutableRawBufferPointer
  ) -> KnownMemory? {
    guard let text = ProcFile.read("/proc/\(pid)/statm", into: buffer),
      let resident = MemorySample(statm: text, pageSize: pageSize), resident.pss > ByteCount(bytes: 0)
    else { return nil }
    if let known, known.holds(resident: resident.pss, at: now) { return known }
    if let text = ProcFile.read("/proc/\(pid)/smaps_rollup", into: buffer) {
      return MemorySample(smapsRollup: text).map { KnownMemory(sample: $0, resident: resident.pss, measured: now) }
    }
    // ESRCH: it has ended meanwhile. Anything else: not allowed, or a kernel without it.
    return errno == ESRCH ? nil : KnownMemory(sample: resident, resident: resident.pss, measured: now)
  }

  private static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
}

/// A process's last rollup, and what its resident set was then.
struct KnownMemory: Hashable, Sendable {
  /// Its share may change without any doing of its own, when others that shared its pages come or go.
  static let longest = Duration.seconds(10)
  /// One part in so many of the resident set, or the floor if that is more, is no change.
  private static let tolerance = 64
  private static let floor = ByteCount.mebibytes(1)

  var sample: MemorySample
  var resident: ByteCount
  var measured: Instant

  func holds(resident now: ByteCount, at time: Instant) -> Bool {
    let change = abs(now.bytes - resident.bytes)
    return change <= max(resident.bytes / Self.tolerance, Self.floor.bytes) && time - measured < Self.longest
  }
}
