import Foundation
import Manual
import TestSupport
import Testing

/// etc/man: pages that mandoc takes.
@Suite struct ManPageTests {
  @Test(arguments: ["masterpool.1", "masterpool.yaml.5", "masterpool-operations.7"])
  func mandocHasNothingToSay(page: String) async throws {
    let mandoc = try Child("/usr/bin/mandoc", ["-T", "lint", "-W", "warning", Repository.path("etc/man/\(page)")])
    let status = try await mandoc.end()
    #expect(mandoc.standardOutput + mandoc.standardError == "")
    #expect(status == .exited(0))
  }

  @Test func theOperationsPageIsTheTopics() throws {
    try compare("etc/man/masterpool-operations.7", with: OperationsPage.render(Manual.topics))
  }
}

/// The sources.
enum Repository {
  static func path(_ name: String) -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.appending(path: name).path
  }

  static func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }
}

/// Of a file that is made from the program; with MASTERPOOL_WRITE_GOLDEN set it is written.
func compare(_ path: String, with text: String) throws {
  if ProcessInfo.processInfo.environment["MASTERPOOL_WRITE_GOLDEN"] != nil {
    try Data(text.utf8).write(to: URL(filePath: Repository.path(path)))
  }
  let isSame = try Repository.text(path) == text
  #expect(isSame, "\(path) is of before; MASTERPOOL_WRITE_GOLDEN=1 swift test --filter ManualTests writes it")
}
