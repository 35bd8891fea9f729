import Foundation
import TestSupport
import Testing

/// The dashboard in Debian's headless Chromium, story by story: Tests/Dashboard says what each of them shows.
@Suite(.serialized) struct DashboardTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Dashboard").path
  private static let stories =
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/stories")) ?? [])
    .filter { $0.hasSuffix(".rb") }.map { String($0.dropLast(3)) }.sorted()

  @Test func thereAreStories() { #expect(Self.stories.count >= 8) }

  @Test(arguments: stories)
  func theDashboard(story: String) async throws {
    try await withTemporaryDirectory { mark in
      let told = try await run(
        "/usr/bin/ruby", ["\(Self.folder)/run.rb", Programs.folder, story], environment: ["MASTERPOOL_TEST": mark],
        within: .seconds(240))
      let left = Processes.marked("MASTERPOOL_TEST=\(mark)")
      for pid in left { kill(pid, SIGKILL) }
      #expect(told.status == .exited(0), "\(told.output)\(told.errors)")
      #expect(left.isEmpty, "left behind: \(left.map(Processes.name))")
    }
  }
}
