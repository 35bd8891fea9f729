import TestSupport

/// The settings of the patient, with what faults change of them.
struct SettingsInForce: Sendable {
  static let nodes = ["web-1.example", "web-2.example", "db-1.example", "db-2.example"]
  /// Past it a worker is stuck; clients' waits and recoveries are multiples of it.
  static let requestTimeout = Duration.seconds(4)
  /// No sooner is a worker taken for stuck that does nothing.
  static let suspicion = Duration.milliseconds(1500)

  /// Where workers are forked from a warm parent, if at all, and how that may go wrong.
  static let warmPool = "files"
  static let parentOrders = ["parent-crash", "parent-deaf", "parent-mute", "parent-unable"]

  let directory: String
  let certificates: Certificates
  let encrypted: UInt16
  let clear: UInt16
  let isPreloading: Bool
  var masters = 3
  var files = 2
  var threads = 2
  var maxConnections = 5000
  /// Goes into the workers' environment: another value is a rolling recycle.
  var edition = 1
  var every = "12s"

  /// Files by whose presence all workers of a pool start badly: crash, listen to nobody, fail their probes.
  static func order(_ what: String, pool: String, in directory: String) -> String {
    "\(directory)/orders/\(what)-\(pool)"
  }

  var yaml: String {
    var setup = Setup()
    setup.certificates = certificates
    setup.verifyClient = "optional"
    setup.listeners = ["{address: 127.0.0.1:\(clear)}"]
    setup.proxy = ["threads: \(threads)", "max_connections: \(maxConnections)", "drain: 20s"]
    setup.top = ["access_log: {to: \(directory)/access.log}"]
    setup.workers = 1
    setup.pool = ["recycle: {every: off}"]
    setup.pools =
      setup.stubPool(
        "masters", workers: masters, options: options("masters"),
        more: common + [
          "memory_budget: 400MiB",
          "recycle: {every: \(every), jitter: 50%, memory: 90MiB, memory_limit: 200MiB, \(careful)}",
        ])
      + setup.stubPool(
        "files", workers: files, concurrency: 4, options: options("files"),
        more: common + ["recycle: {every: off, requests: 400, \(careful)}"] + warm)
    setup.routes = [
      "{path: /quiet/, allow: any, pool: stubs}",
      "{path: /files/, allow: any, pool: files, priority: file}",
      "{path: /echo, methods: [POST], allow: any, pool: masters, retry: yes, priority: catalog}",
      "{path: /echo, allow: any, pool: masters, priority: report}",
      "{path: /, allow: any, pool: masters}",
    ]
    return setup.yaml(directory: directory).replacing("127.0.0.1:0", with: "127.0.0.1:\(encrypted)")
  }

  private func options(_ pool: String) -> [String] {
    let journal = "\(directory)/journal/{pool}-{index}-{generation}"
    return ["--cache", "{slot}/cache", "--journal", journal]
      + (["crash", "deaf", "sick"] + (isPreloading && pool == Self.warmPool ? Self.parentOrders : [])).flatMap {
        ["--\($0)-while", Self.order($0, pool: pool, in: directory)]
      }
  }

  private var warm: [String] {
    isPreloading ? ["preload: yes", "parent: {wait: 2s, ready_timeout: 3s, fork_timeout: 1s, ping: 1s}"] : []
  }

  private let careful = "min_age: 2s, surge: 1, min_ready: 50%"

  private var common: [String] {
    [
      "environment: {EDITION: \"\(edition)\"}", "request_timeout: \(Self.requestTimeout.components.seconds)s",
      "stuck: {factor: 3, at_least: 1500ms, samples: 50, look: 400ms}",
      "quarantine: {strikes: 3, within: 1m, for: 5s}", "queue: {limit: 300, timeout: 20s}", "ready: {timeout: 6s}",
      "alive: {path: /status, every: 500ms, timeout: 1s, failures: 2}", "stop: {drain: 15s, terminate: 1s}",
    ]
  }
}
