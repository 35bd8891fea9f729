import Pool
import TestSupport

/// What the supervisors' events say of each worker's generations.
struct Chronicle: Sendable {
  /// Of an event behind what it tells.
  private static let lateness = Duration.milliseconds(300)

  private(set) var exits: [String: [ExitRow]] = [:]
  /// From spawn to exit; what has not ended has no span.
  private(set) var lives: [String: [Range<Duration>]] = [:]
  private(set) var recycles: [RecycleReason: Int] = [:]
  private(set) var counts: [Event.Kind: Int] = [:]

  init(_ arrivals: [EventFeed.Arrival]) {
    var spawned: [String: [Duration]] = [:]
    for (event, moment) in arrivals {
      counts[event.kind, default: 0] += 1
      guard let pool = event.pool, let slot = event.slot, let generation = event.generation else { continue }
      let name = "\(pool)/\(slot)#\(generation)"
      let at = Stopwatch.at(moment)
      if event.kind == .spawn { spawned[name, default: []].append(at - Self.lateness) }
      guard let row = event.exit else { continue }
      exits[name, default: []].append(row)
      recycles[row.reason, default: 0] += 1
      if let birth = spawned[name]?.popLast() { lives[name, default: []].append(birth..<max(birth, at)) }
    }
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
