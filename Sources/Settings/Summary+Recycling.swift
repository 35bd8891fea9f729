import Pool

/// What ends a worker by itself.
func recycling(_ policy: RecyclePolicy) -> String {
  let percent = Int((policy.jitter * 100).rounded())
  let limits = [
    policy.every.map { "after \($0.short)\(percent == 0 ? "" : ", or up to \(percent)% sooner")" },
    policy.memory.map { "over \($0)\(measured(policy.measure)) gracefully" },
    policy.memoryLimit.map { "over \($0)\(measured(policy.measure)) at once" },
    policy.requests.map { "after \(counted($0, "request"))" },
  ].compactMap { $0 }
  return limits.isEmpty ? "never by itself" : limits.joined(separator: "; ")
}

private func measured(_ measure: MemoryMeasure) -> String {
  switch measure {
  case .pss: ""
  case .uss, .rss: " of \(measure.rawValue)"
  }
}

/// What a recycle that has time waits for; nil: for nothing but its turn.
func putOff(_ policy: RecyclePolicy) -> String? {
  var waits: [String] = []
  if policy.minAge > .zero, policy.memory != nil || policy.requests != nil {
    waits.append("for its memory or its requests at \(policy.minAge.short) of age or later")
  }
  let (only, never) = (policy.windows.only, policy.windows.never)
  if !only.isEmpty { waits.append("only \(only.map(\.description).joined(separator: " or "))") }
  waits += never.map { "never \($0)" }
  if let load = policy.loadBelow, let longest = policy.longestWait {
    waits.append("at a load below \(load)%, or at \(longest.short) of age")
  }
  return waits.isEmpty ? nil : waits.joined(separator: "; ")
}

/// Who goes before whom.
func turns(_ policy: PoolPolicy) -> String {
  let least = policy.recycle.minReady.of(policy.size)
  let order =
    policy.recycle.surge == 0
    ? "an old worker goes before its successor starts"
    : "up to \(counted(policy.recycle.surge, "successor")) ready before an old worker goes"
  return "\(order), at least \(least) of \(policy.size) ready"
}

func budget(_ policy: PoolPolicy) -> String? {
  policy.memoryBudget.map { budget in
    "\(budget) for all of it; from \(budget.percent(policy.recycle.nearBudget)) on the largest worker goes"
  }
}
