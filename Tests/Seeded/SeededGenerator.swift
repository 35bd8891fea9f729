import FoundationEssentials
import Simulator

/// The same numbers as a simulation's.
public typealias SeededGenerator = Simulator.SeededGenerator

/// Another seed at each run, unless `MASTERPOOL_FUZZ_SEED` gives the one that a failure named.
public func fuzzSeed(_ test: String = #function) -> UInt64 {
  let given = ProcessInfo.processInfo.environment["MASTERPOOL_FUZZ_SEED"].flatMap { UInt64($0) }
  let seed = given ?? UInt64.random(in: .min ... .max)
  print("\(test): MASTERPOOL_FUZZ_SEED=\(seed)")
  return seed
}
