import Pool
import Seeded

/// What a seed does to a pool: its settings, and a list of what goes wrong or is asked for, and when.
public struct Plan: Sendable {
  public var seed: UInt64
  public var policy: PoolPolicy
  /// In the order of their times. Without some of them it is a plan too: that is how a failure's trail is shortened.
  public var acts: [Act]
  public var length: Duration
  public var agents: Int

  public init(seed: UInt64, length: Duration) {
    var chance = SeededGenerator(seed: seed)
    self.seed = seed
    self.length = length
    policy = Self.policy(using: &chance)
    agents = Int.random(in: 1...10, using: &chance)
    let count = max(4, Int(length.inSeconds / 8))
    acts = (0..<count).map { _ in
      Act(at: .milliseconds(Int.random(in: 0..<Int(length.inSeconds * 1000), using: &chance)), using: &chance)
    }.sorted { $0.at < $1.at }
  }

  static func policy(using chance: inout SeededGenerator) -> PoolPolicy {
    func sometimes<Value>(_ percent: Int, _ value: Value) -> Value? {
      Int.random(in: 0..<100, using: &chance) < percent ? value : nil
    }
    let size = Int.random(in: 1...6, using: &chance)
    var policy = PoolPolicy(
      size: size, requestTimeout: .seconds(20), ready: ReadyPolicy(timeout: .seconds(10)),
      alive: AlivePolicy(every: .seconds(5), failures: 2),
      stop: StopPolicy(drain: .seconds(Int.random(in: 0...25, using: &chance)), terminate: .seconds(2)))
    let every = Duration.seconds(Int.random(in: 20...200, using: &chance))
    policy.recycle = RecyclePolicy(
      every: sometimes(85, every), jitter: Double(Int.random(in: 0...60, using: &chance)) / 100,
      memory: sometimes(60, .mebibytes(100)), memoryLimit: sometimes(60, .mebibytes(200)),
      requests: sometimes(50, Int.random(in: 20...200, using: &chance)),
      minAge: .seconds(Int.random(in: 0...30, using: &chance)),
      windows: sometimes(25, windows(using: &chance)) ?? .init(),
      loadBelow: sometimes(25, Int.random(in: 10...100, using: &chance)),
      surge: Int.random(in: 0...2, using: &chance),
      minReady: Bool.random(using: &chance)
        ? .percent(Int.random(in: 0...100, using: &chance)) : .count(Int.random(in: 0...size, using: &chance)))
    policy.memoryBudget = sometimes(40, .mebibytes(size * Int.random(in: 60...130, using: &chance)))
    return policy
  }

  /// Minutes apart, so that a short life meets their edges.
  private static func windows(using chance: inout SeededGenerator) -> RecycleWindows {
    func span() -> WeekSpan {
      let start = Int.random(in: 0..<1440, using: &chance)
      let length = Int.random(in: 1...5, using: &chance)
      return WeekSpan(days: Array(0..<7), start: start, end: (start + length - 1) % 1440 + 1)
    }
    func hours() -> WeekSpan {
      // Half of every day, so that a seed's life is not all outside of it.
      let start = Int.random(in: 0..<1440, using: &chance)
      return WeekSpan(days: Array(0..<7), start: start, end: (start + 719) % 1440 + 1)
    }
    return Bool.random(using: &chance)
      ? RecycleWindows(only: [hours()], never: [span()]) : RecycleWindows(never: [hours(), span()])
  }
}

/// One thing that goes wrong, or is asked for.
public struct Act: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The slot's newest process: ends; answers nothing any more; grows by so many MiB a second.
    case crash(slot: Int)
    case hang(slot: Int)
    case leak(slot: Int, mebibytes: Int)
    /// The kernel ends the largest.
    case outOfMemory
    case everybodyCrashes
    /// What starts meanwhile starts like this.
    case trouble(Trouble, seconds: Int)
    case restart(slot: Int?, RecycleReason)
    case hold(slot: Int)
    case release(slot: Int)
    case scale(Int)
    case reconfigure(number: UInt64)
    case everyOnly(seconds: Int)
    /// Shut down and, so much later, wanted again.
    case shutdown(seconds: Int)
    case offset(seconds: Int)
    case crowd(Int)
    /// And another takes over, so much later.
    case supervisorDies(milliseconds: Int)
    /// What was said already is said again, of workers that are gone or going.
    case echo
  }

  public enum Trouble: Hashable, Sendable, CaseIterable {
    case slow, neverReady, diesEarly, noProgram, ignoresTerm
  }

  public var at: Duration
  public var kind: Kind

  init(at: Duration, using chance: inout SeededGenerator) {
    self.at = at
    func slot() -> Int { Int.random(in: 0..<6, using: &chance) }
    switch Int.random(in: 0..<100, using: &chance) {
    case ..<14: kind = .crash(slot: slot())
    case ..<24: kind = .hang(slot: slot())
    case ..<36: kind = .leak(slot: slot(), mebibytes: Int.random(in: 1...20, using: &chance))
    case ..<40: kind = .outOfMemory
    case ..<43: kind = .everybodyCrashes
    case ..<55:
      kind = .trouble(
        Trouble.allCases.randomElement(using: &chance) ?? .slow, seconds: Int.random(in: 1...30, using: &chance))
    case ..<63: kind = .restart(slot: nil, .manual)
    case ..<68:
      kind = .restart(
        slot: Bool.random(using: &chance) ? slot() : nil,
        [.manual, .deploy, .reload].randomElement(using: &chance) ?? .manual)
    case ..<75: kind = .hold(slot: slot())
    case ..<82: kind = .release(slot: slot())
    case ..<87: kind = .scale(Int.random(in: 1...6, using: &chance))
    case ..<90: kind = .reconfigure(number: UInt64.random(in: 0...UInt64.max, using: &chance))
    case ..<92: kind = .everyOnly(seconds: Int.random(in: 10...300, using: &chance))
    case ..<93: kind = .shutdown(seconds: Int.random(in: 0...20, using: &chance))
    case ..<95: kind = .offset(seconds: Int.random(in: -3...3, using: &chance) * 3600)
    case ..<96: kind = .echo
    case ..<98: kind = .supervisorDies(milliseconds: Int.random(in: 0...20_000, using: &chance))
    default: kind = .crowd(Int.random(in: 5...40, using: &chance))
    }
  }

  public var description: String { "\(at.short) \(kind)" }
}

extension Act.Kind {
  /// It happens whether or not there is a supervisor.
  var isOfItself: Bool {
    switch self {
    case .crash, .hang, .leak, .outOfMemory, .everybodyCrashes, .trouble, .crowd: true
    case .restart, .hold, .release, .scale, .reconfigure, .everyOnly, .shutdown, .offset, .echo, .supervisorDies:
      false
    }
  }
}
