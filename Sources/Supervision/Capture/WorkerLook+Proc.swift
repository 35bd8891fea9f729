import Glibc
import Pool

extension WorkerLook {
  /// What the living members of a process group have done so far; nil where there is none.
  ///
  /// Where `/proc/PID/io` may not be read, transfers do not count.
  init?(group: Int32) {
    self.init(processorTime: .zero, transfers: 0, wantsProcessor: false, processes: 0)
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      for pid in ProcessTable.members(of: group) { add(pid, buffer) }
    }
    if processes == 0 { return nil }
  }

  /// Threads that are looked at in one process.
  private static let maxThreads = 256

  private mutating func add(_ pid: Int32, _ buffer: UnsafeMutableRawBufferPointer) {
    guard let text = ProcFile.read("/proc/\(pid)/stat", into: buffer), let stat = ThreadStat(text), !stat.hasEnded
    else { return }
    processes += 1
    processorTime += stat.processorTime
    if let text = ProcFile.read("/proc/\(pid)/io", into: buffer) { transfers &+= Self.transfers(text) }
    for thread in ProcessTable.threads(of: pid).prefix(Self.maxThreads) where !wantsProcessor {
      guard let text = ProcFile.read("/proc/\(pid)/task/\(thread)/stat", into: buffer), let stat = ThreadStat(text)
      else { continue }
      wantsProcessor = stat.state == UInt8(ascii: "R")
    }
  }

  /// The sum of all that proc(5) counts there; only whether it changes is of interest.
  private static func transfers(_ text: some Collection<UInt8>) -> UInt64 {
    text.split(separator: UInt8(ascii: "\n")).reduce(0) { sum, line in
      guard let colon = line.lastIndex(of: UInt8(ascii: ":")) else { return sum }
      return sum &+ (UInt64(decimal: line[line.index(after: colon)...].drop { $0 == UInt8(ascii: " ") }) ?? 0)
    }
  }
}

/// State and times of a process or a thread, of proc(5)'s stat.
struct ThreadStat: Hashable, Sendable {
  var state: UInt8
  var processorTime: Duration

  private static let ticksPerSecond = max(1, Int64(sysconf(Int32(_SC_CLK_TCK))))

  init?(_ stat: some Collection<UInt8>) {
    let bytes = Array(stat)
    guard let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count >= 13, let state = fields[0].first, let user = Int64(decimal: fields[11]),
      let system = Int64(decimal: fields[12])
    else { return nil }
    self.state = state
    let (ticks, overflow) = user.addingReportingOverflow(system)
    processorTime = .seconds(overflow ? 0 : ticks) / Int(Self.ticksPerSecond)
  }

  var hasEnded: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
}

extension ProcessTable {
  /// A process group's, the leader first.
  static func members(of group: Int32) -> [Int32] {
    let others = pids().filter { $0 != group && getpgid($0) == group }
    return getpgid(group) == group ? [group] + others : others
  }

  static func threads(of pid: Int32) -> [Int32] { numbers(in: "/proc/\(pid)/task").sorted() }
}
