import Foundation
import TestSupport
import Testing

/// scripts/chaos in small: all kinds of faults in an order of their own, every request accounted for.
@Suite struct ChaosTests {
  private static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../scripts/chaos").standardizedFileURL.path

  @Test func everyRequestIsAccountedForUnderAStreamOfFaults() async throws {
    let result = try await run(
      Self.script, ["--bin", Programs.folder, "--seconds", "30", "--seed", "20"], within: .seconds(240))
    #expect(result.status == .exited(0), "\(result.output)\(result.errors)")
    #expect(result.output.contains("Every request is accounted for."), "\(result.output)")
  }
}
