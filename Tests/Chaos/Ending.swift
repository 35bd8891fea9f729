import Foundation
import Glibc
import TestSupport

/// How it goes: in good order, and nothing is left of it.
struct Ending {
  private let patient: Patient
  private static let limit = Duration.seconds(60)

  init(_ patient: Patient) { self.patient = patient }

  func happen() async throws {
    try await stop()
    expectNothingLeft()
    // What could not be deleted while it was in the way goes at the next start.
    if !remains().isEmpty {
      try await patient.start()
      try await patient.recover(within: Self.limit)
      try await stop()
      let left = remains()
      if !left.isEmpty { patient.accuse("not wiped: \(left.prefix(5).joined(separator: ", "))") }
    }
  }

  private func stop() async throws {
    guard let life = patient.life else { return }
    life.process.send(SIGTERM)
    let status = try await life.process.end(within: Self.limit)
    if status != .exited(0) { patient.accuse("the supervisor ended with \(status)") }
  }

  private func expectNothingLeft() {
    let deadline = Deadline.after(.seconds(2))
    var left = Processes.marked(patient.mark)
    while !left.isEmpty, !deadline.passed {
      usleep(20_000)
      left = Processes.marked(patient.mark)
    }
    if !left.isEmpty {
      patient.accuse("processes left behind: \(left.map { "\($0) \(Processes.name($0))" })")
      for pid in left { patient.signal(pid, SIGKILL) }
    }
    for name in entries(of: "\(patient.directory)/run") where name.hasSuffix(".sock") {
      patient.accuse("a socket is left: \(name)")
    }
  }

  /// What is left of workers' directories and of their wipes.
  private func remains() -> [String] {
    let state = "\(patient.directory)/state"
    let slots = entries(of: "\(state)/slots").filter { $0.split(separator: "/").count > 2 }
    let trash = entries(of: "\(state)/trash")
    return slots.map { "slots/\($0)" } + trash.map { "trash/\($0)" }
  }

  private func entries(of folder: String) -> [String] {
    FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
  }
}
