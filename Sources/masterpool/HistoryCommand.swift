import ArgumentParser
import Control
import Pool

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Show how the workers of a pool ended, and what they held.",
    discussion: """
        masterpool history masters --since 24h
        masterpool history masters/3 --reason memory
        masterpool history masters/3 --samples --since 6h --step 5m
        masterpool history masters --json | jq '.summary.by_reason'

      An exit a line: its reason, what was measured against which limit, its age, requests served and lost, its memory \
      at birth and death, what was wiped; below them what they come to. --samples shows the workers' memory and \
      requests instead: as sampled for a day, then a minute each, ten minutes after a week.

      Where no supervisor runs, the ledger of the last one is read, as `masterpool events` does.

      Exit status: 0 done, 1 failed, 64 usage, 69 no supervisor and no ledger there, 78 bad settings in --config.
      """)

  @Argument(help: ArgumentHelp("POOL, or POOL/SLOT for one slot.", valueName: "pool[/slot]"))
  var target: ControlCommand.Target

  @OptionGroup var place: HistoryPlace
  @OptionGroup var times: TimeOptions

  @Option(help: "Only exits for this reason; may be given more than once.")
  var reason: [RecycleReason] = []

  @Option(help: "Only this occupant of the slot, or of each slot.")
  var generation: Int?

  @Flag(help: "Show what the workers held instead of how they ended.")
  var samples = false

  @Option(help: ArgumentHelp("With --samples: one line for so long.", valueName: "duration"))
  var step: Step?

  @Option(help: "How many at most: of the last exits, or of samples.")
  var limit: Int?

  @Flag(help: "Print one JSON document.")
  var json = false

  /// `5m`, in whole seconds.
  struct Step: ExpressibleByArgument {
    static let most = 86400
    var seconds: Int

    init?(argument: String) {
      guard let seconds = Moment.seconds(argument), (1...Self.most).contains(seconds) else { return nil }
      self.seconds = seconds
    }
  }

  func validate() throws {
    let most = samples ? ControlLimit.samples : ControlLimit.events
    guard (0...most).contains(limit ?? 0) else { throw ValidationError("--limit takes 0 to \(most)") }
    guard step == nil || samples else { throw ValidationError("--step is for --samples") }
    guard reason.isEmpty || !samples else { throw ValidationError("--reason is for exits, not for --samples") }
    guard generation ?? 0 >= 0 else { throw ValidationError("--generation takes a number from 0") }
  }

  func run() async throws {
    var filter = try times.filter()
    filter.reasons = Set(reason)
    filter.target = target
    filter.generation = generation
    if samples { try await showSamples(filter) } else { try await showExits(filter) }
  }

  private func showExits(_ filter: EventFilter) async throws {
    let limit = limit ?? ControlLimit.defaultEvents
    let history = try await place.ask { client async throws(ControlFailure) in
      try await client.history(filter, limit: limit)
    } orRead: { reader async throws(HistoryUnreadable) in
      try await reader.history(filter, limit: limit)
    }
    Terminal.show(
      json ? try Terminal.json(history, pretty: true) : HistoryText.render(history, palette: Terminal.palette))
  }

  private func showSamples(_ filter: EventFilter) async throws {
    let query = SampleQuery(filter, step: step?.seconds, limit: limit ?? ControlLimit.defaultSamples)
    let samples = try await place.ask { client async throws(ControlFailure) in
      try await client.samples(query)
    } orRead: { reader async throws(HistoryUnreadable) in
      try await reader.samples(query)
    }
    Terminal.show(
      json ? try Terminal.json(samples, pretty: true) : HistoryText.render(samples, palette: Terminal.palette))
  }
}
