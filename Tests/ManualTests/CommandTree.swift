import Foundation
import TestSupport

/// What `masterpool --experimental-dump-help` tells: every command with its words, arguments and options.
struct CommandTree: Decodable {
  struct Command: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var shouldDisplay: Bool?
    var arguments: [Argument]?
    var subcommands: [Command]?

    /// Without those that every command has, and those that are not for people.
    var ownArguments: [Argument] {
      (arguments ?? []).filter { ($0.shouldDisplay ?? true) && !["help", "version"].contains($0.valueName ?? "") }
    }

    /// Those for people; the parser adds a `help` of its own to ours.
    var ownSubcommands: [Command] {
      (subcommands ?? []).reduce(into: []) { found, command in
        guard command.shouldDisplay ?? true, !found.contains(where: { $0.commandName == command.commandName }) else {
          return
        }
        found.append(command)
      }
    }

    var options: Set<String> { Set((arguments ?? []).flatMap(\.longNames)) }

    func find(_ words: [String]) -> Command? {
      guard let first = words.first else { return self }
      return subcommands?.first { $0.commandName == first }?.find(Array(words.dropFirst()))
    }
  }

  struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }

    var kind: String
    var isOptional: Bool?
    var isRepeating: Bool?
    var shouldDisplay: Bool?
    var sectionTitle: String?
    var names: [Name]?
    var valueName: String?
    var defaultValue: String?
    var allValues: [String]?
    var abstract: String?
    var discussion: String?

    var longNames: [String] { (names ?? []).filter { $0.kind == "long" }.map(\.name) }
  }

  var command: Command

  static func load() async throws -> Command {
    let dump = try await masterpool("--experimental-dump-help").output
    return try JSONDecoder().decode(CommandTree.self, from: Data(dump.utf8)).command
  }
}
