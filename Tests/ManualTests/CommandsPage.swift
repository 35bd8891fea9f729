/// The commands in etc/man/masterpool.1, from what the program itself says of them.
enum CommandsPage {
  static func render(_ root: CommandTree.Command) -> String {
    root.ownSubcommands.flatMap { section($0, words: []) }.joined(separator: "\n") + "\n"
  }

  private static func section(_ command: CommandTree.Command, words: [String]) -> [String] {
    let words = words + [command.commandName]
    let children = command.ownSubcommands.flatMap { section($0, words: words) }
    // A command that has others is not one by itself.
    let lead = children.isEmpty ? synopsis(command, words) + [".Pp"] : []
    return [".Ss masterpool \(words.joined(separator: " "))"] + lead + Mdoc.text(command.abstract ?? "")
      + discussion(command.discussion ?? "") + options(command) + children
  }

  private static func synopsis(_ command: CommandTree.Command, _ words: [String]) -> [String] {
    [".Nm masterpool", ".Cm \(words.joined(separator: " "))"]
      + command.ownArguments.map { argument in
        let dots = argument.isRepeating ?? false ? " ..." : ""
        let call = "\(flag(argument))\(dots)"
        return argument.isOptional ?? false ? ".Op \(call)" : ".\(call)"
      }
  }

  /// `Fl -control Ar socket`, `Ar pool`
  private static func flag(_ argument: CommandTree.Argument) -> String {
    let value = Mdoc.escape(argument.valueName ?? "value")
    guard argument.kind != "positional", let name = argument.longNames.first else { return "Ar \(value)" }
    return argument.kind == "flag" ? "Fl -\(Mdoc.escape(name))" : "Fl -\(Mdoc.escape(name)) Ar \(value)"
  }

  /// Paragraphs; where lines are indented they are as a terminal shows them.
  private static func discussion(_ text: String) -> [String] {
    var lines: [String] = []
    var literal: [String] = []
    func flush() {
      if !literal.isEmpty { lines += Mdoc.literal(literal) }
      literal = []
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("  ") {
        literal.append(String(line.dropFirst(2)))
      } else if line.isEmpty {
        flush()
      } else {
        flush()
        lines += [".Pp"] + Mdoc.text(String(line))
      }
    }
    flush()
    return lines
  }

  private static func options(_ command: CommandTree.Command) -> [String] {
    let arguments = command.ownArguments
    guard !arguments.isEmpty else { return [] }
    let titles = arguments.reduce(into: [String?]()) {
      if !$0.contains($1.sectionTitle) { $0.append($1.sectionTitle) }
    }
    return titles.flatMap { title in
      let heading = titles.count > 1 ? [".Pp", Mdoc.escape("\(title ?? "Everything else"):")] : [".Pp"]
      let items = arguments.filter { $0.sectionTitle == title }.flatMap { [".It \(flag($0))"] + explanation($0) }
      return heading + [".Bl -tag -width Ds -compact"] + items + [".El"]
    }
  }

  private static func explanation(_ argument: CommandTree.Argument) -> [String] {
    var words = argument.abstract ?? ""
    if let values = argument.allValues, !values.isEmpty { words += " One of: \(values.joined(separator: ", "))." }
    let given = argument.defaultValue.map { $0 == "false" ? "" : $0 } ?? ""
    if !given.isEmpty, !words.contains("default:") { words += " (default: \(given))" }
    return Mdoc.text(words)
  }
}
