import Advice
import Control
import FoundationEssentials
import Hindsight
import History
import Pool

/// From the ledger, wherever it is asked, to what a simulation may be made of.
extension Gathering {
  /// How agents keep to their minute shows in a few hours, looked at closely.
  private static var pulseSeconds: Double { 12 * 3600 }
  private static var pulseSpan: Double { 60 }
  private static var pulseRows: Double { 60_000 }

  /// - Parameter nodes: all that are known.
  func past(of pool: PoolFacts, since: String?, nodes: NodesDocument) async throws(Failure) -> Past {
    var past = Past(pool: pool.name, nodes: nodes.nodes.compactMap(Past.Node.init))
    let since = since ?? Moment.read("7d", now: now)
    let exits = try await list(.exit, of: pool.name, since: since)
    past.lives = try await lives(of: pool, since: since, ended: exits)
    past.exits = exits.compactMap(Past.Exit.init)
    past.startSeconds = Self.starts(
      try await list(.spawn, of: pool.name, since: since), try await list(.ready, of: pool.name, since: since))
    past.pulse = try await pulse(of: pool)
    return past
  }

  private func pulse(of pool: PoolFacts) async throws(Failure) -> Pulse? {
    let workers = Double(max(1, pool.settings.workers))
    let seconds = min(Self.pulseSeconds, Self.pulseRows * Self.pulseSpan / workers)
    let since = Moment.read("\(Int(seconds))s", now: now)
    let rows = try await samples(
      SampleQuery(
        EventFilter(target: .pool(pool.name), since: since), step: Int(Self.pulseSpan), limit: ControlLimit.samples))
    return Pulse(Self.lives(rows), spanSeconds: Self.pulseSpan)
  }

  /// Of each occupant that was seen starting and getting ready.
  private static func starts(_ spawns: [Event], _ births: [Event]) -> [Double] {
    func key(_ event: Event) -> [Int]? {
      event.slot.flatMap { slot in event.generation.map { [slot, $0] } }
    }
    let ready = Dictionary(births.compactMap { event in key(event).map { ($0, event.at) } }) { $1 }
    return spawns.compactMap { event in
      guard let at = key(event).flatMap({ ready[$0] }).flatMap(seconds), let from = seconds(event.at), at >= from
      else {
        return nil
      }
      return at - from
    }
  }
}

extension Past.Exit {
  fileprivate init?(_ event: Event) {
    guard let exit = event.exit, let slot = event.slot, let generation = event.generation,
      let at = Stamp.date(event.at)
    else { return nil }
    self.init(
      slot: slot, generation: generation, at: at.timeIntervalSince1970, reason: exit.reason,
      ageSeconds: exit.ageSeconds, limit: exit.limit, birthBytes: exit.memoryAtBirthBytes,
      requests: exit.requestsServed)
  }
}

extension Past.Node {
  fileprivate init?(_ node: NodesDocument.Node) {
    func seconds(_ text: String?) -> Double? { text.flatMap(Stamp.date)?.timeIntervalSince1970 }
    guard let seen = seconds(node.lastSeenAt) else { return nil }
    self.init(
      seenAt: seen, runStartedAt: seconds(node.runStartedAt), lastRunStartedAt: seconds(node.lastRunStartedAt),
      lastRunSeconds: node.lastRunSeconds, catalogSeconds: node.catalogSeconds, version: node.agentVersion)
  }
}
