import Glibc
import Pool
import Simulation

/// Seed after seed, for scripts/simulate. Prints each that breaks a promise, with its shortest list of acts, and what
/// was done in all.
@main struct Simulate {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
    guard arguments.count == 3, CommandLine.arguments.count == 4 else {
      print("usage: simulate SEEDS FIRST-SEED MINUTES")
      exit(64)
    }
    exit(run(arguments[0], from: arguments[1], length: .seconds(Int64(clamping: arguments[2]) * 60)))
  }

  private static func run(_ seeds: UInt64, from first: UInt64, length: Duration) -> Int32 {
    let start = ContinuousClock.now
    var events = 0
    var failures = 0
    for number in 0..<seeds {
      let simulation = Simulation(seed: first &+ number, length: length)
      events += simulation.eventCount
      guard simulation.breach != nil else { continue }
      failures += 1
      print(simulation.shrunk().report)
    }
    let took = ContinuousClock.now - start
    let rate = Int(Double(events) / max(took.inSeconds, 0.001) * 60)
    print("\(seeds) seeds, \(events) events in \(took.short), \(rate) a minute; \(failures) broke a promise")
    return failures == 0 ? 0 : 1
  }
}
