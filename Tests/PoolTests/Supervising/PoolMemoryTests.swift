import Foundation
import Testing

@testable import Pool

/// What one machine writes down, another goes on from.
@Suite struct PoolMemoryTests {
  private func reborn(_ machine: PoolMachine) throws -> PoolMachine {
    let text = try JSONEncoder().encode(machine.memory)
    return PoolMachine(
      name: machine.name, policy: machine.policy,
      remembering: try JSONDecoder().decode(PoolMemory.self, from: text))
  }

  @Test(arguments: 1...20) func everyStateSurvives(seed: Int) throws {
    var chance = Chance(seed: UInt64(seed))
    var script = PoolScript(
      PoolPolicy(
        size: 3, recycle: RecyclePolicy(every: .seconds(60), memory: .mebibytes(100), memoryLimit: .mebibytes(200)),
        stop: StopPolicy(drain: .seconds(5), terminate: .seconds(2))))
    script.send(.start)
    var states: Set<String> = []
    for _ in 0..<300 {
      let slot = Int.random(in: 0..<3, using: &chance)
      let latest = script.machine.slots[slot].workers.randomElement(using: &chance)
      let id = PoolScript.worker(slot, latest?.generation.rawValue ?? 1)
      script.now = script.now + .milliseconds(Int.random(in: 0...3000, using: &chance))
      switch Int.random(in: 0..<12, using: &chance) {
      case 0, 1, 2: script.send(.becameReady(id))
      case 3: script.send(.exited(id, .signalled(9)))
      case 4, 5: script.send(.wiped(id))
      case 6: script.send(.drained(id))
      case 7: script.send(.sampled(id, memory: .mebibytes(Int.random(in: 50...220, using: &chance))))
      case 8: script.send(.restart(slot: slot, .manual))
      case 9: script.send(Bool.random(using: &chance) ? .hold(slot: slot) : .release(slot: slot))
      case 10: script.send(.probed(id, passed: false))
      default: script.send(.tick)
      }
      states.formUnion(script.machine.slots.flatMap(\.workers).map(\.state.name))
      let other = try reborn(script.machine)
      #expect(other.slots == script.machine.slots, "seed \(seed)")
      #expect(other.nextDeadline == script.machine.nextDeadline)
      // From here on the other goes on.
      script.machine = other
      script.send(.caughtUp)
    }
    #expect(states.isSuperset(of: ["starting", "ready", "draining", "stopping", "wiping"]))
  }

  @Test func sizeHoldsAndGenerationsGoOn() throws {
    var script = PoolScript.running(PoolPolicy(size: 2, recycle: .quiet()))
    script.send(.scale(4))
    let other = try reborn(script.machine)
    #expect(other.policy.size == 4 && other.slots.count == 4)
    script.machine = other
    _ = script.end(PoolScript.worker(0, 1), .vanished)
    #expect(script.log.contains(.retire(PoolScript.worker(0, 1))))
    let early = script.advance(.seconds(60))
    #expect(early == [], "nobody is started by what may be out of date")
    let effects = script.send(.caughtUp)
    #expect(effects.contains(.start(PoolScript.worker(0, 2))))
  }

  @Test func noQuietMomentIsSeenBeforeTheLoadIsKnown() throws {
    var script = PoolScript.running(
      PoolPolicy(size: 2, recycle: RecyclePolicy(every: .seconds(60), jitter: 0, loadBelow: 50)))
    script.now = script.now + .seconds(61)
    script.machine = try reborn(script.machine)
    #expect(script.send(.caughtUp) == [])
    #expect(script.send(.load(percent: 10)) == [.start(PoolScript.worker(0, 2))])
  }

  /// Another version's words.
  @Test func whatIsNotUnderstoodIsStoppedAndWhatIsMissingHasAValue() throws {
    let text = """
      {"size": 1, "news": true, "slots": [{"index": 0, "lastGeneration": 3, "workers": [
        {"generation": 4, "state": "dreaming", "started": {"nanoseconds": 5},
         "departure": {"reason": "boredom", "measurement": {"yawns": {"_0": 3}}}}]}]}
      """
    let memory = try JSONDecoder().decode(PoolMemory.self, from: Data(text.utf8))
    let machine = PoolMachine(name: PoolScript.masters, policy: PoolPolicy(size: 9), remembering: memory)
    #expect(machine.policy.size == 1 && machine.slots.count == 1)
    #expect(machine.slots[0].lastGeneration.rawValue == 4 && machine.slots[0].isWanted && !machine.slots[0].isHeld)
    #expect(
      machine.slots[0].workers.map(\.state)
        == [.stopping(Departure(reason: .reload), killAt: Instant(nanoseconds: 5), killed: false)])
  }
}
