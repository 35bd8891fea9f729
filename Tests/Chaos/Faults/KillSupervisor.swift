import Glibc
import Seeded
import TestSupport

/// kill -9 of the supervisor; a new one is started a moment later, as systemd would. Proxy and workers go on meanwhile.
struct KillSupervisor: Fault {
  let name = "kill-supervisor"

  func obstacle(for patient: Patient) -> String? {
    patient.canAdopt
      ? nil : "a new supervisor of this masterpool ends what the old one left, and so what is in flight"
  }

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    guard let life = patient.life else { return nil }
    let pause = Duration.milliseconds(Int.random(in: 0...1500, using: &chance))
    patient.trail.strike(.supervisor) { life.process.send(SIGKILL) }
    _ = try await life.process.end(within: .seconds(10))
    try await Task.sleep(for: pause)
    try await patient.start()
    // Until it has found everybody again.
    patient.trail.mark(.supervisor)
    return "pid \(life.process.pid), the next one after \(pause.inWords)"
  }
}
