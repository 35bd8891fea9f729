import Pool

/// The bounds of what a pool's warm parent and its deploys may be told.
enum ParentBounds {
  static let every = Duration.seconds(1) ... .seconds(365 * 86400)
  static let readyTimeout = Duration.milliseconds(100) ... .seconds(3600)
  static let wait = Duration.zero ... .seconds(3600)
  static let forkTimeout = Duration.milliseconds(100) ... .seconds(600)
  static let ping = Duration.milliseconds(100) ... .seconds(3600)
  static let settle = Duration.milliseconds(100) ... .seconds(3600)
  static let maxWatches = 1...1_000_000
  static let watchedPaths = 100
}

extension Reader {
  /// Nil: the workers are started one by one.
  func parent(_ pool: Section) -> ParentPolicy? {
    let isWanted = pool.read("preload", false) { $0.yesOrNo() }
    let section = pool.section("parent")
    let given = ParentPolicy()
    let policy = ParentPolicy(
      every: section.read("every", given.every) { field in
        field.off { $0.time(in: ParentBounds.every, or: "off") }
      },
      memoryLimit: section.read("memory_limit", given.memoryLimit) { field in
        field.off { $0.size(in: RecycleBounds.memory, or: "off") }
      },
      readyTimeout: section.read("ready_timeout", given.readyTimeout) { $0.time(in: ParentBounds.readyTimeout) },
      wait: section.read("wait", given.wait) { $0.time(in: ParentBounds.wait) },
      forkTimeout: section.read("fork_timeout", given.forkTimeout) { $0.time(in: ParentBounds.forkTimeout) },
      ping: section.read("ping", given.ping) { $0.time(in: ParentBounds.ping) })
    if !isWanted, hasNoPreload(pool), let field = pool["parent"] {
      findings.add(
        field.keySpot, field.path, "without preload there is no parent", "write preload: yes, or take it out")
    }
    return isWanted ? policy : nil
  }

  /// As it is written, and not for a mistake in it.
  private func hasNoPreload(_ pool: Section) -> Bool {
    pool["preload"].map { $0.isWord("no") || $0.isWord("false") } ?? true
  }

  func deploy(_ pool: Section) -> DeployPolicy {
    let section = pool.section("deploy")
    let given = DeployPolicy()
    return DeployPolicy(
      watch: section.read("watch", given.watch, watchedPaths),
      settle: section.read("settle", given.settle) { $0.time(in: ParentBounds.settle) },
      maxWatches: section.read("max_watches", given.maxWatches) { $0.integer(in: ParentBounds.maxWatches) })
  }

  private func watchedPaths(_ field: Field) -> [String]? {
    guard let members = field.list(expected: "[/etc/puppet/code]") else { return nil }
    guard members.count <= ParentBounds.watchedPaths else {
      field.problem("it has \(members.count) paths", "write at most \(ParentBounds.watchedPaths)")
      return nil
    }
    let paths = members.map { path($0) }
    return paths.contains(nil) ? nil : paths.compactMap { $0 }
  }
}

extension Reader {
  /// A canary that nobody compiles would promise what is not kept.
  func refuseIdleCanary(_ pool: Section, _ policy: PoolPolicy) {
    guard policy.preload == nil, hasNoPreload(pool), pool["puppet"] != nil else { return }
    let section = pool.section("puppet")
    guard let field = section["canary"], !field.isWord("off") else { return }
    findings.add(
      field.keySpot, field.path, "without preload there is no parent that compiles it", "write preload: yes, or off")
  }
}
