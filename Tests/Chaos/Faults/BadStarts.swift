import Glibc
import Seeded
import TestSupport

/// All workers of a pool start badly for a while, and one is killed to have it try.
private func startBadly(
  _ what: String, for time: Duration, _ patient: Patient, using chance: inout SeededGenerator
) async throws -> String? {
  guard let victim = try await patient.victim(using: &chance) else { return nil }
  let order = SettingsInForce.order(what, pool: victim.pool, in: patient.directory)
  try "".write(toFile: order)
  patient.trail.mark(.pool(victim.pool))
  patient.trail.strike(.worker(victim.name)) { patient.signal(victim.pid, SIGKILL) }
  patient.cure(after: time) {
    unlink(order)
    // From here on it may take its time to come back.
    patient.trail.mark(.pool(victim.pool))
  }
  return "\(victim.pool), for \(time.inWords), and \(victim.name) killed"
}

/// Workers that end before they are ready.
struct CrashOnStart: Fault {
  let name = "crash-on-start"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let time = Duration.milliseconds(Int.random(in: 300...2000, using: &chance))
    return try await startBadly("crash", for: time, patient, using: &chance)
  }
}

/// Workers that take long until they listen, at times too long.
struct SlowStart: Fault {
  let name = "slow-start"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let time = Duration.milliseconds(Int.random(in: 500...7000, using: &chance))
    return try await startBadly("deaf", for: time, patient, using: &chance)
  }
}

/// Workers that fail their probes for a while, those that start and those that are idle.
struct Sickness: Fault {
  let name = "sickness"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let pool = Patient.pools.randomElement(using: &chance) ?? "masters"
    let time = Duration.milliseconds(Int.random(in: 500...2500, using: &chance))
    let order = SettingsInForce.order("sick", pool: pool, in: patient.directory)
    patient.trail.mark(.pool(pool))
    try "".write(toFile: order)
    patient.cure(after: time) {
      unlink(order)
      patient.trail.mark(.pool(pool))
    }
    return "\(pool), for \(time.inWords)"
  }
}
