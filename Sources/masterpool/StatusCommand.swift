import ArgumentParser
import Control
import Foundation

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show pools, workers and the proxy.",
    discussion: """
        masterpool status
        masterpool status --json | jq '.pools[].workers[] | select(.memory_bytes > 500000000)'

      Exit status: 0 done, 1 failed, 64 usage, 69 no supervisor there.
      """)

  @OptionGroup var options: ControlOptions

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() async throws {
    try await options.ask { client in
      let status = try await client.status()
      if json {
        Terminal.say(try Terminal.json(status, pretty: true))
      } else {
        Terminal.show(StatusText.render(status, now: Date(), palette: Terminal.palette))
      }
    }
  }
}
