/// Why a worker ended, or is to end.
public enum RecycleReason: String, Hashable, Sendable, Codable, CaseIterable {
  case timer
  case memory
  case memoryLimit = "memory_limit"
  case requests
  case stuck
  case unhealthy
  case crash
  case manual
  case deploy
  case scale
  case reload
  case shutdown

  /// Nobody is waiting for it: it may be put off to a better time.
  public var isPlanned: Bool {
    switch self {
    case .timer, .memory, .requests: true
    case .memoryLimit, .stuck, .unhealthy, .crash, .manual, .deploy, .scale, .reload, .shutdown: false
    }
  }
}

/// What was measured against which limit when the decision fell.
public enum Measurement: Hashable, Sendable, Codable {
  case age(Duration, limit: Duration)
  case memory(ByteCount, limit: ByteCount)
  /// What all the pool's processes held together, of which it held the most.
  case memoryBudget(ByteCount, limit: ByteCount)
  case requests(Int, limit: Int)
  case requestAge(Duration, limit: Duration)
  case failedProbes(Int, limit: Int)
  /// How a process ended: its exit status, or the signal that ended it.
  case exited(status: Int32)
  case signalled(Int32)
  /// It ended, and nobody could see how: an earlier supervisor's child.
  case vanished
  /// The kernel ended it for want of memory.
  case outOfMemory
  /// It never got ready: the probe's last word.
  case notReady(String)
}
