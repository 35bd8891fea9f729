import ArgumentParser
import Control
import Pool

struct NotifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notify",
    abstract: "Who is told when something is wrong.",
    subcommands: [NotifyTestCommand.self])
}

struct NotifyTestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Send a test to the receivers of notifications.",
    discussion: """
        masterpool notify test
        masterpool notify test ops

      Each receiver under notify.receivers gets one message, at once and once, and what came back is told: a line for \
      each. What is told otherwise, and when: masterpool help notifications. Exit status: 0 where each took it, 1 where \
      one did not or there is none, 64 usage, 69 no supervisor there.
      """)

  @Argument(help: ArgumentHelp("The receiver's name; none: all.", valueName: "receiver"))
  var receiver: String?

  @OptionGroup var options: ControlOptions

  func run() async throws {
    try await options.ask {
      Terminal.say(try await $0.perform(.testNotifications(receiver: receiver)).message)
    }
  }
}
