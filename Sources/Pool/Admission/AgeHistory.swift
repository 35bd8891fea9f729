/// What the requests of a pool took, by route and by node, and what age of another is suspect by that.
///
/// A node's history is kept route by route: the many small files of a run would hide how long its catalog takes. It only
/// ever excuses: a node that is always slow is no suspect.
struct AgeHistory: Sendable {
  /// What is held against an age, and why.
  struct Limit: Hashable, Sendable {
    var limit: Duration
    var routeP99: Duration
    var nodeP99: Duration?
  }

  /// The last requests that count, about.
  private static let routeWindow = 4096
  private static let nodeWindow = 256
  private static let quantile = 0.99

  private let policy: StuckPolicy
  private var routes: [DurationHistogram] = []
  private var nodes: NodeHistories

  init(_ policy: StuckPolicy) {
    self.policy = policy
    nodes = NodeHistories(limit: policy.factor == nil ? 0 : policy.nodes)
  }

  var isKept: Bool { policy.factor != nil }

  mutating func add(_ nanoseconds: Int64, of asker: Asker) {
    guard isKept else { return }
    let route = Int(asker.route)
    while routes.count <= route { routes.append(DurationHistogram()) }
    routes[route].add(nanoseconds, window: Self.routeWindow)
    if asker.node != 0 {
      nodes.add(nanoseconds, node: asker.node, route: asker.route, window: Self.nodeWindow)
    }
  }

  /// Nil: no age is, or too little is known of its route.
  func limit(for asker: Asker) -> Limit? {
    let route = Int(asker.route)
    guard let factor = policy.factor, route < routes.count, routes[route].total >= policy.samples,
      let routeP99 = routes[route].quantile(Self.quantile)
    else { return nil }
    let nodeP99 = asker.node == 0 ? nil : nodes.quantile(Self.quantile, node: asker.node, route: asker.route)
    let (longest, overflow) = max(routeP99, nodeP99 ?? 0).multipliedReportingOverflow(by: Int64(factor))
    return Limit(
      limit: max(policy.atLeast, .nanoseconds(overflow ? .max : longest)), routeP99: .nanoseconds(routeP99),
      nodeP99: nodeP99.map { .nanoseconds($0) })
  }

  /// No limit is below: younger requests need no further look.
  var shortest: Duration { policy.atLeast }
}

/// A histogram for each node and route, as many as there may be: who comes when its set is full takes the place of the
/// one that was not heard of for longest. Each step looks at four places.
struct NodeHistories: Sendable {
  private struct Place: Sendable {
    var key: UInt64 = 0
    var heard: UInt32 = 0
    var histogram: Int32 = -1
  }

  private static let ways = 4
  private static let most = 1 << 24
  private let sets: Int
  private var places: [Place] = []
  private var histograms: [DurationHistogram] = []
  private var clock: UInt32 = 0

  init(limit: Int) { sets = min(max(0, limit), Self.most) / Self.ways + (limit > 0 ? 1 : 0) }

  var count: Int { histograms.count }

  mutating func add(_ nanoseconds: Int64, node: UInt64, route: UInt16, window: Int) {
    guard sets > 0 else { return }
    if places.isEmpty { places = Array(repeating: Place(), count: sets * Self.ways) }
    let key = Self.key(node, route)
    let place = find(key) ?? replaceOldest(of: key)
    clock &+= 1
    places[place].heard = clock
    histograms[Int(places[place].histogram)].add(nanoseconds, window: window)
  }

  func quantile(_ share: Double, node: UInt64, route: UInt16) -> Int64? {
    guard !places.isEmpty, let place = find(Self.key(node, route)) else { return nil }
    return histograms[Int(places[place].histogram)].quantile(share)
  }

  private func find(_ key: UInt64) -> Int? {
    let first = first(of: key)
    for place in first..<(first + Self.ways) where places[place].key == key { return place }
    return nil
  }

  private mutating func replaceOldest(of key: UInt64) -> Int {
    let first = first(of: key)
    var oldest = first
    for place in first..<(first + Self.ways) {
      if places[place].histogram < 0 {
        oldest = place
        break
      }
      if clock &- places[place].heard > clock &- places[oldest].heard { oldest = place }
    }
    if places[oldest].histogram < 0 {
      places[oldest].histogram = Int32(histograms.count)
      histograms.append(DurationHistogram())
    } else {
      histograms[Int(places[oldest].histogram)] = DurationHistogram()
    }
    places[oldest].key = key
    return oldest
  }

  /// The multiplication carries every bit of both into the upper half, by which the set is chosen.
  private static func key(_ node: UInt64, _ route: UInt16) -> UInt64 {
    max(1, (node ^ (UInt64(route) &+ 1)) &* 0x9E37_79B9_7F4A_7C15)
  }

  private func first(of key: UInt64) -> Int { Int(((key >> 32) * UInt64(sets)) >> 32) * Self.ways }
}
