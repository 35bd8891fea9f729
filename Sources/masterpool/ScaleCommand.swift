import ArgumentParser
import Control
import Pool

struct ScaleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scale",
    abstract: "Change how many workers a pool has, until the next start.",
    discussion: """
        masterpool scale masters 8

      Workers that are too many finish their requests first. Exit status: 0 done, 1 refused or failed, 64 usage, 69 \
      no supervisor there.
      """)

  @Argument(help: "The pool's name.")
  var pool: PoolName

  @Argument(help: "How many workers.")
  var size: Int

  @OptionGroup var options: ControlOptions

  func run() async throws {
    try await options.ask { Terminal.say(try await $0.perform(.scale(pool, size: size)).message) }
  }
}
