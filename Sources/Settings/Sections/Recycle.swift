import Pool

/// The bounds of what a pool's recycles may be told.
enum RecycleBounds {
  static let every = Duration.milliseconds(100) ... .seconds(365 * 86400)
  /// With all of its age limit as jitter a worker could come due at its birth.
  static let jitterPercent = 0...90
  static let memory = ByteCount.mebibytes(1) ... .mebibytes(16 << 20)
  static let nearBudgetPercent = 10...100
  static let requests = 1...1_000_000_000
  static let minAge = Duration.zero ... .seconds(86400)
  static let windows = 1...100
  static let loadPercent = 1...100
  static let surge = 0...1024
  static let budgetPercent = 1...100
}

extension Reader {
  func recycle(_ section: Section, size: Int) -> RecyclePolicy {
    let given = RecyclePolicy()
    let policy = RecyclePolicy(
      every: section.read("every", given.every) { field in
        field.off { $0.time(in: RecycleBounds.every, or: "off") }
      },
      jitter: section.read("jitter", given.jitter) { field in
        field.percent(in: RecycleBounds.jitterPercent).map { Double($0) / 100 }
      },
      memory: section.read("memory", given.memory, memory),
      memoryLimit: section.read("memory_limit", given.memoryLimit, memory),
      measure: section.read("measure", given.measure) { $0.choice(MemoryMeasure.self) },
      nearBudget: section.read("near_budget", given.nearBudget, shown: "\(given.nearBudget)%") {
        $0.percent(in: RecycleBounds.nearBudgetPercent)
      },
      requests: section.read("requests", given.requests) { field in
        field.off { $0.integer(in: RecycleBounds.requests, or: "off") }
      },
      minAge: section.read("min_age", given.minAge) { $0.time(in: RecycleBounds.minAge) },
      windows: section.read("windows", given.windows, shown: "[]", windows),
      loadBelow: section.read("load_below", given.loadBelow) { field in
        field.off { $0.percent(in: RecycleBounds.loadPercent, or: "off") }
      },
      surge: section.read("surge", given.surge) { $0.integer(in: RecycleBounds.surge) },
      minReady: section.read("min_ready", given.minReady) { share($0, of: size) })
    refuseContradictions(policy, section, size: size)
    return policy
  }

  private func memory(_ field: Field) -> ByteCount?? {
    field.off { $0.size(in: RecycleBounds.memory, or: "off") }
  }

  /// `50%`, or a number of workers up to the pool's size.
  private func share(_ field: Field, of size: Int) -> Share? {
    if field.isPercentage {
      return field.percent(in: 0...100, or: "a number of workers").map { .percent($0) }
    }
    return field.integer(in: 0...size, or: "a percentage such as 50%").map { .count($0) }
  }

  private func refuseContradictions(_ policy: RecyclePolicy, _ section: Section, size: Int) {
    if let soft = policy.memory, let hard = policy.memoryLimit, soft >= hard, let field = section["memory"] {
      field.problem(
        "\(soft) is not below memory_limit (\(hard)), so no worker would go gracefully", "write less than \(hard)")
    }
    if policy.loadBelow != nil, policy.every == nil, let field = section["load_below"] {
      field.problem(
        "with every: off nothing says how long to wait for a quiet moment, which is twice every", "write every: 1h")
    }
    let wanted = policy.minReady.of(size)
    guard policy.surge == 0, wanted >= size else { return }
    (section["min_ready"] ?? section["surge"] ?? section.field).problem(
      "with surge 0 a recycle leaves \(size - 1) of \(size) workers ready, and min_ready wants \(wanted)",
      size == 1 ? "write surge: 1, or min_ready: 0" : "write surge: 1, or min_ready: \(size - 1) or less")
  }

  /// `8GiB`, or `75%` of what there is; never more than there is.
  func memoryBudget(_ pool: Section) -> ByteCount? {
    pool.read("memory_budget", nil) { field in
      field.off { field in
        guard field.isPercentage else {
          return field.size(in: RecycleBounds.memory, or: "off, or a percentage such as 75%")
            .map { min($0, surroundings.memory ?? $0) }
        }
        guard let percent = field.percent(in: RecycleBounds.budgetPercent, or: "a size such as 8GiB") else {
          return nil
        }
        guard let memory = surroundings.memory else {
          field.problem("this machine does not say how much memory it has", "write a size such as 8GiB")
          return nil
        }
        return memory.percent(percent)
      }
    }
  }
}

extension Field {
  fileprivate var isPercentage: Bool {
    if case .plain(let text) = shape { text.hasSuffix("%") } else { false }
  }
}
