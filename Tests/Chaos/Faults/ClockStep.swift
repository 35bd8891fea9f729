import Seeded

/// The wall clock steps forwards or back, by seconds, hours or days.
struct ClockStep: Fault {
  let name = "clock-step"
  let weight = 1

  func obstacle(for patient: Patient) -> String? {
    patient.clock == nil ? "there is no library that steps the clock of these processes alone" : nil
  }

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let unit: Int64 = [1, 3600, 86400].randomElement(using: &chance) ?? 1
    let wanted = unit * Int64.random(in: -3...3, using: &chance)
    guard let stepped = try patient.clock?.step(by: wanted) else { return nil }
    return "by \(stepped) s"
  }
}
