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
        masterpool events --reason memory --reason memory_limit --slot masters/0 --since 24h
        masterpool events --json --limit 1000 | jq '.[] | select(.kind == "exit") | .exit.reason'

      An `exit` line is the ledger's row of one worker: the reason, what was measured against which limit, requests \
      served and lost, what was wiped. With --follow and --json: one document a line.

      Where no supervisor runs, the ledger of the last one is read: in --state-dir, in the state_dir of --config, or \
      where both are left out in the standard place.

      Exit status: 0 done, 1 failed, 64 usage, 69 no supervisor and no ledger there, or with --follow no more, \
      78 bad settings in --config.
      """)

  @OptionGroup var place: HistoryPlace
  @OptionGroup var times: TimeOptions

  @Flag(help: "Go on with what happens.")
  var follow = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: "How many of the last events.")
  var limit = ControlLimit.defaultEvents

  @Option(help: "Only exits for this reason; may be given more than once.")
  var reason: [RecycleReason] = []

  @Option(help: "Only events of this kind; may be given more than once.")
  var kind: [Event.Kind] = []

  @Option(help: ArgumentHelp("Only what concerns this pool or slot.", valueName: "pool[/slot]"))
  var slot: ControlCommand.Target?

  func validate() throws {
    guard (0...ControlLimit.events).contains(limit) else {
      throw ValidationError("--limit takes 0 to \(ControlLimit.events)")
    }
  }

  func run() async throws {
    var filter = try times.filter()
    filter.kinds = Set(kind)
    filter.reasons = Set(reason)
    filter.target = slot
    if follow { return try await follow(filter) }
    let events = try await place.ask { client async throws(ControlFailure) in
      try await client.events(filter, limit: limit)
    } orRead: { reader async throws(HistoryUnreadable) in
      try await reader.events(filter, limit: limit)
    }
    if json {
      Terminal.say(try Terminal.json(events, pretty: true))
    } else {
      for event in events { Terminal.say(EventText.line(event, palette: Terminal.palette)) }
    }
  }

  private func follow(_ filter: EventFilter) async throws {
    let client = try place.client()
    try await place.options.reporting {
      let palette = Terminal.palette
      try await client.follow(filter, limit: limit) { event in
        Terminal.say(json ? try Terminal.json(event, pretty: false) : EventText.line(event, palette: palette))
      }
      Terminal.complain("it has ended: no more events from \(client.socketPath)")
      throw ExitCode(69)
    }
  }
}
