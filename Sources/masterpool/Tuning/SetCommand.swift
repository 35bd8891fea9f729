import ArgumentParser
import Control
import Pool

struct SetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Change settings while masterpool runs, at once.",
    discussion: """
        masterpool set pools.masters.recycle.every=20m
        masterpool set pools.masters.workers=6 pools.masters.recycle.memory=700MiB
        masterpool set pools.masters.recycle.every=20m --persist
        masterpool set pools.masters.recycle.every=

      Keys and values are those of the settings file, and so are the words in which a mistake is told; a list is set \
      as a whole, in YAML: 'routes=[{path: /, allow: any, pool: masters}]'. All of them are put in force, or none. \
      The answer says what each took: live, nothing; recycle, the pool's workers are replaced, rolling; proxy, \
      another proxy has taken over and the one before finishes its requests. What needs a restart is refused.

      It holds until the next reload or stop, over upgrades and a supervisor that was killed too, and stands above \
      all files. An empty value takes it back. With --persist it is written to 90-set.yaml among the drop-ins of the \
      settings file, which itself is never touched; with an empty value it is taken out there.

      See `masterpool get` for the keys and `masterpool diff` for what was changed. Exit status: 0 in force, 1 refused \
      or failed, 64 usage, 69 no supervisor there.
      """)

  @Argument(help: "A setting and its new value.", completion: .custom(Completing.assignments))
  var assignments: [Assignment]

  @Flag(help: "Keep it: write it to the drop-in 90-set.yaml.")
  var persist = false

  @OptionGroup var options: ControlOptions

  func validate() throws {
    let keys = assignments.map(\.key)
    if let twice = keys.first(where: { key in keys.count { $0 == key } > 1 }) {
      throw ValidationError("\(twice) is given twice: give one of them")
    }
  }

  func run() async throws {
    let values = Dictionary(assignments.map { ($0.key, $0.value) }) { first, _ in first }
    try await options.ask { client in
      Terminal.say(try await client.perform(.set(values, isPersistent: persist)).message)
    }
  }
}

/// `KEY=VALUE`
struct Assignment: ExpressibleByArgument {
  var key: String
  var value: String

  init?(argument: String) {
    guard let sign = argument.firstIndex(of: "="), sign != argument.startIndex else { return nil }
    key = String(argument[..<sign])
    value = String(argument[argument.index(after: sign)...])
  }

  var defaultValueDescription: String { "\(key)=\(value)" }
}
