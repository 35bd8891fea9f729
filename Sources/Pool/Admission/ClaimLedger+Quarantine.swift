/// Nodes that wedge workers: together they hold one worker of a pool at a time, and wait for it beside the line, where
/// they are in nobody's way.
extension ClaimLedger {
  /// These and no others, for each pool in its order, by the hashes under which they ask.
  public mutating func quarantine(_ nodes: [Set<UInt64>], at now: Instant) -> Verdict {
    var verdict = Verdict()
    for (pool, nodes) in zip(pools.indices, nodes) where pools[pool].quarantined != nodes {
      pools[pool].quarantine(nodes)
      verdict.grants += pools[pool].grants(pool: pool, at: now)
    }
    return verdict
  }

  public func isQuarantined(_ node: UInt64, in pool: Int) -> Bool { pools[pool].isQuarantined(node) }
}

extension PoolLedger {
  static let confinedWorkers = 1

  func isQuarantined(_ node: UInt64) -> Bool { !quarantined.isEmpty && quarantined.contains(node) }

  mutating func quarantine(_ nodes: Set<UInt64>) {
    quarantined = nodes
    line.confine { nodes.contains($0.node) }
    confinedClaims = seats.reduce(0) { sum, seat in
      sum + seat.places.count { $0.asker.map { nodes.contains($0.node) } ?? false }
    }
  }

  /// A quarantined node's request may have a worker now.
  var admitsConfined: Bool { confinedClaims < Self.confinedWorkers }

  /// Whose turn is next of those that may have one.
  var next: (spot: UInt32, asker: Asker)? {
    guard line.confinedCount > 0, admitsConfined else { return line.first }
    return line.firstOfAll
  }
}
