import Pool

/// A pool's warm parent in the words of the summary.
func preloading(_ policy: ParentPolicy) -> String {
  let limits = [
    policy.every.map { "anew after \($0.short)" }, policy.memoryLimit.map { "over \($0)" },
  ].compactMap { $0 }
  return "workers are forked from a parent that is ready within \(policy.readyTimeout.short)"
    + (limits.isEmpty ? "" : ", \(limits.joined(separator: " or "))")
}

func watching(_ policy: ParentPolicy) -> String {
  "a start waits \(policy.wait.short) for it; asked every \(policy.ping.short), it forks or answers within "
    + policy.forkTimeout.short
}

func deploying(_ policy: DeployPolicy) -> String? {
  guard !policy.watch.isEmpty else { return nil }
  return "when \(policy.watch.joined(separator: ", ")) has changed and stayed so for \(policy.settle.short), "
    + "at most \(policy.maxWatches) folders watched"
}
