import Pool

/// The bounds of what the `nodes` section may say.
enum NodeBounds {
  static let limit = 1...1_000_000
  static let overdue = Duration.seconds(1) ... .seconds(30 * 86400)
  static let forget = Duration.seconds(60) ... .seconds(3650 * 86400)
}

extension Reader {
  func nodes(_ section: Section) -> NodePolicy {
    let usual = NodePolicy()
    let policy = NodePolicy(
      limit: section.read("limit", usual.limit) { $0.integer(in: NodeBounds.limit) },
      overdue: section.read("overdue", usual.overdue) { $0.time(in: NodeBounds.overdue) },
      forget: section.read("forget", usual.forget) { $0.time(in: NodeBounds.forget) })
    if policy.forget <= policy.overdue, let field = section["forget"] ?? section["overdue"] {
      field.problem(
        "forget (\(policy.forget.short)) is no longer than overdue (\(policy.overdue.short)), so nobody would be missed",
        "write a forget of more than \(policy.overdue.short)")
    }
    return policy
  }
}
