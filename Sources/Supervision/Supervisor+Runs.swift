import Pool

/// Runs under way and the places that were handed out outlive the proxy that knows them: each says what it hears, the
/// supervisor keeps it, and every other proxy learns it, a new one before its first request.
///
/// A proxy that is killed takes with it what it had not said yet, a second's worth.
extension Supervisor {
  /// The first word to a proxy: what the others know, and its configuration.
  func configure(_ generation: Int) {
    let others = proxies.serving.filter { $0.generation != generation }
    for other in others {
      proxies[other.generation]?.hasToldRuns = false
      other.link.send(.tellRuns(anew: false, atOnce: true))
    }
    guard !others.isEmpty else { return handRuns(to: generation) }
    Task {
      _ = await wait(within: Self.holdingsPatience) { supervisor in
        supervisor.proxies.serving.allSatisfy { $0.generation == generation || $0.hasToldRuns }
      }
      handRuns(to: generation)
    }
  }

  /// From here on it hears what is new; nothing in here awaits, so that nothing falls between.
  private func handRuns(to generation: Int) {
    guard let proxy = proxies[generation] else { return }
    runs.open(for: proxy.configuration.pools, at: Clock.now())
    for page in runs.everything { proxy.link.send(.inherit(page)) }
    proxies[generation]?.hearsRuns = true
    var configuration = proxy.configuration
    configuration.nodeSeed = nodeSeed
    configuration.copies = proxy.copies
    proxy.link.send(.configure(configuration))
    proxy.link.send(.tellRuns(anew: false, atOnce: proxies.serving.contains { $0.generation != generation }))
  }

  func pass(_ news: RunNews, from generation: Int) {
    runs.learn(news, at: Clock.now())
    for other in proxies.all where other.generation != generation && other.hearsRuns {
      other.link.send(.inherit(news))
    }
  }

  /// Of pools that no proxy leads to, now or soon.
  func forgetRunsOfRemovedPools() {
    runs.close { name in
      !plan.proxy.pools.contains { $0.name == name } && !proxies.all.contains { $0.knows(name) }
    }
  }
}
