import Foundation
import Pool
import Testing

@testable import Supervision

@Suite(.timeLimit(.minutes(2))) struct DeployWatchTests {
  private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/deploy-watch-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: "\(folder)/site/a/b", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private func put(_ text: String, _ path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

  /// Until the kernel has told of it.
  private func change(_ watch: DeployWatch) async -> Bool {
    for _ in 0..<200 {
      if watch.takeChange(at: Clock.now()) { return true }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  private func policy(_ paths: [String], max: Int = 100) -> DeployPolicy {
    DeployPolicy(watch: paths, settle: .milliseconds(50), maxWatches: max)
  }

  @Test func changesDeepDownAndInNewFoldersAreNoticed() async throws {
    try await withFolder { folder in
      let watch = DeployWatch(policy(["\(folder)/site"]))
      #expect(!watch.takeChange(at: Clock.now()))
      try put("1", "\(folder)/site/a/b/one.pp")
      #expect(await change(watch))
      try FileManager.default.createDirectory(atPath: "\(folder)/site/new/deep", withIntermediateDirectories: true)
      #expect(await change(watch))
      try put("2", "\(folder)/site/new/deep/two.pp")
      #expect(await change(watch))
      try FileManager.default.removeItem(atPath: "\(folder)/site/new/deep/two.pp")
      #expect(await change(watch))
      watch.end()
    }
  }

  @Test func aLinkThatIsSwitchedIsAChangeAndItsNewTargetIsWatched() async throws {
    try await withFolder { folder in
      try FileManager.default.createDirectory(atPath: "\(folder)/other/x", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/current", withDestinationPath: "\(folder)/site")
      let watch = DeployWatch(policy(["\(folder)/current"]))
      try put("1", "\(folder)/site/a/one.pp")
      #expect(await change(watch))
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/next", withDestinationPath: "\(folder)/other")
      #expect(rename("\(folder)/next", "\(folder)/current") == 0)
      #expect(await change(watch))
      try put("1", "\(folder)/other/x/one.pp")
      #expect(await change(watch))
      watch.end()
    }
  }

  @Test func whatLiesBesideAWatchedFileAndAGitFolderIsNoDeploy() async throws {
    try await withFolder { folder in
      try put("1", "\(folder)/site/code")
      try FileManager.default.createDirectory(atPath: "\(folder)/site/a/.git", withIntermediateDirectories: true)
      let watch = DeployWatch(policy(["\(folder)/site/code", "\(folder)/site/a"]))
      try put("1", "\(folder)/site/other")
      try put("1", "\(folder)/site/a/.git/HEAD")
      // Told after those two, so that they would have been seen.
      try put("2", "\(folder)/site/code")
      #expect(await change(watch))
      try put("1", "\(folder)/site/other")
      try put("1", "\(folder)/site/a/.git/HEAD")
      try await Task.sleep(for: .milliseconds(200))
      #expect(!watch.takeChange(at: Clock.now()))
      watch.end()
    }
  }

  @Test func moreFoldersThanAllowedAreSaid() async throws {
    try await withFolder { folder in
      let watch = DeployWatch(policy(["\(folder)/site"], max: 2))
      #expect(watch.watchCount == 2)
      #expect(watch.takeProblem()?.contains("more than 2 folders") == true)
      #expect(watch.takeProblem() == nil)
      watch.end()
    }
  }
}
