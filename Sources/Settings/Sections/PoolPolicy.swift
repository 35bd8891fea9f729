import Pool

/// The bounds of what a pool may be told.
enum PoolBounds {
  static let workers = 1...1024
  static let concurrency = 1...10_000
  static let requestTimeout = Duration.milliseconds(100) ... .seconds(86400)
  static let readyTimeout = Duration.milliseconds(100) ... .seconds(3600)
  static let aliveEvery = Duration.milliseconds(100) ... .seconds(3600)
  static let aliveTimeout = Duration.milliseconds(10) ... .seconds(600)
  static let aliveFailures = 1...100
  static let drain = Duration.zero ... .seconds(86400)
  static let terminate = Duration.zero ... .seconds(3600)
}

extension Reader {
  func policy(_ pool: Section, _ preset: Preset?, _ kind: MasterKind?) -> PoolPolicy {
    let cores = min(surroundings.coreCount, PoolBounds.workers.upperBound)
    let size = pool.read("workers", cores, shown: "auto") { field in
      field.isWord("auto") ? cores : field.integer(in: PoolBounds.workers, or: "auto")
    }
    return PoolPolicy(
      size: size, concurrency: concurrency(pool, kind), queue: queue(pool.section("queue")),
      requestTimeout: pool.read("request_timeout", .seconds(600)) { $0.time(in: PoolBounds.requestTimeout) },
      ready: ready(pool.section("ready"), preset), alive: alive(pool.section("alive"), preset),
      recycle: recycle(pool.section("recycle"), size: size), stop: stop(pool.section("stop")),
      stuck: stuck(pool.section("stuck")), quarantine: quarantine(pool.section("quarantine")), preload: parent(pool),
      memoryBudget: memoryBudget(pool))
  }

  private func concurrency(_ pool: Section, _ kind: MasterKind?) -> Int {
    let concurrency = pool.read("concurrency", 1) { $0.integer(in: PoolBounds.concurrency) }
    switch kind {
    case .command, nil: break
    case .puppet:
      guard concurrency > 1, let field = pool["concurrency"] else { break }
      field.problem("a Puppet worker serves one request at a time", "write 1, and more workers")
    }
    return concurrency
  }

  private func ready(_ section: Section, _ preset: Preset?) -> ReadyPolicy {
    let given = ReadyPolicy()
    return ReadyPolicy(
      path: section.read("path", preset?.readyPath ?? given.path, probePath),
      timeout: section.read("timeout", given.timeout) { $0.time(in: PoolBounds.readyTimeout) })
  }

  private func alive(_ section: Section, _ preset: Preset?) -> AlivePolicy {
    let given = AlivePolicy()
    return AlivePolicy(
      path: section.read("path", preset?.alivePath ?? given.path, probePath),
      every: section.read("every", given.every) { $0.time(in: PoolBounds.aliveEvery) },
      timeout: section.read("timeout", given.timeout) { $0.time(in: PoolBounds.aliveTimeout) },
      failures: section.read("failures", given.failures) { $0.integer(in: PoolBounds.aliveFailures) })
  }

  /// A request's target: visible ASCII from the first slash on.
  private func probePath(_ field: Field) -> String? {
    guard let path = field.text(expected: "a path such as /status") else { return nil }
    guard path.hasPrefix("/") else {
      field.problem("\(quoted(path)) does not start with a slash", "write /\(path)")
      return nil
    }
    guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !path.contains("#") else {
      field.problem("\(quoted(path)) cannot stand in a request", "write it percent-encoded")
      return nil
    }
    return path
  }

  private func stop(_ section: Section) -> StopPolicy {
    let given = StopPolicy()
    return StopPolicy(
      drain: section.read("drain", given.drain) { $0.time(in: PoolBounds.drain) },
      terminate: section.read("terminate", given.terminate) { $0.time(in: PoolBounds.terminate) })
  }
}
