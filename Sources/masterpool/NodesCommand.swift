import ArgumentParser
import Control
import Pool

struct NodesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nodes",
    abstract: "Show the nodes: who asked, when, and how their runs went.",
    discussion: """
        masterpool nodes web1.example.com
        masterpool nodes --overdue 2h
        masterpool nodes --slowest --limit 20
        masterpool nodes --sort bytes
        masterpool nodes --json --limit 10000 | jq '.nodes[] | select(.last_status == "failed") | .name'

      A node is who showed a verified certificate; who showed none is in no account. A line for each: how long ago it \
      was seen, how long its last run took from its first request to its report, what that report says, a worker's \
      time for its catalog, its agent's version, its requests and bytes, and those that were shed or forbidden. \
      `runs`: its run is under way; `overdue`: silent for longer than nodes.overdue; `quarantined`: see \
      `masterpool release`.

      Where no supervisor runs, the history of the last one is read, as `masterpool events` does.

      Exit status: 0 done, 1 failed or no such node, 64 usage, 69 no supervisor and no history there, 78 bad settings \
      in --config.
      """)

  @Argument(help: "Only this node, by its certificate's name.")
  var node: String?

  @OptionGroup var place: HistoryPlace

  @Option(help: ArgumentHelp("Only nodes that were silent for longer, the longest first.", valueName: "duration"))
  var overdue: Span?

  @Flag(help: "Those whose catalogs take longest first.")
  var slowest = false

  @Option(help: "Which come first; seen: the last ones, silent: those not seen for longest. (default: name)")
  var sort: NodeQuery.Sort?

  @Option(help: "How many at most.")
  var limit = ControlLimit.defaultNodes

  @Flag(help: "Print one JSON document.")
  var json = false

  /// `2h`, in whole seconds.
  struct Span: ExpressibleByArgument {
    var seconds: Int

    init?(argument: String) {
      guard let seconds = Moment.seconds(argument), (0...ControlLimit.longestSilence).contains(seconds) else {
        return nil
      }
      self.seconds = seconds
    }
  }

  func validate() throws {
    guard (0...ControlLimit.nodes).contains(limit) else {
      throw ValidationError("--limit takes 0 to \(ControlLimit.nodes)")
    }
    guard !slowest || sort == nil else { throw ValidationError("--slowest is --sort catalog: give one of them") }
    guard node == nil || overdue == nil && !slowest && sort == nil else {
      throw ValidationError("a node's name goes with none of --overdue, --slowest and --sort")
    }
  }

  private var order: NodeQuery.Sort { sort ?? (slowest ? .catalog : overdue == nil ? .name : .silent) }

  func run() async throws {
    let query = NodeQuery(name: node, silentFor: overdue.map { .seconds($0.seconds) }, sort: order, limit: limit)
    let found = try await place.ask { client async throws(ControlFailure) in
      try await client.nodes(query)
    } orRead: { reader async throws(HistoryUnreadable) in
      try await reader.nodes(query)
    }
    if let node, found.nodes.isEmpty {
      Terminal.complain("no node \(node) has asked; see masterpool nodes for those that have")
      throw ExitCode.failure
    }
    let text = json ? try Terminal.json(found, pretty: true) : words(found)
    Terminal.show(text)
  }

  private func words(_ found: NodesDocument) -> String {
    if node != nil, let only = found.nodes.first { return NodesText.render(only, palette: Terminal.palette) }
    return NodesText.render(found, palette: Terminal.palette)
  }
}

extension NodeQuery.Sort: ExpressibleByArgument {}
