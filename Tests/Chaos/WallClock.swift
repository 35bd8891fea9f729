import Foundation
import Glibc
import TestSupport

/// The wall clock of the patient's processes, and of no others: a library that is preloaded into them (Tests/ClockStep)
/// adds what a file says.
struct WallClock: Sendable {
  /// Made by scripts/chaos; nil where there was no compiler for it.
  static let library = ProcessInfo.processInfo.environment["MASTERPOOL_CHAOS_CLOCK"]
  /// Within what the certificates are good for.
  static let range: ClosedRange<Int64> = 0...10 * 86400

  private let file: String
  private let library: String
  private let seconds: Monitor<Int64>

  /// Begins well ahead, so that there is room to step back.
  init?(in directory: String) throws {
    guard let library = Self.library else { return nil }
    self.library = library
    file = "\(directory)/clock"
    seconds = Monitor(86400)
    try String(repeating: "\0", count: 8).write(toFile: file)
    try put(86400)
  }

  var environment: [String: String] { ["LD_PRELOAD": library, "CHAOS_CLOCK_OFFSET": file] }

  /// Returns by how many seconds it stepped.
  func step(by wanted: Int64) throws -> Int64 {
    let before = seconds.read { $0 }
    let after = min(max(before + wanted, Self.range.lowerBound), Self.range.upperBound)
    try put(after)
    seconds.update { $0 = after }
    return after - before
  }

  private func put(_ seconds: Int64) throws {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure("open \(file)") }
    defer { close(descriptor) }
    var nanoseconds = seconds * 1_000_000_000
    guard pwrite(descriptor, &nanoseconds, 8, 0) == 8 else { throw SystemFailure("write \(file)") }
  }
}
