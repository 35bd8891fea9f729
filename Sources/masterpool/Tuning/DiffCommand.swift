import ArgumentParser
import Control
import Pool

struct DiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show what is in force and not so in the settings files, or the other way round.",
    discussion: """
        masterpool diff
        masterpool diff --json

      A line for each setting: what `masterpool set` and `masterpool scale` have changed, and what was changed in the \
      files since they were last put in force. A reload makes both the same; where it would be refused, the mistakes \
      are told first.

      Exit status: 0 done, 1 failed, 64 usage, 69 no supervisor there.
      """)

  @OptionGroup var options: ControlOptions

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() async throws {
    try await options.ask { client in
      let found = try await client.settingsDifferences()
      let text = json ? try Terminal.json(found, pretty: true) : SettingsPage.render(found, palette: Terminal.palette)
      Terminal.show(text)
    }
  }
}
