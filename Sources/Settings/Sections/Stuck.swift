import Pool

/// The bounds of what may be said of stuck workers and the nodes that wedge them.
enum StuckBounds {
  static let factor = 2...1000
  static let atLeast = Duration.milliseconds(100) ... .seconds(86400)
  static let samples = 1...4000
  static let look = Duration.milliseconds(100) ... .seconds(60)
  static let histories = 1...1_000_000
  static let strikes = 1...100
  static let within = Duration.seconds(1) ... .seconds(7 * 86400)
  static let quarantine = Duration.seconds(1) ... .seconds(30 * 86400)
  static let nodes = 1...100_000
}

extension Reader {
  func stuck(_ section: Section) -> StuckPolicy {
    let given = StuckPolicy()
    return StuckPolicy(
      factor: section.read("factor", given.factor) { field in
        field.off { $0.integer(in: StuckBounds.factor, or: "off") }
      },
      atLeast: section.read("at_least", given.atLeast) { $0.time(in: StuckBounds.atLeast) },
      samples: section.read("samples", given.samples) { $0.integer(in: StuckBounds.samples) },
      look: section.read("look", given.look) { $0.time(in: StuckBounds.look) },
      nodes: section.read("nodes", given.nodes) { $0.integer(in: StuckBounds.histories) })
  }

  func quarantine(_ section: Section) -> QuarantinePolicy {
    let given = QuarantinePolicy()
    return QuarantinePolicy(
      strikes: section.read("strikes", given.strikes) { field in
        field.off { $0.integer(in: StuckBounds.strikes, or: "off") }
      },
      within: section.read("within", given.within) { $0.time(in: StuckBounds.within) },
      for: section.read("for", given.for) { $0.time(in: StuckBounds.quarantine) },
      nodes: section.read("nodes", given.nodes) { $0.integer(in: StuckBounds.nodes) })
  }

  /// The worker that comes along knows how; another would be ended by the signal.
  func backtrace(_ pool: Section, _ kind: MasterKind?) -> BacktraceSignal? {
    let given: BacktraceSignal? =
      switch kind {
      case .puppet: .usr2
      case .command, nil: nil
      }
    return pool.read("backtrace", given) { field in field.off { $0.choice(BacktraceSignal.self) } }
  }
}

// MARK: Summary

func suspecting(_ policy: StuckPolicy) -> String {
  guard let factor = policy.factor else { return "no age below that is suspect" }
  return "suspect at \(factor) times p99 of its route and node, from \(policy.atLeast.short) on, "
    + "and stopped if it does nothing for \(policy.look.short)"
}

func histories(_ policy: StuckPolicy) -> String? {
  guard policy.factor != nil else { return nil }
  return "once \(counted(policy.samples, "request")) of a route told; "
    + "\(policy.nodes) histories of nodes remembered"
}

func quarantining(_ policy: QuarantinePolicy) -> String {
  guard let strikes = policy.strikes else { return "no node is quarantined for it" }
  return "a node with \(counted(strikes, "stuck worker")) within \(policy.within.short) gets one worker at most, "
    + "for \(policy.for.short); \(counted(policy.nodes, "node")) remembered"
}
