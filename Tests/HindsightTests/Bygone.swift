import Advice
import Pool
import Seeded
import Simulator

@testable import Hindsight

/// A pool's past whose parameters are known. Times in seconds, sizes in MiB.
struct Bygone {
  static let mib = 0x1p20

  var agents = 400
  var interval = 1800.0
  /// Nil: all of the interval.
  var splay: Double?
  var jitter = 5.0
  var hours = 12.0
  var catalogs: ClosedRange<Double> = 0.6...2.6
  var applying: ClosedRange<Double> = 10...30
  /// Beside catalog and report.
  var files = 0
  var hasReports = true
  var oldAgents = 0
  /// Agents that went away an hour before the end.
  var gone = 0
  var slots = 4
  var every: Double? = 7200
  var timerJitter = 0.2
  var birth = 70.0
  var plateau = 50.0
  var leakPerHour = 0.0
  var crashesPerHour = 0.0
  /// Of the traffic, at night.
  var nightShare = 1.0
  var stepSeconds = 60.0
  var seed: UInt64 = 1
  /// A Monday's midnight.
  static let begin = 4.0 * 86400 + 7 * 86400 * 2000

  var past: Past {
    var random = SeededGenerator(seed: seed)
    var past = Past(pool: .masters)
    var asked = [[Double]](repeating: [], count: slots)
    for agent in 0..<agents { past.nodes.append(live(agent, &asked, &random)) }
    for slot in 0..<slots { serve(slot, asked[slot].sorted(), &past, &random) }
    past.pulse = Pulse(past.lives, spanSeconds: stepSeconds)
    past.startSeconds = (0..<20).map { _ in Double.random(in: 0.5...1.5, using: &random) }
    return past
  }

  private var end: Double { Self.begin + hours * 3600 }

  // MARK: Agents

  private func live(_ agent: Int, _ asked: inout [[Double]], _ random: inout SeededGenerator) -> Past.Node {
    let phase = Double.random(in: 0...max(0.001, splay ?? interval), using: &random)
    let catalog = Double.random(in: catalogs, using: &random)
    let last = agent < gone ? end - 4 * interval : end
    var node = Past.Node(
      seenAt: Self.begin, catalogSeconds: catalog, version: agent < oldAgents ? "7.20.0" : "8.10.0")
    for beat in stride(from: Self.begin + phase, to: last, by: interval) {
      let start = beat + Double.random(in: 0...max(0.001, jitter), using: &random)
      let isNight = (start - Self.begin).truncatingRemainder(dividingBy: 86400) < 43200
      guard !isNight || Double.random(in: 0...1, using: &random) < nightShare else { continue }
      let run = catalog + Double.random(in: applying, using: &random)
      let times = [start, start + run] + (0..<files).map { start + run * Double($0) / Double(files + 1) }
      for time in times.dropFirst(hasReports ? 0 : 1) where time < end {
        asked[Int.random(in: 0..<slots, using: &random)].append(time)
      }
      node.seenAt = min(last, start + run)
      if start + run < last {
        (node.lastRunStartedAt, node.lastRunSeconds, node.runStartedAt) = (start, run, nil)
      } else if start < last {
        node.runStartedAt = start
      }
    }
    return node
  }

  // MARK: Workers

  private func serve(_ slot: Int, _ asked: [Double], _ past: inout Past, _ random: inout SeededGenerator) {
    var (born, generation) = (Self.begin - 1000, 1)
    while born < end {
      let limit = every.map { $0 * (1 - timerJitter * Double.random(in: 0...1, using: &random)) } ?? .infinity
      let crash =
        crashesPerHour > 0
        ? -logarithm(Double.random(in: 0.001...1, using: &random)) / crashesPerHour * 3600 : .infinity
      let death = born + min(limit, crash)
      past.lives.append(life(slot, generation, from: born, to: min(death, end), asked))
      guard death < end else { return }
      past.exits.append(
        .init(
          slot: slot, generation: generation, at: death, reason: crash < limit ? .crash : .timer,
          ageSeconds: death - born, limit: crash < limit ? nil : Duration.seconds(limit).short,
          birthBytes: Int(birth * Self.mib), requests: asked.count { $0 >= born && $0 < death }))
      (born, generation) = (death, generation + 1)
    }
  }

  private func life(
    _ slot: Int, _ generation: Int, from born: Double, to death: Double, _ asked: [Double]
  ) -> Evidence.Life {
    let first = Self.begin + ((max(born, Self.begin) - Self.begin) / stepSeconds).rounded(.up) * stepSeconds
    var points: [Evidence.Point] = []
    var (next, requests) = (asked.firstIndex { $0 >= born } ?? asked.count, 0)
    for at in stride(from: first, to: death, by: stepSeconds) {
      while next < asked.count, asked[next] <= at { (next, requests) = (next + 1, requests + 1) }
      let warm = plateau * min(1, Double(requests) / 50)
      let held = birth + warm + leakPerHour * (at - born) / 3600
      points.append(.init(at: at, bytes: held * Self.mib, requests: requests))
    }
    return .init(slot: slot, generation: generation, points: points)
  }

  /// The natural one, of what is in 0…1, nearly.
  private func logarithm(_ value: Double) -> Double { -Sample.log(1 / max(value, 1e-9)) }
}

extension PoolName {
  static var masters: PoolName { PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }() }
}
