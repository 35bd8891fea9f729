import Foundation
import Pool

/// What the supervisors' events say of each worker's generations.
struct Chronicle: Sendable {
  private(set) var exits: [String: [ExitRow]] = [:]
  /// From spawn to exit; what has not ended has no span.
  private(set) var lives: [String: [Range<Duration>]] = [:]
  private(set) var recycles: [RecycleReason: Int] = [:]
  private(set) var counts: [Event.Kind: Int] = [:]

  init(_ events: [Event]) {
    var spawned: [String: [Duration]] = [:]
    let zero = Date() - Stopwatch.now.inSeconds
    for event in events {
      counts[event.kind, default: 0] += 1
      guard let pool = event.pool, let slot = event.slot, let generation = event.generation,
        let at = Self.time(of: event, since: zero)
      else { continue }
      let name = "\(pool)/\(slot)#\(generation)"
      if event.kind == .spawn { spawned[name, default: []].append(at) }
      guard let row = event.exit else { continue }
      exits[name, default: []].append(row)
      recycles[row.reason, default: 0] += 1
      if let birth = spawned[name]?.popLast() { lives[name, default: []].append(birth..<max(birth, at)) }
    }
  }

  private static func time(of event: Event, since zero: Date) -> Duration? {
    let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    guard let date = try? format.parse(event.at) else { return nil }
    return .milliseconds(Int64(date.timeIntervalSince(zero) * 1000))
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
