import FoundationEssentials

/// Numbers that a seed repeats (Steele, Lea and Flood's SplitMix64), the same on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Another seed at each run, unless `MASTERPOOL_FUZZ_SEED` gives the one that a failure named.
public func fuzzSeed(_ test: String = #function) -> UInt64 {
  let given = ProcessInfo.processInfo.environment["MASTERPOOL_FUZZ_SEED"].flatMap { UInt64($0) }
  let seed = given ?? UInt64.random(in: .min ... .max)
  print("\(test): MASTERPOOL_FUZZ_SEED=\(seed)")
  return seed
}
