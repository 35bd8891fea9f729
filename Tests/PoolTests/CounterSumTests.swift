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
    #expect(others == ["responses", "refusedTotal", "pools", "workers"], "what is no number is summed up here")
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
