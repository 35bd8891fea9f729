/// What all proxies have said of runs and places, kept for those to come.
public struct RunRegister: Sendable {
  private struct Kept {
    var runs: RunTable
    var latest: RunNews
  }

  private var pools: [PoolName: Kept] = [:]

  public init() {}

  /// Room for the news of these pools; what is known of them stays, as far as there is room.
  public mutating func open(for policies: [ProxiedPool], at now: Instant) {
    for policy in policies {
      var runs = RunTable(limit: policy.queue.nodes, quiet: policy.queue.runQuiet)
      let old = pools[policy.name]
      if let old, old.runs.limit == runs.limit, old.runs.quiet == runs.quiet { continue }
      for note in old?.runs.everything ?? [] { runs.learn(note, at: now) }
      pools[policy.name] = Kept(runs: runs, latest: old?.latest ?? RunNews(pool: policy.name))
    }
  }

  /// These pools are no more.
  public mutating func close(where isGone: (PoolName) -> Bool) {
    pools = pools.filter { !isGone($0.key) }
  }

  public mutating func learn(_ news: RunNews, at now: Instant) {
    guard var kept = pools.removeValue(forKey: news.pool) else { return }
    for note in news.notes { kept.runs.learn(note, at: now) }
    kept.latest.lastPlace = [kept.latest.lastPlace, news.lastPlace].compactMap(\.self).max()
    kept.latest.requestWork = news.requestWork ?? kept.latest.requestWork
    kept.latest.runWork = news.runWork ?? kept.latest.runWork
    pools[news.pool] = kept
  }

  /// All of it, in pages for the link.
  public var everything: [RunNews] {
    pools.values.flatMap { kept in
      var news = kept.latest
      news.notes = kept.runs.everything
      return news.pages
    }
  }
}
