import Foundation
import Glibc
import Seeded
import TestSupport

/// Only where workers are forked from a warm parent.
protocol ParentFault: Fault {}

extension ParentFault {
  func obstacle(for patient: Patient) -> String? {
    patient.isPreloading ? nil : "no pool has a warm parent without --preload"
  }
}

/// kill -9 of a warm parent, or of the one that is about to take its place: its workers go on.
struct KillParent: ParentFault {
  let name = "kill-parent"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let pid = try await patient.parents().randomElement(using: &chance) else { return nil }
    patient.signal(pid, SIGKILL)
    return "pid \(pid)"
  }
}

/// A parent that is stopped, and goes on after a while or never.
struct StopParent: ParentFault {
  let name = "stop-parent"
  let weight = 1

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let pid = try await patient.parents().randomElement(using: &chance) else { return nil }
    let returns = Bool.random(using: &chance)
    let time = Duration.milliseconds(Int.random(in: 100...2500, using: &chance))
    // What is to start waits for it until it is killed.
    patient.trail.mark(.pool(SettingsInForce.warmPool))
    patient.signal(pid, SIGSTOP)
    if returns { patient.cure(after: time) { patient.signal(pid, SIGCONT) } }
    return "pid \(pid), \(returns ? "for \(time.inWords)" : "for ever")"
  }
}

/// For a while parents end at their start, never say that they are ready, answer nothing or cannot fork. Workers are
/// started cold meanwhile.
struct BadParent: ParentFault {
  let name = "bad-parent"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let pool = SettingsInForce.warmPool
    let what = SettingsInForce.parentOrders.randomElement(using: &chance) ?? "parent-mute"
    let time = Duration.milliseconds(Int.random(in: 300...4000, using: &chance))
    let order = SettingsInForce.order(what, pool: pool, in: patient.directory)
    try "".write(toFile: order)
    patient.trail.mark(.pool(pool))
    patient.cure(after: time) {
      unlink(order)
      patient.trail.mark(.pool(pool))
    }
    let restarts = Bool.random(using: &chance)
    if restarts { try await patient.cli("restart", pool) }
    return "\(what) for \(time.inWords)\(restarts ? ", and its pool restarted" : "")"
  }
}

extension Patient {
  private struct Families: Decodable {
    struct Pool: Decodable { var parents: [Parent]? }
    struct Parent: Decodable { var pid: pid_t? }
    var pools: [Pool]
  }

  func parents() async throws -> [pid_t] {
    let response = try await request("GET", "/v1/status", at: .unix(control), within: .seconds(5))
    let families = try JSONDecoder().decode(Families.self, from: Data(response.body))
    return families.pools.flatMap { $0.parents ?? [] }.compactMap(\.pid)
  }
}
