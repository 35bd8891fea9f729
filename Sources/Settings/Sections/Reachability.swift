import Pool

extension Reader {
  /// Refuses routes that no request can take, pools that no route leads to, and rules that no listener can prove.
  func refuseUnreachable(_ routes: [PlacedRoute], _ pools: [PlacedPool], _ listeners: [PlacedListener]) {
    refuseCovered(routes)
    refuseIdle(pools, routes)
    refuseUnprovable(routes, listeners)
  }

  /// A preset's route that one of the file's own covers is an override.
  private func refuseCovered(_ routes: [PlacedRoute]) {
    for (index, later) in routes.enumerated() where later.presetOf == nil {
      guard let earlier = routes[..<index].first(where: { $0.route.covers(later.route) }) else { continue }
      let line = findings.line(of: earlier.field.spot, seenFrom: later.field.spot)
      later.field.problem(
        "\(later.route.path) is never reached: \(earlier.route.path) in \(line) takes it",
        "write it above that line, or take it out")
    }
  }

  private func refuseIdle(_ pools: [PlacedPool], _ routes: [PlacedRoute]) {
    // Where a pool or a route could not be read, nothing can be said.
    guard findings.inFileOrder.isEmpty else { return }
    let reached = Set(
      routes.enumerated().filter { index, later in
        !routes[..<index].contains { $0.route.covers(later.route) }
      }.map(\.element.route.pool))
    for pool in pools where !reached.contains(pool.name) {
      let field = pool.section.field
      findings.add(
        field.keySpot, field.path, "no route leads to this pool", "write one under routes, or take the pool out")
    }
  }

  private func refuseUnprovable(_ routes: [PlacedRoute], _ listeners: [PlacedListener]) {
    guard !listeners.isEmpty, listeners.allSatisfy(\.isSound), !listeners.contains(where: \.verifiesClients)
    else { return }
    let instead = "write tls: {client_ca: …} under listen, or allow: any"
    for placed in routes where placed.presetOf == nil && placed.route.allow != .any {
      placed.field.problem("its rule needs a client certificate, and no listener verifies any", instead)
    }
    let presets = routes.filter { $0.presetOf != nil }
    var named: Set<PoolName> = []
    for placed in presets where named.insert(placed.route.pool).inserted {
      findings.add(
        placed.field.keySpot, placed.field.path,
        "the preset's routes need a client certificate, and no listener verifies any",
        "write tls: {client_ca: …} under listen")
    }
  }

  /// What is allowed but may surprise.
  func remarks(
    routes: [PlacedRoute], pools: [PlacedPool], listeners: [PlacedListener], control: PlacedControl
  ) -> [String] {
    overridden(routes) + clear(listeners) + remarks(on: control)
  }

  private func overridden(_ routes: [PlacedRoute]) -> [String] {
    routes.filter { $0.presetOf == nil }.compactMap { own in
      let lost = routes.filter { $0.presetOf != nil && own.route.covers($0.route) }.map(\.route.path)
      guard !lost.isEmpty else { return nil }
      let line = findings.line(of: own.field.spot, seenFrom: .start)
      return "route \(own.route.path) in \(line) comes before the preset's own rules for "
        + "\(listed(lost)): they hold no longer"
    }
  }

  private func clear(_ listeners: [PlacedListener]) -> [String] {
    listeners.compactMap { listener in
      guard listener.tls == nil, let address = listener.address, !address.isLocal else { return nil }
      return "\(address) is in the clear: everyone on its network can read and change what passes"
    }
  }
}

extension Route {
  /// True where no request that this one does not take first can reach `later`.
  func covers(_ later: Route) -> Bool {
    guard methods.isEmpty || (!later.methods.isEmpty && Set(methods).isSuperset(of: later.methods)) else {
      return false
    }
    let mine = path.split(separator: "/")
    let others = later.path.split(separator: "/")
    let fits = zip(mine, others).allSatisfy { own, other in own.hasPrefix("{") || own == other }
    switch (path.hasSuffix("/"), later.path.hasSuffix("/")) {
    case (true, true): return fits && mine.count <= others.count
    // `/a/` takes what is below it, not `/a`.
    case (true, false): return fits && mine.count < others.count
    case (false, false): return fits && mine.count == others.count
    case (false, true): return false
    }
  }
}

extension ListenAddress {
  var isLocal: Bool {
    switch self {
    case .unix: true
    case .ip(let host, _): host.hasPrefix("127.") || IPv6Address(host) == IPv6Address("::1")
    }
  }
}
