/// What several generations counted, taken together.
extension ProxyCounters {
  /// Totals and gauges of both; threads, expiries, pools and workers are the first one's.
  public static func + (a: ProxyCounters, b: ProxyCounters) -> ProxyCounters {
    var sum = a
    sum.connections += b.connections
    sum.requestsInFlight += b.requestsInFlight
    sum.connectionsTotal += b.connectionsTotal
    sum.requestsTotal += b.requestsTotal
    sum.retriedTotal += b.retriedTotal
    sum.handshakesFailedTotal += b.handshakesFailedTotal
    sum.filesTotal += b.filesTotal
    sum.fileBytesTotal += b.fileBytesTotal
    sum.looksRefusedTotal += b.looksRefusedTotal
    sum.accessLinesTotal += b.accessLinesTotal
    sum.accessLinesDroppedTotal += b.accessLinesDroppedTotal
    sum.tls = sum.tls + b.tls
    sum.refusedTotal.merge(b.refusedTotal, uniquingKeysWith: +)
    for index in sum.responses.indices where index < b.responses.count { sum.responses[index] += b.responses[index] }
    return sum
  }

  /// What stays of a generation that has ended: its totals.
  public var ended: ProxyCounters {
    var totals = self
    totals.threads = 0
    totals.connections = 0
    totals.requestsInFlight = 0
    totals.expiries = []
    totals.pools = []
    totals.workers = []
    return totals
  }
}

extension PoolCounters {
  /// The pool is the first one's.
  public static func + (a: PoolCounters, b: PoolCounters) -> PoolCounters {
    var sum = a
    sum.queueLength += b.queueLength
    sum.waiting = zip(a.waiting, b.waiting).map(+)
    sum.shedTotal += b.shedTotal
    sum.sheds = zip(a.sheds, b.sheds).map(+)
    sum.runsUnderWay += b.runsUnderWay
    sum.quarantinedWaiting += b.quarantinedWaiting
    sum.durations = sum.durations + b.durations
    return sum
  }

  /// What stays once the proxy that counted is gone.
  public var ended: PoolCounters {
    var totals = self
    totals.queueLength = 0
    totals.waiting = totals.waiting.map { _ in 0 }
    totals.runsUnderWay = 0
    totals.quarantinedWaiting = 0
    return totals
  }
}
