/// Runs and places outlive a proxy: what its ledger knows of them goes to those of other proxies.
extension ClaimLedger {
  /// From now on it is kept in mind who is over. `anew`: nothing counts as told; `atOnce`: claims say which of them
  /// begin a run.
  public mutating func tellRuns(anew: Bool, atOnce: Bool) {
    for pool in pools.indices {
      pools[pool].tellsAtOnce = atOnce
      pools[pool].runs.tells = true
      if anew { pools[pool].runs.forgetWhatWasTold() }
    }
  }

  /// What has become known since the last call.
  public mutating func takeRunNews() -> [RunNews] {
    var news: [RunNews] = []
    for pool in pools.indices {
      let notes = pools[pool].runs.takeNews()
      if !notes.isEmpty { news.append(pools[pool].news(notes)) }
    }
    return news
  }

  public mutating func learn(_ news: RunNews, at now: Instant) {
    // Another generation may have pools that this one has not.
    guard let pool = pools.firstIndex(where: { $0.policy.name == news.pool }) else { return }
    pools[pool].learn(news, at: now)
  }
}

extension PoolLedger {
  func news(_ notes: [RunNote]) -> RunNews {
    RunNews(
      pool: policy.name, notes: notes, lastPlace: runs.promised > 0 ? schedule.last : nil,
      requestWork: service.measured, runWork: runs.runWork.measured)
  }

  mutating func learn(_ news: RunNews, at now: Instant) {
    for note in news.notes { runs.learn(note, at: now) }
    if let place = news.lastPlace { schedule.learn(place, at: now) }
    if let work = news.requestWork { service.inherit(work.wholeNanoseconds) }
    if let work = news.runWork { runs.runWork.inherit(work.wholeNanoseconds) }
  }
}
