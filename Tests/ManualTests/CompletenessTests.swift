import Foundation
import Settings
import TestSupport
import Testing

/// etc/man tells all there is, and nothing else.
@Suite struct CompletenessTests {
  @Test func theProgramsPageHasItsCommandsAsTheyTellOfThemselves() async throws {
    let page = try Repository.text("etc/man/masterpool.1")
    let begin = try #require(page.firstRange(of: ".\\\" BEGIN COMMANDS\n"))
    let end = try #require(page.firstRange(of: ".\\\" END COMMANDS\n"))
    let commands = CommandsPage.render(try await CommandTree.load())
    try compare("etc/man/masterpool.1", with: page[..<begin.upperBound] + commands + page[end.lowerBound...])
  }

  /// Each key stands in the list of its section: `.It Ic key`, below a `.Ss` that is called as its path.
  @Test(arguments: Vocabulary.file.allPaths.filter { !$0.hasSuffix("*") })
  func theSettingsPageExplains(path: String) throws {
    let parts = path.split(separator: ".").map(String.init)
    let section = parts.dropLast().map { $0 == "*" ? "NAME" : $0 }.joined(separator: ".")
    let explained = try settingsSections()[section] ?? []
    #expect(explained.contains(parts.last ?? ""), "\(path) is not in masterpool.yaml.5, below .Ss \(section)")
  }

  @Test func theSettingsPageExplainsNothingElse() throws {
    let known = Set(Vocabulary.file.allPaths.map { $0.split(separator: ".").map { $0 == "*" ? "NAME" : $0 } })
    for (section, keys) in try settingsSections() {
      for key in keys {
        let path = section.split(separator: ".") + [key[...]]
        #expect(known.contains(path), "\(path.joined(separator: ".")) is explained, and there is no such key")
      }
    }
  }

  /// The keys that masterpool.yaml.5 explains, by section; those at the top stand in ``.
  private func settingsSections() throws -> [String: Set<String>] {
    var section = ""
    return try Repository.text("etc/man/masterpool.yaml.5").split(separator: "\n").reduce(into: [:]) { found, line in
      if line.hasPrefix(".Ss ") { section = line == ".Ss Top level" ? "" : String(line.dropFirst(4)) }
      guard line.hasPrefix(".It Ic ") else { return }
      // `.It Ic min , Ic max`: one explanation of two.
      let keys = line.dropFirst(4).split(separator: " ").filter { $0 != "Ic" && $0 != "," }
      found[section, default: []].formUnion(keys.map(String.init))
    }
  }
}
