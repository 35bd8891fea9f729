import Pool
import Testing

@testable import Simulator

/// Against what queueing theory knows: many agents, each of which comes at any moment of its interval, are Poisson's
/// stream.
@Suite struct QueueingTests {
  /// M/M/c: who has to wait, and for how long (Erlang's C).
  @Test(arguments: [(1, 0.6), (4, 0.8), (8, 0.7)])
  func memorylessWorkersQueueAsErlangSays(workers: Int, load: Double) {
    let service = 1.0
    let outcome = outcome(workers: workers, load: load, .memoryless(mean: .seconds(1)))
    let offered = load * Double(workers)
    let waiting = erlangC(offered, workers)
    let wait = waiting * service / (Double(workers) - offered)
    #expect(abs(outcome.utilisation - load) < 0.02, "\(outcome.utilisation)")
    #expect(
      abs(outcome.waits.shareAboveZero - waiting) < 0.04, "\(outcome.waits.shareAboveZero), by theory \(waiting)")
    #expect(abs(outcome.waits.meanSeconds - wait) < 0.1 * wait, "\(outcome.waits.meanSeconds), by theory \(wait)")
    // Little's law.
    let arrivals = Double(outcome.runs.started) / Self.length
    let line = outcome.timeline.whole.queueMean
    #expect(abs(line - arrivals * outcome.waits.meanSeconds) < 0.02 * max(line, 0.1))
  }

  /// M/D/1: half of that.
  @Test func equalTimesHalveTheWait() {
    let load = 0.7
    let outcome = outcome(workers: 1, load: load, .always(.seconds(1)))
    let wait = load / (2 * (1 - load))
    #expect(abs(outcome.waits.meanSeconds - wait) < 0.1 * wait, "\(outcome.waits.meanSeconds), by theory \(wait)")
  }

  private static let length = 16_000.0

  private func outcome(workers: Int, load: Double, _ catalog: Spread) -> Outcome {
    var scenario = Scenario(pool: PoolPolicy(size: workers, recycle: RecyclePolicy(every: nil)))
    let interval = 2000.0
    scenario.agents = AgentModel(
      count: Int(load * Double(workers) * interval), interval: .seconds(interval), splay: .seconds(interval),
      jitter: .seconds(interval / 10))
    scenario.run = RunModel(catalog: catalog, report: nil)
    scenario.worker.warmUp = .zero
    scenario.length = .seconds(Self.length)
    scenario.seed = 7
    return lived(scenario)
  }

  private func erlangC(_ offered: Double, _ servers: Int) -> Double {
    var blocked = 1.0
    for server in 1...servers { blocked = offered * blocked / (Double(server) + offered * blocked) }
    let idle = 1 - offered / Double(servers)
    return blocked / (idle + (1 - idle) * blocked)
  }
}

func lived(_ scenario: Scenario, box: Int = 0, agents: Int? = nil) -> Outcome {
  var rehearsal = Rehearsal(scenario, box: box, agents: agents)
  rehearsal.run()
  return rehearsal.finished()
}
