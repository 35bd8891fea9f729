import Pool
import Testing

@testable import Supervision

/// What a difference in the settings needs, by name.
@Suite struct PlanChangeTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var edit: @Sendable (inout SupervisorPlan) -> Void
    var changed: [String] = []
    var needsProxy = false
    var refused: [String] = []
    var postponed: [String] = []
    var relaunched = false
    var added: [String] = []
    var removed: [String] = []

    init(_ name: String, _ edit: @escaping @Sendable (inout SupervisorPlan) -> Void) {
      testDescription = name
      self.edit = edit
    }
  }

  static let plan = SupervisorPlan(
    version: "1", executable: "/bin/masterpool", stateDirectory: "/var/lib/masterpool",
    runDirectory: "/run/masterpool",
    pools: [pool("masters"), pool("others")],
    proxy: configuration([pool("masters"), pool("others")]),
    fixed: ["control.socket": "/run/masterpool/control.sock", "control.listen": "none"])

  static func pool(_ name: String) -> PoolPlan {
    PoolPlan(
      name: PoolName(rawValue: name).unsafelyUnwrapped, policy: PoolPolicy(size: 2),
      launch: LaunchPlan(command: ["master", "{socket}"]))
  }

  static func configuration(_ pools: [PoolPlan]) -> ProxyConfiguration {
    ProxyConfiguration(
      listeners: [
        ListenerConfiguration(
          address: .ip(host: "0.0.0.0", port: 8140),
          tls: TLSConfiguration(certificate: "/a.pem", privateKey: "/a.key")),
        ListenerConfiguration(address: .unix(path: "/run/agents.sock")),
      ], limits: ProxyLimits(threads: 1), pools: pools.map { ProxiedPool($0) },
      routes: [Route(path: "/", allow: .any, pool: pools[0].name)])
  }

  /// As the settings' reader would: the proxy is told of the pools.
  static func change(_ edit: (inout SupervisorPlan) -> Void) -> PlanChange {
    var new = plan
    edit(&new)
    new.proxy.pools = new.pools.map { ProxiedPool($0) }
    return PlanChange(from: plan, to: new)
  }

  static let rows: [Row] = {
    var rows: [Row] = []
    func add(
      _ name: String, _ edit: @escaping @Sendable (inout SupervisorPlan) -> Void, _ expect: (inout Row) -> Void
    ) {
      var row = Row(name, edit)
      expect(&row)
      rows.append(row)
    }
    add("nothing", { _ in }) { _ in }
    add("state_dir", { $0.stateDirectory = "/srv" }) { $0.refused = ["state_dir"] }
    add("run_dir", { $0.runDirectory = "/srv" }) { $0.refused = ["run_dir"] }
    add("control", { $0.fixed["control.listen"] = "127.0.0.1:1" }) { $0.postponed = ["control.listen"] }
    add("threads", { $0.proxy.limits.threads = nil }) { ($0.changed, $0.needsProxy) = (["proxy.threads"], true) }
    add("limits", { $0.proxy.limits.maxBodySize = ByteCount(bytes: (64 << 20) + 1) }) {
      ($0.changed, $0.needsProxy) = (["proxy.max_body_size"], true)
    }
    add("an acronym", { $0.proxy.limits.maxURILength = ByteCount(bytes: 4096) }) {
      ($0.changed, $0.needsProxy) = (["proxy.max_uri_length"], true)
    }
    add("routes", { $0.proxy.routes = [] }) { ($0.changed, $0.needsProxy) = (["routes"], true) }
    add("certificate", { $0.proxy.listeners[0].tls?.certificate = "/b.pem" }) {
      ($0.changed, $0.needsProxy) = (["listen[0].tls"], true)
    }
    add("in the clear", { $0.proxy.listeners[0].tls = nil }) {
      ($0.changed, $0.needsProxy) = (["listen[0].tls"], true)
    }
    add("listeners", { $0.proxy.listeners[1].address = .ip(host: "::1", port: 1) }) {
      ($0.changed, $0.needsProxy) = (["listen [::1]:1 added", "listen unix:/run/agents.sock removed"], true)
    }
    add("queue", { $0.pools[0].policy.queue.limit = 7 }) {
      ($0.changed, $0.needsProxy) = (["pools.masters.queue.limit"], true)
    }
    add(
      "recycle",
      {
        $0.pools[1].policy.recycle.every = nil
        $0.pools[1].policy.recycle.minReady = .count(1)
      }
    ) { $0.changed = ["pools.others.recycle.every", "pools.others.recycle.min_ready"] }
    add("workers", { $0.pools[0].policy.size = 3 }) { $0.changed = ["pools.masters.workers"] }
    add("preload", { $0.pools[0].policy.preload = ParentPolicy() }) { $0.changed = ["pools.masters.preload"] }
    add("deploys", { $0.pools[0].deploy.watch = ["/etc/puppet/code"] }) {
      $0.changed = ["pools.masters.deploy.watch"]
    }
    add("command", { $0.pools[0].launch.command.append("--new") }) {
      ($0.changed, $0.relaunched) = (["pools.masters.command"], true)
    }
    add("environment", { $0.pools[0].launch.environment["A"] = "1" }) {
      ($0.changed, $0.relaunched) = (["pools.masters.environment"], true)
    }
    add("user", { $0.pools[0].launch.user = "puppet" }) {
      ($0.changed, $0.relaunched) = (["pools.masters.user"], true)
    }
    add("cache", { $0.pools[0].launch.cache.wipe = ["x"] }) {
      ($0.changed, $0.relaunched) = (["pools.masters.cache.wipe"], true)
    }
    add("a new pool", { $0.pools.append(pool("more")) }) {
      ($0.changed, $0.needsProxy, $0.added) = (["pools.more added"], true, ["more"])
    }
    add("a pool less", { $0.pools.removeLast() }) {
      ($0.changed, $0.needsProxy, $0.removed) = (["pools.others removed"], true, ["others"])
    }
    return rows
  }()

  @Test(arguments: rows) func isNamedAndDoneAsItNeeds(_ row: Row) {
    let change = Self.change(row.edit)
    #expect(change.changed == row.changed)
    #expect(change.needsProxy == row.needsProxy)
    #expect(change.refused == row.refused)
    #expect(change.postponed == row.postponed)
    #expect(change.relaunchedPools.map(\.rawValue) == (row.relaunched ? ["masters"] : []))
    #expect(change.addedPools.map(\.rawValue) == row.added)
    #expect(change.removedPools.map(\.rawValue) == row.removed)
    #expect(change.isEmpty == (row.changed.isEmpty && !row.needsProxy))
  }

  /// A proxy holds its configuration for life, so a field that this room knows nothing of must not be missed.
  @Test func everyLimitOfTheProxyIsNamed() {
    let names = Mirror(reflecting: ProxyLimits()).children.compactMap(\.label)
    var other = ProxyLimits(
      threads: 9, maxConnections: 9, headerTimeout: .seconds(9), idleTimeout: .seconds(9),
      maxHeaderSize: .kibibytes(9),
      maxBodySize: .kibibytes(9), maxBufferedBody: .kibibytes(9))
    other.drain = .seconds(9)
    let change = Self.change { $0.proxy.limits = other }
    #expect(change.changed.count >= 8 && change.changed.count <= names.count)
    other = Self.plan.proxy.limits
    let none = Self.change { $0.proxy.limits = other }
    #expect(none.isEmpty)
  }
}
