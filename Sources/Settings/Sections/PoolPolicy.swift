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
  static let recycleEvery = Duration.milliseconds(100) ... .seconds(365 * 86400)
  /// With all of its age limit as jitter a worker could come due at its birth.
  static let jitterPercent = 0...90
  static let memory = ByteCount.mebibytes(1) ... .mebibytes(16 << 20)
  static let requests = 1...1_000_000_000
  static let surge = 0...1024
  static let drain = Duration.zero ... .seconds(86400)
  static let terminate = Duration.zero ... .seconds(3600)
}

extension Reader {
  func policy(_ pool: Section, _ preset: Preset?, _ kind: MasterKind?) -> PoolPolicy {
    let cores = min(surroundings.coreCount, PoolBounds.workers.upperBound)
    let size = pool.read("workers", cores) { field in
      field.isWord("auto") ? cores : field.integer(in: PoolBounds.workers, or: "auto")
    }
    return PoolPolicy(
      size: size, concurrency: concurrency(pool, kind), queue: queue(pool.section("queue")),
      requestTimeout: pool.read("request_timeout", .seconds(600)) { $0.time(in: PoolBounds.requestTimeout) },
      ready: ready(pool.section("ready"), preset), alive: alive(pool.section("alive"), preset),
      recycle: recycle(pool.section("recycle"), size: size), stop: stop(pool.section("stop")),
      stuck: stuck(pool.section("stuck")), quarantine: quarantine(pool.section("quarantine")))
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

  private func recycle(_ section: Section, size: Int) -> RecyclePolicy {
    let given = RecyclePolicy()
    let policy = RecyclePolicy(
      every: section.read("every", given.every) { field in
        field.off { $0.time(in: PoolBounds.recycleEvery, or: "off") }
      },
      jitter: section.read("jitter", given.jitter) { field in
        field.percent(in: PoolBounds.jitterPercent).map { Double($0) / 100 }
      },
      memory: section.read("memory", given.memory, memory),
      memoryLimit: section.read("memory_limit", given.memoryLimit, memory),
      requests: section.read("requests", given.requests) { field in
        field.off { $0.integer(in: PoolBounds.requests, or: "off") }
      },
      surge: section.read("surge", given.surge) { $0.integer(in: PoolBounds.surge) },
      minReady: section.read("min_ready", given.minReady) { share($0, of: size) })
    refuseContradictions(policy, section, size: size)
    return policy
  }

  private func memory(_ field: Field) -> ByteCount?? {
    field.off { $0.size(in: PoolBounds.memory, or: "off") }
  }

  /// `50%`, or a number of workers up to the pool's size.
  private func share(_ field: Field, of size: Int) -> Share? {
    if case .plain(let text) = field.shape, text.hasSuffix("%") {
      return field.percent(in: 0...100, or: "a number of workers").map { .percent($0) }
    }
    return field.integer(in: 0...size, or: "a percentage such as 50%").map { .count($0) }
  }

  private func refuseContradictions(_ policy: RecyclePolicy, _ section: Section, size: Int) {
    if let soft = policy.memory, let hard = policy.memoryLimit, soft >= hard, let field = section["memory"] {
      field.problem(
        "\(soft) is not below memory_limit (\(hard)), so no worker would go gracefully", "write less than \(hard)")
    }
    let wanted = policy.minReady.of(size)
    guard policy.surge == 0, wanted >= size else { return }
    (section["min_ready"] ?? section["surge"] ?? section.field).problem(
      "with surge 0 a recycle leaves \(size - 1) of \(size) workers ready, and min_ready wants \(wanted)",
      size == 1 ? "write surge: 1, or min_ready: 0" : "write surge: 1, or min_ready: \(size - 1) or less")
  }

  private func stop(_ section: Section) -> StopPolicy {
    let given = StopPolicy()
    return StopPolicy(
      drain: section.read("drain", given.drain) { $0.time(in: PoolBounds.drain) },
      terminate: section.read("terminate", given.terminate) { $0.time(in: PoolBounds.terminate) })
  }
}
