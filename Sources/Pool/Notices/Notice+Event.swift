extension Notice {
  /// What an event tells of that has no end; nil: nothing, or a condition that is seen for itself.
  public init?(_ event: Event) {
    let kind: NoticeKind
    switch event.kind {
    case .exit:
      guard let exit = event.exit, let exitKind = NoticeKind(exit) else { return nil }
      kind = exitKind
    case .deployFailed: kind = .deployFailed
    case .wipeFailed: kind = .wipeFailed
    case .spawn, .ready, .drain, .wipe, .backOff, .proxy, .decision, .ledger, .stuck, .quarantine, .node, .notify,
      .parent,
      .deploy, .command, .reload, .supervisor:
      return nil
    }
    if let pool = event.pool, let index = event.slot {
      self.init(kind, slot: SlotID(pool: pool, index: index), generation: event.generation, summary: event.message)
    } else {
      let pool = event.pool
      self.init(kind, subject: pool?.rawValue ?? kind.rawValue, pool: pool, summary: event.message)
    }
  }
}

extension NoticeKind {
  fileprivate init?(_ exit: ExitRow) {
    switch exit.reason {
    case .stuck: self = .stuck
    case .memoryLimit: self = .memoryLimit
    // A younger one makes its slot back off, which is a condition.
    case .crash where exit.ageSeconds >= BackOff.stableAfter.inSeconds: self = .crash
    case .crash, .timer, .memory, .requests, .unhealthy, .manual, .deploy, .scale, .reload, .shutdown: return nil
    }
  }
}
