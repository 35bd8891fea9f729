import ArgumentParser
import Control
import Pool

struct DrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain",
    abstract: "Take a worker out of traffic: it finishes its requests and gets no new ones.",
    discussion: """
        masterpool drain masters/2
        masterpool resume masters/2

      It stays out, over recycles too, until it is resumed. Exit status: 0 done, 1 refused or failed, 64 usage, 69 no \
      supervisor there.
      """)

  @Argument(help: ArgumentHelp("The worker's place.", valueName: "pool/slot"))
  var slot: SlotID

  @OptionGroup var options: ControlOptions

  func run() async throws {
    try await options.ask { Terminal.say(try await $0.perform(.drain(slot)).message) }
  }
}

struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Put a drained worker back into traffic.",
    discussion: """
        masterpool resume masters/2

      Exit status: 0 done, 1 refused or failed, 64 usage, 69 no supervisor there.
      """)

  @Argument(help: ArgumentHelp("The worker's place.", valueName: "pool/slot"))
  var slot: SlotID

  @OptionGroup var options: ControlOptions

  func run() async throws {
    try await options.ask { Terminal.say(try await $0.perform(.resume(slot)).message) }
  }
}
