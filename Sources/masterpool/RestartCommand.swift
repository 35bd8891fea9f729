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
        masterpool restart --reason deploy        other code: a new parent first, where the pool has one, then one
                                                  worker; only if they get ready, all the others

      With --wait, one line for each worker, and exit status 1 if a successor does not come up.

      Exit status: 0 done, 1 refused or failed, 64 usage, 69 no supervisor there.
      """)

  @Argument(help: ArgumentHelp("POOL, or POOL/SLOT for one worker. (default: every pool)", valueName: "pool[/slot]"))
  var targets: [ControlCommand.Target] = []

  @OptionGroup var options: ControlOptions

  @Flag(help: "Wait until the successors are ready and the old ones are gone.")
  var wait = false

  @Option(help: "What the ledger says of it; a deploy of whole pools leaves the old workers where the new ones fail.")
  var reason: Reason = .manual

  @Option(
    help: ArgumentHelp("With --reason deploy: the canary must compile in this environment too.", valueName: "name"))
  var environment: String?

  /// Between two looks at the supervisor.
  private static let pause: Duration = .milliseconds(250)
  private static let pageSize = 1000

  func validate() throws {
    guard let environment else { return }
    guard reason == .deploy, !targets.contains(where: \.isSlot) else {
      throw ValidationError("--environment is for --reason deploy, and for whole pools")
    }
    guard ControlCommand.isEnvironmentName(environment) else {
      throw ValidationError("\(environment.debugDescription) is not an environment's name; use letters, digits and _")
    }
  }

  private var command: ControlCommand {
    guard reason == .deploy, !targets.contains(where: \.isSlot) else {
      return .restart(targets: targets, reason: reason.recycleReason)
    }
    return .deploy(targets.map(\.pool), environment: environment)
  }

  func run() async throws {
    try await options.ask { client in
      var lastSeen = try await client.events(limit: 1).last?.id ?? 0
      let (message, workers) = try await client.perform(command)
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
        let reasons = failures.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        throw ControlFailure.failed(
          "\(failures.count) of \(workers.count) did not come up: \(reasons.joined(separator: "; ")); see: masterpool events"
        )
      }
    }
  }
}
