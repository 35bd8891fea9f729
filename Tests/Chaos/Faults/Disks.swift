import Foundation
import Glibc
import Seeded
import TestSupport

/// No room below the state directory for a while, in which workers are replaced.
struct FullDisk: Fault {
  let name = "full-disk"

  func obstacle(for patient: Patient) -> String? {
    patient.hasOwnDisk ? nil : "a small tmpfs cannot be mounted here: that takes root and the right to mount"
  }

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let time = Duration.milliseconds(Int.random(in: 300...2500, using: &chance))
    for pool in Patient.pools { patient.trail.mark(.pool(pool)) }
    patient.trail.mark(.disk)
    let ballast = Disk.fill("\(patient.directory)/state")
    patient.cure(after: time) {
      unlink(ballast)
      patient.trail.mark(.disk)
      for pool in Patient.pools { patient.trail.mark(.pool(pool)) }
    }
    let restarts = Bool.random(using: &chance)
    if restarts { try await patient.cli("restart", Patient.pools.randomElement(using: &chance) ?? "masters") }
    return "for \(time.inWords)\(restarts ? ", and a pool restarted" : "")"
  }
}

/// What cannot be deleted in a worker's directory: a file that is immutable or someone else's, or a folder very deep.
struct WipeObstacle: Fault {
  let name = "wipe-obstacle"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let victim = try await patient.victim(using: &chance) else { return nil }
    let slot = "\(patient.directory)/state/slots/\(victim.pool)/\(victim.slot)/\(victim.generation)"
    let kind = ["immutable", "foreign", "deep"].randomElement(using: &chance) ?? "deep"
    guard let cure = await Self.place(kind, in: slot) else { return nil }
    try await patient.cli("restart", "\(victim.pool)/\(victim.slot)")
    if let cure {
      let state = "\(patient.directory)/state"
      patient.cure(after: .seconds(2)) { await cure(state) }
    }
    return "\(kind) in \(victim.name), restarted"
  }

  /// How to undo it, given where it is to be looked for by then; nil within: nothing is to be undone, nil: it was not done.
  private static func place(_ kind: String, in slot: String) async -> (@Sendable (String) async -> Void)?? {
    switch kind {
    case "immutable" where geteuid() == 0:
      let path = "\(slot)/immovable"
      guard (try? "fixed".write(toFile: path)) != nil,
        (try? await run("/usr/bin/chattr", ["+i", path]))?.status == .exited(0)
      else { return nil }
      return .some { state in
        // Wherever it was set aside to by now.
        _ = try? await run("/usr/bin/chattr", ["-R", "-f", "-i", state])
      }
    case "foreign":
      let path = "\(slot)/foreign"
      guard (try? makeFolder("\(path)/folder")) != nil, (try? "theirs".write(toFile: "\(path)/folder/file")) != nil
      else { return nil }
      for entry in ["\(path)/folder/file", "\(path)/folder"] where geteuid() == 0 { lchown(entry, 65534, 65534) }
      chmod("\(path)/folder", 0)
      return .some(nil)
    default:
      guard (try? makeFolder(slot + String(repeating: "/d", count: 300))) != nil else { return nil }
      return .some(nil)
    }
  }
}
