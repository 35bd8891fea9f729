import Pool

/// A suspect as a proxy told of it.
struct HeardSuspect: Hashable, Sendable {
  /// One that is not told again for so long is none any more: its request has ended, or waits for its agent.
  static let lasts = Duration.seconds(3)

  var suspect: Suspect
  var heard: Instant

  func stands(at now: Instant) -> Bool { now - heard < Self.lasts }
}

extension Suspect {
  /// What is told of it, for an operator.
  var sentence: String {
    let who = node.map { ", asked by \($0)," } ?? ""
    let own = nodeP99.map { ", of this node \($0.short)" } ?? ""
    return "\(worker) has been at \(request)\(who) for \(age.short); p99 of this route is \(routeP99.short)\(own); "
      + "over \(limit.short) is suspect"
  }
}
