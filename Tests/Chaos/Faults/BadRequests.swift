import Glibc
import Pool
import Seeded
import TestSupport

/// A request that makes its worker grow over the limit at which it finishes and goes, or the one at which it is cut off.
struct MemoryHog: Fault {
  let name = "memory-hog"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let isGreedy = Bool.random(using: &chance)
    patient.trail.mark(.pool("masters"))
    try patient.ask(.page, .work, orders: "&leak=\(isGreedy ? "230MiB" : "100MiB")")
    return isGreedy ? "230 MiB, over memory_limit" : "100 MiB, over memory"
  }
}

/// A request that its worker never answers; a node that asks so too often is quarantined.
struct Hang: Fault {
  let name = "hang"

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let kind = [Entry.Kind.page, .report, .file].randomElement(using: &chance) ?? .page
    patient.trail.mark(.pool(kind.pool))
    patient.trail.mark(.stuck(pool: kind.pool))
    let node = Bool.random(using: &chance) ? SettingsInForce.nodes.randomElement(using: &chance) : nil
    try patient.ask(kind, .hang, orders: "&hang=1", as: node)
    return "a \(kind.rawValue) of \(node ?? "nobody")"
  }
}

/// A request that its worker dies of: once, so that a second worker can answer it where that is allowed; or in the middle
/// of the answer, which nothing can save.
struct CrashInRequest: Fault {
  let name = "crash-in-request"
  let weight = 3

  func strike(_ patient: Patient, using chance: inout SeededGenerator) async throws -> String? {
    let kind = [Entry.Kind.page, .catalog, .report, .file].randomElement(using: &chance) ?? .page
    let how = ["abort", "segv", "kill", "exit"].randomElement(using: &chance) ?? "kill"
    let moment = ["before", "amid", "after"].randomElement(using: &chance) ?? "before"
    let number = Int.random(in: 0..<1_000_000_000, using: &chance)
    let once = kind.mayRepeat && moment == "before" ? "&once=\(patient.directory)/orders/once-\(number)" : ""
    patient.trail.mark(.pool(kind.pool))
    let purpose: Entry.Purpose =
      switch moment {
      case "amid": .breakOff
      case "before": kind.mayRepeat ? .work : .crash
      default: .work
      }
    // Who is asked for the second time does nothing of what the orders say, so there is nothing to compare.
    let bytes = once.isEmpty || kind == .catalog ? 3000 : 0
    try patient.ask(kind, purpose, bytes: bytes, orders: "&crash=\(how)&at=\(moment)\(once)")
    return "a \(kind.rawValue), by \(how), \(moment) the answer"
  }
}
