import Glibc
import Seeded
import TestSupport

/// A worker that is stopped with SIGSTOP, as one that waits for a dead disk is; it goes on after a while, or never.
struct StopWorker: Fault {
  let name = "stop-worker"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let victim = try await patient.victim(using: &chance) else { return nil }
    let returns = Bool.random(using: &chance)
    let time = Duration.milliseconds(Int.random(in: 100...2500, using: &chance))
    patient.trail.mark(.pool(victim.pool))
    patient.trail.mark(.stuck(pool: victim.pool))
    patient.trail.strike(.worker(victim.name)) { patient.signal(victim.pid, SIGSTOP) }
    if returns { patient.cure(after: time) { patient.signal(victim.pid, SIGCONT) } }
    return "\(victim.name), pid \(victim.pid), \(returns ? "for \(time.inWords)" : "for ever")"
  }
}

/// The proxy holds its breath: nothing may be lost of it.
struct StopProxy: Fault {
  let name = "stop-proxy"
  let weight = 1

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let pid = try await patient.status().proxy?.pid else { return nil }
    let time = Duration.milliseconds(Int.random(in: 100...1500, using: &chance))
    patient.signal(pid, SIGSTOP)
    patient.cure(after: time) { patient.signal(pid, SIGCONT) }
    return "pid \(pid), for \(time.inWords)"
  }
}
