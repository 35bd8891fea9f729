import ArgumentParser
import Control
import Pool

struct EventsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "Show what happened, and why each worker was restarted.",
    discussion: """
        masterpool events --limit 20
        masterpool events --follow
        masterpool events --json --limit 1000 | jq '.[] | select(.kind == "exit") | .exit.reason'

      An `exit` line is the ledger's row of one worker: the reason, what was measured against which limit, requests \
      served and lost, what was wiped. With --follow and --json: one document a line. The supervisor keeps the last \
      events of its own life; its log has all of them.

      Exit status: 0 done, 1 failed, 64 usage, 69 no supervisor there, or with --follow no more.
      """)

  @OptionGroup var options: ControlOptions

  @Flag(help: "Go on with what happens.")
  var follow = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: "How many of the last events.")
  var limit = ControlLimit.defaultEvents

  func validate() throws {
    guard (0...ControlLimit.events).contains(limit) else {
      throw ValidationError("--limit takes 0 to \(ControlLimit.events)")
    }
  }

  func run() async throws {
    try await options.ask { client in
      let palette = Terminal.palette
      if follow {
        try await client.follow(limit: limit) { event in
          Terminal.say(json ? try Terminal.json(event, pretty: false) : EventText.line(event, palette: palette))
        }
        Terminal.complain("it has ended: no more events from \(client.socketPath)")
        throw ExitCode(69)
      }
      let events = try await client.events(limit: limit)
      if json {
        Terminal.say(try Terminal.json(events, pretty: true))
      } else {
        for event in events { Terminal.say(EventText.line(event, palette: palette)) }
      }
    }
  }
}
