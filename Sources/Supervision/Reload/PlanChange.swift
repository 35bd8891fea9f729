import Pool

/// What is different between the settings in force and new ones, by name, and what each difference needs.
struct PlanChange: Hashable, Sendable {
  /// Cannot change in a running supervisor, and all else is derived from it: the whole reload is refused.
  private(set) var refused: [String] = []
  /// Cannot change in a running supervisor; what else is new is put in force.
  private(set) var postponed: [String] = []
  /// `proxy.threads`, `routes`, `pools.masters.recycle.every`.
  private(set) var changed: [String] = []
  private(set) var addedPools: [PoolName] = []
  private(set) var removedPools: [PoolName] = []
  /// Pools whose workers are started in another way: each goes, rolling.
  private(set) var relaunchedPools: [PoolName] = []
  /// A proxy holds its configuration for life.
  private(set) var needsProxy = false

  init(from old: SupervisorPlan, to new: SupervisorPlan) {
    if old.stateDirectory != new.stateDirectory { refused.append("state_dir") }
    if old.runDirectory != new.runDirectory { refused.append("run_dir") }
    postponed = Set(old.fixed.keys).union(new.fixed.keys).filter { old.fixed[$0] != new.fixed[$0] }.sorted()
    compareProxies(old.proxy, new.proxy)
    comparePools(old.pools, new.pools)
    changed += differences(between: old.ledger, and: new.ledger, below: "history")
    changed += differences(between: old.nodes, and: new.nodes, below: "nodes")
    changed += differences(between: old.notify, and: new.notify, below: "notify")
    changed += Set(old.others.keys).union(new.others.keys).filter { old.others[$0] != new.others[$0] }.sorted()
  }

  var isEmpty: Bool { changed.isEmpty && !needsProxy }

  private mutating func compareProxies(_ old: ProxyConfiguration, _ new: ProxyConfiguration) {
    needsProxy = old != new
    let before = old.listeners.map(\.address)
    let after = new.listeners.map(\.address)
    changed += after.without(before).map { "listen \($0) added" }
    changed += before.without(after).map { "listen \($0) removed" }
    for (index, listener) in new.listeners.enumerated() {
      guard let former = old.listeners.first(where: { $0.address == listener.address }), former != listener else {
        continue
      }
      changed += differences(between: former, and: listener, below: "listen[\(index)]")
    }
    changed += differences(between: old.limits, and: new.limits, below: "proxy")
    if old.routes != new.routes { changed.append("routes") }
    // Whatever else a proxy is told; pools are compared below.
    var rest = (old, new)
    rest.0.listeners = rest.1.listeners
    rest.0.routes = rest.1.routes
    rest.0.pools = rest.1.pools
    rest.0.limits = rest.1.limits
    changed += differences(between: rest.0, and: rest.1, below: nil)
  }

  private mutating func comparePools(_ old: [PoolPlan], _ new: [PoolPlan]) {
    for plan in new {
      guard let former = old.first(where: { $0.name == plan.name }) else {
        addedPools.append(plan.name)
        changed.append("pools.\(plan.name) added")
        continue
      }
      changed += differences(between: former.policy, and: plan.policy, below: "pools.\(plan.name)")
      changed += differences(between: former.deploy, and: plan.deploy, below: "pools.\(plan.name).deploy")
      guard former.launch != plan.launch else { continue }
      relaunchedPools.append(plan.name)
      changed += differences(between: former.launch, and: plan.launch, below: "pools.\(plan.name)")
    }
    removedPools = old.map(\.name).without(new.map(\.name))
    changed += removedPools.map { "pools.\($0) removed" }
  }
}

/// The names of what differs, in the settings' own words as far as they are the fields'; `nil`: at the top.
private func differences<Group>(between old: Group, and new: Group, below path: String?) -> [String] {
  zip(Mirror(reflecting: old).children, Mirror(reflecting: new).children).flatMap { before, after -> [String] in
    guard let label = before.label, !isSame(before.value, after.value) else { return [] }
    let name = (path.map { "\($0)." } ?? "") + settingName(label)
    switch (before.value, after.value) {
    case (let old as QueuePolicy, let new as QueuePolicy): return differences(between: old, and: new, below: name)
    case (let old as ReadyPolicy, let new as ReadyPolicy): return differences(between: old, and: new, below: name)
    case (let old as AlivePolicy, let new as AlivePolicy): return differences(between: old, and: new, below: name)
    case (let old as RecyclePolicy, let new as RecyclePolicy): return differences(between: old, and: new, below: name)
    case (let old as StuckPolicy, let new as StuckPolicy): return differences(between: old, and: new, below: name)
    case (let old as QuarantinePolicy, let new as QuarantinePolicy):
      return differences(between: old, and: new, below: name)
    case (let old as StopPolicy, let new as StopPolicy): return differences(between: old, and: new, below: name)
    case (let old as CachePlan, let new as CachePlan): return differences(between: old, and: new, below: name)
    default: return [name]
    }
  }
}

/// Two values of one field; what cannot be compared is taken for different.
private func isSame(_ a: Any, _ b: Any) -> Bool {
  guard let a = a as? AnyHashable, let b = b as? AnyHashable else {
    // Both nil: there is nothing to cast.
    return Mirror(reflecting: a).isNil && Mirror(reflecting: b).isNil
  }
  return a == b
}

extension Mirror {
  fileprivate var isNil: Bool { displayStyle == .optional && children.isEmpty }
}

/// `maxURILength` is `max_uri_length` in the file.
private func settingName(_ label: String) -> String {
  if label == "size" { return "workers" }
  if label == "lasting" { return "for" }
  let letters = Array(label)
  return letters.indices.reduce(into: "") { name, index in
    let beginsWord =
      index > 0 && letters[index].isUppercase
      && (!letters[index - 1].isUppercase || index + 1 < letters.count && letters[index + 1].isLowercase)
    name += (beginsWord ? "_" : "") + letters[index].lowercased()
  }
}

extension Array where Element: Equatable {
  /// What is here and not there, each as often as it is here more.
  fileprivate func without(_ others: [Element]) -> [Element] {
    var others = others
    return filter { element in
      guard let index = others.firstIndex(of: element) else { return true }
      others.remove(at: index)
      return false
    }
  }
}
