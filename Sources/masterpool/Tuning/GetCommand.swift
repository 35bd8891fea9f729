import ArgumentParser
import Control
import Pool
import Settings

struct GetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show the settings in force, and where each value comes from.",
    discussion: """
        masterpool get
        masterpool get pools.masters.recycle
        masterpool get pools.masters.recycle.every
        masterpool get --json | jq '.settings[] | select(.source == "set")'

      A line each: its value, who says so (a file and its line, `masterpool set`, or nobody: its default), and what a \
      change takes: live, nothing; recycle, the pool's workers are replaced; proxy, another proxy takes over; restart, \
      masterpool must be started anew. A whole key gives its value alone. The values of a pool's environment are not \
      shown.

      Exit status: 0 done, 1 failed or no such setting, 64 usage, 69 no supervisor there.
      """)

  @Argument(help: "Only this setting, or those below it.", completion: .custom(Completing.settings))
  var key: String?

  @OptionGroup var options: ControlOptions

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() async throws {
    try await options.ask { client in
      var found = try await client.settings()
      let all = found.settings.map(\.key)
      if let key { found.settings.removeAll { $0.key != key && !$0.key.hasPrefix("\(key).") } }
      guard !found.settings.isEmpty else { try refuse(all) }
      if json {
        Terminal.say(try Terminal.json(found, pretty: true))
      } else if let only = found.settings.first, only.key == key {
        Terminal.say(SettingsPage.value(only))
      } else {
        Terminal.show(SettingsPage.render(found.settings, palette: Terminal.palette))
      }
    }
  }

  private func refuse(_ all: [String]) throws -> Never {
    let key = key ?? ""
    let near = nearest(to: key, among: all).map { "; \($0)?" } ?? "; masterpool get shows all"
    throw ControlFailure.refused("there is no setting \(key)\(near)")
  }
}
