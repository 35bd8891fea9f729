import Pool
import Testing

@testable import Simulator

/// Requests whose times are given are served as they come.
@Suite struct TraceTests {
  private static func scenario(workers: Int) -> Scenario {
    var scenario = Scenario(pool: PoolPolicy(size: workers, recycle: RecyclePolicy(every: nil)))
    scenario.worker.start = .always(.milliseconds(10))
    scenario.worker.warmUp = .zero
    scenario.length = .seconds(60)
    return scenario
  }

  private static func lived(_ scenario: Scenario, _ trace: Trace) -> Outcome {
    var rehearsal = Rehearsal(scenario, trace: trace)
    rehearsal.run()
    return rehearsal.finished()
  }

  /// Three at once, of 1, 2 and 3 seconds: in line for 0, 1 and 3 behind one worker, for 0, 0 and 1 behind two.
  @Test(arguments: [(1, 4.0, 3.0), (2, 1.0, 1.0), (3, 0.0, 0.0)])
  func threeAtOnceWaitForEachOther(workers: Int, sum: Double, most: Double) {
    let trace = Trace((1...3).map { .init(at: .seconds(10), work: .seconds($0)) })
    let outcome = Self.lived(Self.scenario(workers: workers), trace)
    #expect(outcome.runs.finished == 3 && outcome.runs.underWay == 0 && outcome.requests == 3)
    #expect(abs(outcome.waits.sumSeconds - sum) < 1e-6, "\(outcome.waits.sumSeconds)")
    #expect(abs(outcome.waits.maxSeconds - most) < 1e-6)
    #expect(abs(outcome.timeline.whole.workingMean * 60 - 6) < 1e-6)
  }

  @Test func chanceDrawsTracesOfTheKindThatIsAskedFor() {
    let trace = Trace(
      perSecond: 20, for: .seconds(500), work: .about(.seconds(1), deviation: .milliseconds(500)), seed: 4)
    #expect(abs(trace.requests.count - 10_000) < 400, "\(trace.requests.count)")
    #expect(abs(trace.workSeconds / Double(trace.requests.count) - 1) < 0.03)
    let times = trace.requests.map(\.at)
    #expect(times == times.sorted())
    #expect(
      trace
        == Trace(perSecond: 20, for: .seconds(500), work: .about(.seconds(1), deviation: .milliseconds(500)), seed: 4)
    )
    #expect(Trace(perSecond: 0, for: .seconds(5), work: .always(.seconds(1)), seed: 1).requests.isEmpty)
  }
}
