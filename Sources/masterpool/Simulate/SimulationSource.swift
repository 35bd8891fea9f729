import ArgumentParser
import Control
import Foundation
import Glibc
import Hindsight
import History
import Pool
import Simulator

/// What the machine at hand knows.
struct SimulationSource: ParsableArguments {
  @Option(
    help: "Take the pool's settings from this file; with --from-history, ask its supervisor or read its ledger.",
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?

  @Option(help: "Which of its pools. (default: the first)") var pool: PoolName?

  @Option(
    defaultAsFlag: HistoryPool(),
    help: ArgumentHelp(
      "Take agents, runs, workers and settings from what happened, in this pool or in the only one there is.",
      valueName: "pool"))
  var fromHistory: HistoryPool?

  @Option(
    help: ArgumentHelp(
      "With --from-history: read this ledger, a state_dir or a copy of its history.sqlite (and history.sqlite-wal "
        + "beside it), whether a supervisor runs or not.", valueName: "file"),
    completion: .file(extensions: ["sqlite"]))
  var history: String?

  @Option(
    help: ArgumentHelp(
      "With --from-history: only what came after: \(Moment.forms). (default: 7d)", valueName: "time"))
  var since: String?

  @OptionGroup var options: ControlOptions

  /// A pool, or the one that there is.
  struct HistoryPool: ExpressibleByArgument, CustomStringConvertible {
    var name: PoolName?
    var description: String { name?.rawValue ?? "the only one" }

    init() {}

    init?(argument: String) {
      guard let name = PoolName(rawValue: argument) else { return nil }
      self.name = name
    }
  }

  func validate() throws {
    guard fromHistory != nil || (history == nil && since == nil && options.control == nil) else {
      throw ValidationError("--history, --since and --control go with --from-history")
    }
  }

  /// - Returns: what was taken from the ledger; nil: it was not to be asked.
  func apply(to scenario: inout Scenario, said: Derivation.Said) async throws -> Derived? {
    guard let fromHistory else {
      try applySettings(to: &scenario)
      return nil
    }
    let past = try await SimulationPast(source: self, only: fromHistory.name ?? pool).past()
    do throws(NotEnough) {
      let (derivedScenario, derived) = try Derivation.derive(past, said: said, onto: scenario)
      scenario = derivedScenario
      return derived
    } catch {
      Terminal.complain(error.description)
      throw ExitCode(1)
    }
  }

  private func applySettings(to scenario: inout Scenario) throws {
    guard let config else { return }
    let settings = try loadSettings(config: config)
    guard let plan = pool.map({ name in settings.pools.first { $0.name == name } }) ?? settings.pools.first else {
      Terminal.complain(
        "\(config) has no pool \(pool?.rawValue ?? ""); it has \(settings.pools.map(\.name.rawValue).joined(separator: ", "))"
      )
      throw ExitCode(64)
    }
    scenario.pool = plan.policy
  }
}
