import Simulation
import Testing

/// Lives on a fake clock: whatever happens in whatever order, the promises hold. `scripts/simulate` goes on for longer.
@Suite struct PoolSimulationTests {
  @Test(arguments: 0..<60)
  func promisesHoldWhateverHappens(seed: UInt64) {
    let simulation = Simulation(seed: seed, length: .seconds(180))
    guard simulation.breach != nil else { return }
    Issue.record("\(simulation.shrunk().report)")
  }

  @Test func theSameSeedIsTheSameLife() {
    #expect(
      Simulation(seed: 5, length: .seconds(60)).eventCount == Simulation(seed: 5, length: .seconds(60)).eventCount)
  }
}
