import Glibc
import Seeded
import TestSupport

/// kill -9 of a worker, whatever it is at.
struct KillWorker: Fault {
  let name = "kill-worker"
  let weight = 4

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let states: Set = ["ready", "starting", "draining"]
    guard let victim = try await patient.victim(states: states, using: &chance) else { return nil }
    patient.trail.mark(.pool(victim.pool))
    patient.trail.strike(.worker(victim.name)) { patient.signal(victim.pid, SIGKILL) }
    return "\(victim.name), pid \(victim.pid)"
  }
}

/// kill -9 of the proxy that serves, or of one that drains.
struct KillProxy: Fault {
  let name = "kill-proxy"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let proxy = try await patient.status().proxy else { return nil }
    let pids = [(proxy.generation, proxy.pid)] + proxy.draining.map { ($0.generation, $0.pid) }
    guard let (generation, pid) = pids.randomElement(using: &chance) else { return nil }
    patient.trail.strike(.proxy) { patient.signal(pid, SIGKILL) }
    return "proxy \(generation), pid \(pid)"
  }
}
