import Foundation
import Pool
import Testing

/// A reload starts another proxy, which counts from nothing; what is shown goes on. A counter that somebody adds and
/// does not sum up would fall at each reload: every number that is on the link must be there.
@Suite struct CounterSumTests {
  @Test func everyNumberOfAProxyIsAddedUp() throws {
    let gauges: Set = ["threads", "connections", "requestsInFlight"]
    let counters: ProxyCounters = try filled(ProxyCounters(), with: 3)
    let sum = try numbers(in: counters + counters)
    let ended = try numbers(in: counters.ended + counters)
    for (name, value) in sum {
      #expect(value == (name == "threads" ? 3 : 6), "\(name)")
      #expect(ended[name] == (gauges.contains(name) ? (name == "threads" ? 0 : 3) : 6), "\(name)")
    }
    #expect((counters + counters).responses == [2, 4, 6, 8, 10, 12])
    var causes = counters
    causes.refusedTotal = [RefusalCause.allCases[0]: 3]
    #expect((causes + causes.ended).refusedTotal == [RefusalCause.allCases[0]: 6])
    let others = Set(try dictionary(counters).keys).subtracting(sum.keys)
    #expect(
      others == ["responses", "refusedTotal", "tls", "expiries", "pools", "workers"],
      "what is no number is summed up here")
  }

  @Test func everyNumberOfAPoolIsAddedUp() throws {
    let pool = PoolScript.masters
    let counters: PoolCounters = try filled(PoolCounters(pool: pool), with: 3)
    let ended = try numbers(in: counters.ended + counters)
    for (name, value) in try numbers(in: counters + counters) {
      #expect(value == 6, "\(name)")
      #expect(
        ended[name] == (["queueLength", "runsUnderWay", "quarantinedWaiting"].contains(name) ? 3 : 6), "\(name)")
    }
  }

  @Test func durationsAndHandshakesAreAddedUpAndOutliveTheirProxy() {
    var counts = [Int](repeating: 0, count: RequestDurations.slots)
    let places = RequestDurations.places(.report, .queue, nanoseconds: 20_000_001)
    counts[places.bucket] = 3
    counts[places.sum] = 60_000_003
    var pool = PoolCounters(pool: PoolScript.masters)
    pool.durations = RequestDurations(counts: counts)
    for sum in [pool + pool, pool.ended + pool] {
      let found = sum.durations.histogram(.report, .queue)
      #expect(found?.buckets.reduce(0, +) == 6)
      #expect(found?.buckets[RequestDurations.bounds.firstIndex(of: 50) ?? 0] == 6)
      #expect(found?.nanoseconds == 120_000_006)
      #expect(sum.durations.histogram(.report, .whole)?.buckets.reduce(0, +) == 0)
    }
    #expect((PoolCounters(pool: PoolScript.masters) + pool).durations == pool.durations)
    var proxy = ProxyCounters()
    proxy.tls.full = 2
    proxy.tls.resumed = 3
    proxy.tls.failures = [.revoked: 4]
    proxy.expiries = [Expiry(listener: "a", kind: .certificate, file: "b", at: 1)]
    let sum = proxy.ended + proxy
    #expect(sum.tls.full == 4 && sum.tls.resumed == 6 && sum.tls.failures == [.revoked: 8])
    #expect(proxy.ended.expiries == [])
  }

  /// Bounds belong to the bucket below them, as Prometheus has it: `le`.
  @Test func aTimeIsInTheBucketOfTheFirstBoundThatItDoesNotExceed() {
    let start = RequestDurations.places(.normal, .whole, nanoseconds: -5).bucket
    for (index, bound) in RequestDurations.bounds.enumerated() {
      let nanoseconds = Int64(bound) * 1_000_000
      #expect(RequestDurations.places(.normal, .whole, nanoseconds: nanoseconds).bucket == start + index)
      #expect(RequestDurations.places(.normal, .whole, nanoseconds: nanoseconds + 1).bucket == start + index + 1)
    }
    let sums = RoutePriority.allCases.flatMap { route in
      RequestDurations.Stage.allCases.map { RequestDurations.places(route, $0, nanoseconds: .max).sum }
    }
    #expect(Set(sums).count == sums.count && sums.max() == RequestDurations.slots - 1)
  }

  /// As of a proxy, or in a state, of a version that did not have them.
  @Test func whatAnEarlierVersionDoesNotTellIsNothing() throws {
    var proxy = try dictionary(ProxyCounters())
    proxy["tls"] = nil
    proxy["expiries"] = nil
    var pool = try dictionary(PoolCounters(pool: PoolScript.masters))
    pool["durations"] = nil
    proxy["pools"] = [pool]
    let read = try JSONDecoder().decode(ProxyCounters.self, from: JSONSerialization.data(withJSONObject: proxy))
    #expect(read.tls == TLSCounters() && read.expiries == [])
    #expect(read.pools.first?.durations.histogram(.report, .queue) == nil)
  }

  private func dictionary(_ value: some Encodable) throws -> [String: Any] {
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
    return try #require(json as? [String: Any])
  }

  private func numbers(in value: some Encodable) throws -> [String: Int] {
    try dictionary(value).compactMapValues { $0 as? Int }
  }

  /// Each number is that one; the responses are 1, 2, 3 and so on.
  private func filled<Value: Codable>(_ empty: Value, with number: Int) throws -> Value {
    var fields = try dictionary(empty)
    for (name, value) in fields where value is Int { fields[name] = number }
    if fields["responses"] != nil { fields["responses"] = [1, 2, 3, 4, 5, 6] }
    return try JSONDecoder().decode(Value.self, from: JSONSerialization.data(withJSONObject: fields))
  }
}
