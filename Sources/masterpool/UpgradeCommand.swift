import ArgumentParser
import Control
import Pool

struct UpgradeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upgrade",
    abstract: "Go on as the program that is installed now, without losing a request.",
    discussion: """
        install masterpool /usr/local/bin/ && masterpool upgrade

      The new program first checks the settings. Then it takes the supervisor's place under the same pid, and takes \
      over the proxy and the workers as they are; it starts a proxy of its own, and the old one finishes its requests. \
      Workers go on; they are recycled only where new settings ask for it. Returns when the new proxy serves.

      Exit status: 0 done, 1 refused or failed, 64 usage, 69 no supervisor there.
      """)

  @OptionGroup var options: ControlOptions

  /// Between two looks at the supervisor, and how many there are.
  private static let pause: Duration = .milliseconds(250)
  private static let maxLooks = 480
  private static let pageSize = 1000

  func run() async throws {
    try await options.ask { client in
      let before = try await client.status()
      let last = try await client.events(limit: 1).last?.at ?? ""
      let asked = ContinuousClock.now
      Terminal.say(try await client.perform(.upgrade).message)
      for _ in 0..<Self.maxLooks {
        try await Task.sleep(for: Self.pause)
        // Nobody is there for a moment.
        guard let now = try? await client.status() else { continue }
        let isNew = now.pid != before.pid || Duration.seconds(now.uptimeSeconds) < ContinuousClock.now - asked
        guard let events = try? await client.events(limit: Self.pageSize) else { continue }
        if !isNew, let failure = events.last(where: { $0.at > last && $0.message.hasPrefix("not upgraded") }) {
          throw ControlFailure.failed(failure.message)
        }
        guard isNew, now.state == "running", let end = events.last(where: { $0.at > last && $0.kind == .reload })
        else { continue }
        Terminal.say(end.message)
        Terminal.say("masterpool \(now.version) runs, pid \(now.pid)")
        if end.message.contains("refused") { throw ControlFailure.failed("the old settings are still in force") }
        return
      }
      throw ControlFailure.failed("the new program did not get ready; see: masterpool events")
    }
  }
}
