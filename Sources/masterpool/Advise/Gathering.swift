import Advice
import Control
import FoundationEssentials
import History
import Pool

/// A pool as far as advice needs to know it.
struct PoolFacts: Sendable {
  var name: PoolName
  var settings: Evidence.Settings

  init(_ pool: StatusDocument.Pool) {
    self.init(pool.name, workers: pool.size, pool.limits ?? StatusDocument.Limits(), budget: pool.memoryBudgetBytes)
  }

  init(_ plan: PoolPlan) {
    let policy = plan.policy
    self.init(
      plan.name, workers: policy.size, StatusDocument.Limits(policy), budget: policy.memoryBudget?.bytes)
  }

  private init(_ name: PoolName, workers: Int, _ limits: StatusDocument.Limits, budget: Int?) {
    self.name = name
    settings = Evidence.Settings(
      workers: workers, concurrency: limits.concurrency, everySeconds: limits.everySeconds,
      memory: limits.memoryBytes.map(Double.init),
      memoryLimit: limits.memoryLimitBytes.map(Double.init), memoryBudget: budget.map(Double.init),
      requests: limits.requests)
  }

  /// Of a ledger without settings.
  init(_ name: PoolName, slots: Int) {
    self.name = name
    settings = Evidence.Settings(workers: slots)
  }
}

/// From the ledger, wherever it is asked, to what advice is made of.
struct Gathering<Failure: Error> {
  let samples: (SampleQuery) async throws(Failure) -> [SampleRow]
  let events: (EventFilter, Int) async throws(Failure) -> [Event]
  /// Up to when; of a ledger that nobody writes any more, its end.
  var now = Date()
  /// About so many rows are asked for, whatever the time and the number of workers.
  private static var maxSamples: Double { 40_000 }
  /// Seconds that a row stands for: of long lives coarser, the longer the time; of short ones always fine, and of a
  /// shorter time instead.
  private static var steps: ClosedRange<Double> { 60...600 }
  private static var shortStep: Double { 20 }
  /// Lives shorter than this are looked at as closely as they are kept.
  private static var shortLife: Double { 1800 }

  /// Of that pool, or of all; nothing of one that is not there.
  func evidence(of pools: [PoolFacts], only name: PoolName?, since: String?) async throws(Failure) -> [Evidence] {
    let machine = Evidence.Machine.own(pools: pools.count)
    var all: [Evidence] = []
    for pool in pools where name == nil || pool.name == name {
      all.append(try await evidence(for: pool, since: since, machine: machine))
    }
    return all
  }

  private func evidence(
    for pool: PoolFacts, since: String?, machine: Evidence.Machine
  ) async throws(Failure) -> Evidence {
    let since = since ?? Moment.read("7d", now: now)
    let exits = try await list(.exit, of: pool.name, since: since)
    let births = try await list(.ready, of: pool.name, since: since)
    let lives = try await lives(of: pool, since: since, ended: exits)
    return Evidence(
      pool: pool.name, lives: lives, ends: Self.ends(exits, births), settings: pool.settings, machine: machine)
  }

  func list(_ kind: Event.Kind, of pool: PoolName, since: String?) async throws(Failure) -> [Event] {
    try await events(EventFilter(kinds: [kind], target: .pool(pool), since: since), ControlLimit.events)
  }

  /// As closely as they are to be looked at by how long those lived that ended.
  func lives(
    of pool: PoolFacts, since: String?, ended exits: [Event]
  ) async throws(Failure) -> [Evidence.Life] {
    let ages = exits.compactMap(\.exit?.ageSeconds).sorted()
    let isShort = ages.isEmpty || ages[ages.count / 2] < Self.shortLife
    let workers = Double(max(1, pool.settings.workers))
    let window = since.flatMap(Self.seconds).map { max(1, now.timeIntervalSince1970 - $0) } ?? 1
    let fitting = (window * workers / Self.maxSamples / 10).rounded(.up) * 10
    let step = isShort ? Self.shortStep : min(Self.steps.upperBound, max(Self.steps.lowerBound, fitting))
    let seen = min(window, Self.maxSamples * step / workers)
    // More rows than are expected, for surges and scalings: those that are cut off would be the latest.
    let rows = try await samples(
      SampleQuery(
        EventFilter(target: .pool(pool.name), since: Moment.read("\(Int(seen.rounded(.up)))s", now: now)),
        step: Int(step), limit: ControlLimit.samples))
    return Self.lives(rows)
  }

  static func lives(_ rows: [SampleRow]) -> [Evidence.Life] {
    Dictionary(grouping: rows) { Occupant(slot: $0.slot, generation: $0.generation) }.map { occupant, rows in
      Evidence.Life(
        slot: occupant.slot, generation: occupant.generation,
        points: rows.compactMap { row in
          seconds(row.at).map {
            .init(
              at: $0, bytes: Double(row.memoryMeanBytes), requests: row.requestsTotal,
              inFlight: row.requestsInFlightMean ?? Double(row.requestsInFlightMax), samples: row.samples)
          }
        })
    }.sorted { ($0.slot, $0.generation) < ($1.slot, $1.generation) }
  }

  /// A place in the pool is empty from the drain's beginning until the successor is ready.
  private static func ends(_ exits: [Event], _ births: [Event]) -> [Evidence.End] {
    let ready = Dictionary(grouping: births) { $0.slot ?? -1 }
    return exits.compactMap { event in
      guard let exit = event.exit, let slot = event.slot, let generation = event.generation,
        let at = seconds(event.at)
      else { return nil }
      let successor = ready[slot]?.filter { ($0.generation ?? 0) > generation }
        .min { ($0.generation ?? 0) < ($1.generation ?? 0) }
      let gap = successor.flatMap { seconds($0.at) }.map { max(0, $0 - at + (exit.drainSeconds ?? 0)) }
      return Evidence.End(
        slot: slot, generation: generation, at: at, reason: exit.reason, ageSeconds: exit.ageSeconds, gapSeconds: gap)
    }
  }

  static func seconds(_ text: String) -> Double? { Stamp.date(text)?.timeIntervalSince1970 }
}

/// Whose life it is.
private struct Occupant: Hashable {
  var slot: Int
  var generation: Int
}

extension HistoryReader {
  /// Of a ledger whose supervisor is gone, the last days are those before its last sample; nil: it has none.
  func end() async throws(HistoryUnreadable) -> Date? {
    guard let last = try await samples(SampleQuery(limit: 1)).last else { return nil }
    return Stamp.date(last.at)?.addingTimeInterval(Double(last.spanSeconds) + 1)
  }

  /// Those that the ledger has seen, where no settings name them.
  func pools() async throws(HistoryUnreadable) -> [PoolFacts] {
    let rows = try await samples(SampleQuery(step: 600, limit: ControlLimit.samples))
    return Dictionary(grouping: rows, by: \.pool).map { name, rows in
      PoolFacts(name, slots: Set(rows.map(\.slot)).count)
    }.sorted { $0.name.rawValue < $1.name.rawValue }
  }
}
