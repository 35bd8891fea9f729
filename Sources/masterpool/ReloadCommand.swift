import ArgumentParser
import Control
import Pool

struct ReloadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload",
    abstract: "Put the settings file as it is now in force, without losing a request.",
    discussion: """
        masterpool reload          returns when the new settings serve
        masterpool reload --wait   returns when nothing serves under the old ones any more

      Says what has changed, and what takes a restart of masterpool to change. A file with mistakes changes nothing: \
      each is told as `masterpool check` does. Certificates, keys and revocation lists that change on disk are taken \
      up without this command.

      Exit status: 0 in force, 1 refused or failed, 64 usage, 69 no supervisor there.
      """)

  @OptionGroup var options: ControlOptions

  @Flag(help: "Wait until earlier proxies have finished their requests and workers of changed pools are replaced.")
  var wait = false

  /// Between two looks at the supervisor.
  private static let pause: Duration = .milliseconds(250)
  private static let pageSize = 1000

  func run() async throws {
    try await options.ask { client in
      var lastSeen = try await client.events(limit: 1).last?.id ?? 0
      let (message, workers) = try await client.perform(.reload)
      Terminal.say(message)
      guard wait else { return }
      try await watch(workers, after: &lastSeen, client)
      try await waitForProxies(client)
    }
  }

  private func watch(_ workers: [WorkerID], after lastSeen: inout Int, _ client: ControlClient) async throws {
    guard !workers.isEmpty else { return }
    var watch = RestartWatch(workers)
    while true {
      let events = try await client.events(after: lastSeen, limit: Self.pageSize)
      lastSeen = events.last?.id ?? lastSeen
      for line in watch.observe(events) { Terminal.say(line) }
      for line in watch.observe(try await client.status()) { Terminal.say(line) }
      switch watch.outcome {
      case .waiting: try await Task.sleep(for: Self.pause)
      case .replaced: return
      case .failed(let failures):
        throw ControlFailure.failed(
          "\(failures.count) of \(workers.count) did not come up: \(failures.joined(separator: "; ")); see: masterpool events"
        )
      }
    }
  }

  private func waitForProxies(_ client: ControlClient) async throws {
    var lastLeft: Int?
    while true {
      let left = try await client.status().proxy?.draining ?? []
      if left.isEmpty { return }
      if left.count != lastLeft {
        for old in left {
          Terminal.say("proxy \(old.generation), pid \(old.pid), finishes \(old.requestsInFlight) requests")
        }
      }
      lastLeft = left.count
      try await Task.sleep(for: Self.pause)
    }
  }
}
