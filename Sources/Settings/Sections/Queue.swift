import Pool

/// The bounds of what a line may be told.
enum QueueBounds {
  static let limit = 0...100_000
  static let ceiling = 0...1_000_000
  static let timeout = Duration.milliseconds(10) ... .seconds(3600)
  static let lift = Duration.zero ... .seconds(3600)
  /// A Puppet agent sleeps no longer than its `runinterval`, and gives a run up after an hour.
  static let retryAfter = Duration.seconds(1) ... .seconds(3600)
  static let runQuiet = Duration.seconds(1) ... .seconds(86400)
  static let nodes = 1...10_000_000
}

extension Reader {
  func queue(_ section: Section) -> QueuePolicy {
    let given = QueuePolicy()
    let limit = section.read("limit", given.limit) { $0.integer(in: QueueBounds.limit) }
    let policy = QueuePolicy(
      limit: limit,
      ceiling: section.read("ceiling", QueuePolicy.ceiling(above: limit)) { $0.integer(in: QueueBounds.ceiling) },
      timeout: section.read("timeout", given.timeout) { $0.time(in: QueueBounds.timeout) },
      lift: section.read("lift", given.lift) { $0.time(in: QueueBounds.lift) },
      retryAfter: retryAfter(section.section("retry_after")),
      runQuiet: section.read("run_quiet", given.runQuiet) { $0.time(in: QueueBounds.runQuiet) },
      nodes: section.read("nodes", given.nodes) { $0.integer(in: QueueBounds.nodes) })
    if policy.ceiling < policy.limit, let field = section["ceiling"] {
      field.problem(
        "\(policy.ceiling) is below limit (\(policy.limit)), so nobody would be told when to come back",
        "write \(policy.limit) or more")
    }
    return policy
  }

  private func retryAfter(_ section: Section) -> RetryAfterPolicy {
    let given = RetryAfterPolicy()
    let policy = RetryAfterPolicy(
      min: section.read("min", given.min) { $0.time(in: QueueBounds.retryAfter) },
      max: section.read("max", given.max) { $0.time(in: QueueBounds.retryAfter) })
    if policy.max < policy.min, let field = section["max"] ?? section["min"] {
      field.problem(
        "max (\(policy.max.short)) is below min (\(policy.min.short))", "write max: \(policy.min.short) or more")
    }
    return policy
  }
}
