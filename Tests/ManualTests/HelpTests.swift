import Foundation
import Manual
import TestSupport
import Testing

/// `masterpool help`.
@Suite struct HelpTests {
  @Test func everyTopicIsShownAsItIsWritten() async throws {
    for topic in Manual.topics {
      let shown = try await masterpool("help", topic.name)
      #expect(shown.status == .exited(0))
      #expect(shown.output.contains(topic.text), "\(topic.name)")
    }
  }

  @Test func theListOfTopicsNamesEach() async throws {
    let shown = try await masterpool("help", "topics")
    for topic in Manual.topics { #expect(shown.output.contains("masterpool help \(topic.name) ")) }
    #expect(shown.status == .exited(0))
  }

  @Test func theHelpOfACommandIsWhatItSaysItself() async throws {
    let topics = Set(Manual.topics.map(\.name))
    func walk(_ command: CommandTree.Command, _ words: [String]) async throws {
      let shown = try await masterpool(["help"] + words)
      let itsOwn = try await masterpool(words + ["--help"])
      #expect(shown.status == .exited(0))
      if words.count == 1, topics.contains(words[0]) {
        #expect(shown.output.hasPrefix(itsOwn.output), "\(words)")
      } else {
        #expect(shown.output == itsOwn.output, "\(words)")
      }
      for child in command.ownSubcommands { try await walk(child, words + [child.commandName]) }
    }
    try await walk(CommandTree.load(), [])
  }

  @Test(arguments: [
    (["help", "reason"], "masterpool help reasons?"), (["help", "statsu"], "masterpool help status?"),
    (["help", "xyzzy"], "masterpool help topics"), (["help", "ca", "isue"], "masterpool help topics"),
    (["help", "reasons", "timer"], "masterpool help topics"),
  ])
  func whatThereIsNotIsRefusedWithWhatThereIs(words: [String], advice: String) async throws {
    let shown = try await masterpool(words)
    #expect(shown.status == .exited(64))
    #expect(shown.errors.contains(advice), "\(shown.errors)")
    #expect(shown.output == "")
  }

  /// An example that a terminal of 80 columns breaks cannot be read.
  @Test func theFirstHelpFits() async throws {
    let help = try await masterpool("--help").output
    for topic in ["masterpool help topics", "masterpool status"] { #expect(help.contains("  \(topic)")) }
    let examples = help.split(separator: "\n").filter { $0.hasPrefix("  masterpool ") }
    #expect(examples.count > 5)
    let broken = examples.filter { $0.count < 40 }
    #expect(broken == [])
  }
}

func masterpool(_ words: String...) async throws -> (status: TestSupport.ExitStatus, output: String, errors: String) {
  try await masterpool(words)
}

func masterpool(_ words: [String]) async throws -> (status: TestSupport.ExitStatus, output: String, errors: String) {
  let child = try Child(Programs.masterpool, words, environment: ["NO_COLOR": "1"])
  let status = try await child.end()
  return (status, child.standardOutput, child.standardError)
}
