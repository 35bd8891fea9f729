import Foundation
import Pool
import TestSupport

/// The ledger as the last supervisor left it on disk, beside what was told while it was written.
struct LedgerOnDisk: Sendable {
  private(set) var exits: [Event] = []
  private(set) var complaints: [String] = []
  /// Rows within so long of a supervisor's death may be told without being kept, or kept without being told.
  private static let lastWords = Duration.seconds(2)
  /// While the disk is full, and until it is tried again.
  private static let held = Duration.seconds(35)
  private static let limit = 10_000

  /// Once no supervisor runs.
  init(_ patient: Patient) async {
    for pool in Patient.pools + ["stubs"] {
      do { exits += try await Self.read(pool, patient) } catch {
        complaints.append("the ledger of \(pool): \(error)")
      }
    }
    compare(patient)
  }

  private struct Document: Decodable {
    var exits: [Event]
  }

  private static func read(_ pool: String, _ patient: Patient) async throws -> [Event] {
    let result = try await run(
      Programs.masterpool,
      ["history", pool, "--json", "--limit", "\(limit)", "--state-dir", "\(patient.directory)/state"])
    guard result.status == .exited(0) else { throw HarnessFailure("\(result.status): \(result.errors)") }
    return try JSONDecoder().decode(Document.self, from: Data(result.output.utf8)).exits
  }

  private struct Row: Hashable {
    var id: Int
    var message: String

    init(_ event: Event) { (id, message) = (event.id, event.message) }
  }

  private mutating func compare(_ patient: Patient) {
    let told = patient.events.filter { $0.event.kind == .exit }
    let kept = Set(exits.map(Row.init))
    let deaths = patient.trail.blows.filter { $0.target == .supervisor }
    for (event, moment) in told where !kept.contains(Row(event)) {
      let at = Stopwatch.at(moment)
      if deaths.contains(where: { at >= $0.began - Self.lastWords && at <= $0.ended + Self.lastWords }) { continue }
      if wasHeldUp(at, patient.trail.blows, deaths) { continue }
      complaints.append("told and not in the ledger: \(event.id). \(event.message)")
    }
    let heard = Set(told.map { Row($0.event) })
    let unheard = exits.filter { !heard.contains(Row($0)) }
    // Each supervisor's death may have cut off a few.
    if unheard.count > 3 * deaths.count {
      complaints.append("in the ledger and never told: \(unheard.prefix(3).map(\.message).joined(separator: "; "))")
    }
  }
  /// It waited for room, and its supervisor died before there was any or before it had looked again.
  private func wasHeldUp(_ at: Duration, _ blows: [Trail.Blow], _ deaths: [Trail.Blow]) -> Bool {
    let isNearFullDisk = blows.contains { blow in
      blow.target == .disk && blow.began - Self.held <= at && at <= blow.ended + Self.held
    }
    return isNearFullDisk && deaths.contains { $0.began >= at && $0.began <= at + Self.held * 2 }
  }
}
