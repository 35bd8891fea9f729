import ArgumentParser
import Control
import Manual
import Settings

/// `masterpool help`: of a command what its `--help` says, of a topic its page.
struct HelpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "help",
    abstract: "Show a page of the manual, or the help of a command.",
    discussion: """
        masterpool help topics         the pages there are
        masterpool help troubleshoot   from a symptom to what to do
        masterpool help ca issue       the help of a command

      Exit status: 0 shown, 64 there is no such page or command.
      """)

  @Argument(
    help: ArgumentHelp("A topic, or a command and its subcommand.", valueName: "topic-or-command"),
    completion: .list(["topics"] + Manual.topics.map(\.name)))
  var words: [String] = []

  func run() throws {
    // A word may name both a command and a topic.
    let pages = [Self.command(words, of: Masterpool.self).map { Masterpool.helpMessage(for: $0) }, topic].compactMap(
      \.self)
    guard !pages.isEmpty else { throw ValidationError(Self.complaint(words)) }
    Terminal.say(pages.joined(separator: "\n\n"))
  }

  private var topic: String? {
    guard words.count == 1 else { return nil }
    if words[0] == "topics" { return "\(Manual.contents)\n\nAnd of every command: masterpool help COMMAND" }
    return Manual.topic(words[0]).map { Self.text(of: $0, Terminal.palette) }
  }

  private static func command(
    _ words: [String], of parent: any ParsableCommand.Type
  ) -> (any ParsableCommand.Type)? {
    guard let name = words.first else { return parent }
    guard let child = parent.configuration.subcommands.first(where: { $0.configuration.commandName == name }) else {
      return nil
    }
    return command(Array(words.dropFirst()), of: child)
  }

  private static func complaint(_ words: [String]) -> String {
    let said = words.joined(separator: " ")
    let names =
      Masterpool.configuration.subcommands.compactMap { $0.configuration.commandName } + Manual.topics.map(\.name)
    let meant = words.first.flatMap { nearest(to: $0, among: names) }
    let advice = meant.map { "perhaps masterpool help \($0)? Otherwise " } ?? ""
    return "there is no command and no topic \(said.debugDescription); \(advice)see: masterpool help topics"
  }

  static func text(of topic: Topic, _ palette: Palette) -> String {
    let title = palette.strong(topic.summary.prefix(1).uppercased() + topic.summary.dropFirst())
    let lines = topic.text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.first.map { $0 != " " } ?? false ? palette.strong(String(line)) : String(line)
    }
    var text = ([title, ""] + lines).joined(separator: "\n")
    while text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}
