import Seeded
import TestSupport

/// The installed program takes the supervisor's place, and a proxy of its own the old one's.
struct Upgrade: Fault {
  let name = "upgrade"
  let weight = 1

  func obstacle(for patient: Patient) -> String? {
    patient.canAdopt ? nil : "this masterpool has no upgrade"
  }

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    patient.trail.mark(.supervisor)
    try await patient.cli("upgrade")
    try await patient.followAgain()
    patient.trail.mark(.supervisor)
    return "by itself"
  }
}
