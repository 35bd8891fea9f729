import ArgumentParser
import Control
import Pool

struct RestartCommand: AsyncParsableCommand {
  enum Reason: String, ExpressibleByArgument, CaseIterable {
    case manual, deploy

    var recycleReason: RecycleReason {
      switch self {
      case .manual: .manual
      case .deploy: .deploy
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "restart",
    abstract: "Recycle workers, rolling, without losing a request.",
    discussion: """
        masterpool restart                        every pool
        masterpool restart masters --wait         one pool, and wait until it is done
        masterpool restart masters/0 masters/3    these workers

      With --wait, one line for each worker, and exit status 1 if a successor does not come up.

      Exit status: 0 done, 1 refused or failed, 64 usage, 69 no supervisor there.
      """)

  @Argument(help: ArgumentHelp("POOL, or POOL/SLOT for one worker. (default: every pool)", valueName: "pool[/slot]"))
  var targets: [ControlCommand.Target] = []

  @OptionGroup var options: ControlOptions

  @Flag(help: "Wait until the successors are ready and the old ones are gone.")
  var wait = false

  @Option(help: "What the ledger says of it.")
  var reason: Reason = .manual

  /// Between two looks at the supervisor.
  private static let pause: Duration = .milliseconds(250)
  private static let pageSize = 1000

  func run() async throws {
    try await options.ask { client in
      var lastSeen = try await client.events(limit: 1).last?.id ?? 0
      let (message, workers) = try await client.perform(.restart(targets: targets, reason: reason.recycleReason))
      Terminal.say(message)
      guard wait else { return }
      try await watch(workers, after: &lastSeen, client)
    }
  }

  private func watch(_ workers: [WorkerID], after lastSeen: inout Int, _ client: ControlClient) async throws {
    var watch = RestartWatch(workers)
    while true {
      let events = try await client.events(after: lastSeen, limit: Self.pageSize)
      lastSeen = events.last?.id ?? lastSeen
      for line in watch.observe(events) { Terminal.say(line) }
      for line in watch.observe(try await client.status()) { Terminal.say(line) }
      switch watch.outcome {
      case .waiting: try await Task.sleep(for: Self.pause)
      case .replaced:
        Terminal.say("done: \(workers.count) worker\(workers.count == 1 ? "" : "s") replaced")
        return
      case .failed(let failures):
        throw ControlFailure.failed(
          "\(failures.count) of \(workers.count) did not come up: \(failures.joined(separator: "; ")); see: masterpool events"
        )
      }
    }
  }
}
