import Foundation
import Glibc
import Pool
import Seeded
import TestSupport

/// New code: all workers are replaced, one after the other.
struct Deploy: Fault {
  let name = "deploy"
  let weight = 1

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    try await patient.cli("restart", "--reason", "deploy")
    return "every pool"
  }
}

/// New settings, or the same again.
struct Reload: Fault {
  let name = "reload"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    switch Int.random(in: 0..<5, using: &chance) {
    case 0:
      try await patient.reload { _ in }
      return "nothing changed"
    case 1:
      let threads = Int.random(in: 1...3, using: &chance)
      try await patient.reload { $0.threads = threads }
      return "\(threads) proxy threads"
    case 2:
      let limit = Int.random(in: 4000...6000, using: &chance)
      try await patient.reload { $0.maxConnections = limit }
      return "\(limit) connections at most"
    case 3:
      let every = "\(Int.random(in: 5...20, using: &chance))s"
      try await patient.reload { $0.every = every }
      return "masters live for \(every)"
    default:
      try await patient.reload { $0.edition += 1 }
      return "another environment for all workers"
    }
  }
}

/// Settings with mistakes: refused, and nothing changes.
struct BrokenReload: Fault {
  let name = "broken-reload"
  let weight = 1

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let nonsense = ["pools: {", "listen: []\npools: {}\n", "no_such_key: 1\n"].randomElement(using: &chance) ?? ""
    let result = try await patient.reloadNonsense(nonsense)
    if result.status == .exited(0) { patient.accuse("took settings that make no sense: \(nonsense)") }
    return "\(nonsense.prefix(12).debugDescription): \(result.status)"
  }
}

/// More or fewer workers.
struct Scale: Fault {
  let name = "scale"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let pool = Patient.pools.randomElement(using: &chance) ?? "masters"
    let size = Int.random(in: 2...4, using: &chance)
    patient.trail.mark(.pool(pool))
    try await patient.cli("scale", pool, "\(size)")
    return "\(pool) to \(size)"
  }
}

/// An operator who restarts a worker or a pool.
struct OperatorRestart: Fault {
  let name = "operator-restart"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let victim = try await patient.victim(using: &chance) else { return nil }
    let target = Bool.random(using: &chance) ? victim.pool : "\(victim.pool)/\(victim.slot)"
    try await patient.cli("restart", target)
    return target
  }
}

/// An operator who takes a worker out, and gives it back later.
struct DrainAndResume: Fault {
  let name = "drain-resume"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let victim = try await patient.victim(using: &chance) else { return nil }
    let slot = "\(victim.pool)/\(victim.slot)"
    let time = Duration.milliseconds(Int.random(in: 200...2000, using: &chance))
    patient.trail.mark(.pool(victim.pool))
    // The slot may be on its way out by scaling, or be taken out already: then it is told so.
    let result = try await run(Programs.masterpool, ["drain", slot, "--control", patient.control])
    patient.cure(after: time) {
      await patient.resume(slot)
      patient.trail.mark(.pool(victim.pool))
    }
    return "\(slot) for \(time.inWords): \(result.status)"
  }
}

/// What logrotate does.
struct LogRotation: Fault {
  let name = "log-rotation"
  let weight = 1

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let supervisor = patient.life?.process.pid else { return nil }
    let name = "\(patient.directory)/access.log.\(Stopwatch.now.components.seconds)"
    guard rename("\(patient.directory)/access.log", name) == 0 else { return nil }
    patient.signal(supervisor, SIGUSR1)
    return "access.log"
  }
}
