import ArgumentParser
import Control
import Pool

struct ReleaseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "End a node's quarantine before its time.",
    discussion: """
        masterpool release web7.example.com

      A node whose requests wedged workers again and again gets one worker at most for a while: see quarantine in the \
      settings; masterpool status --json names those that are. Exit status: 0 done, 1 refused or failed, 64 usage, 69 \
      no supervisor there.
      """)

  @Argument(help: ArgumentHelp("The node's certificate name.", valueName: "node"))
  var node: String

  @OptionGroup var options: ControlOptions

  func run() async throws {
    try await options.ask { Terminal.say(try await $0.perform(.release(node: node)).message) }
  }
}
