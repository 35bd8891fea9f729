import Pool

/// Whether the kernel has killed something for want of memory lately. It does not say whom, so that a SIGKILL that is
/// not ours in the same moments is taken for it.
struct OutOfMemoryWatch {
  /// Between the kernel's count and the news of the death.
  static let moments = Duration.seconds(5)

  private let file: GroupFile
  private var count: Int
  private var lastRise: Instant?

  /// - Parameter root: where `proc` is.
  init(root: String = "") {
    file = GroupFile(path: "\(root)/proc/vmstat")
    count = file.value(of: "oom_kill") ?? 0
  }

  mutating func look(at now: Instant) {
    guard let new = file.value(of: "oom_kill") else { return }
    if new > count { lastRise = now }
    count = new
  }

  func hasKilled(shortlyBefore now: Instant) -> Bool {
    lastRise.map { now - $0 <= Self.moments } ?? false
  }
}
