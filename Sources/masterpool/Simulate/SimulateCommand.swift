import ArgumentParser
import Foundation
import Hindsight
import Pool
import Simulator

/// `masterpool simulate`: what a pool's settings would come to, without a pool.
struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Live through a month in seconds: what would these settings come to?",
    discussion: """
        masterpool simulate --agents 5000 --workers 8 --leak 2MiB/request --memory 600MiB
        masterpool simulate --agents 5000 --splay 0 --workers 8 --days 1 --svg herd.svg
        masterpool simulate --config masterpool.yaml --agents 2000 --every 1h
        masterpool simulate --agents 1000000 --boxes 300 --hours 1
        masterpool simulate --from-history masters --days 7
        masterpool simulate --from-history masters --every 2h --agents 3000

      Agents and workers that are modelled meet the very code that runs in production: the governor that recycles \
      workers, the queue, its limits and its Retry-After, back-off and the stop ladder, on a clock that jumps from one \
      event to the next. The same --seed is the same month, however many cores there are.

      What you do not say is a Puppet master as measured: catalogs of 1.2s±0.5, reports of 40ms±20, workers of 65MiB \
      that grow by 40MiB until they are warm and start in 0.8s; files are answered by the proxy. Say what you know: \
      --config takes the pool's settings from the file, and an option on the command line wins over it.

      --from-history takes them from what happened: the number of agents, their interval and splay, catalog times and \
      the time to apply them from the account of nodes, requests a run, leak, memory, starts, crashes and hangs from the \
      workers' samples and ends, the settings from the supervisor, from --config, or, where only the ledger is left, from \
      how workers ended. A running supervisor also tells the classes of requests and their times. It prints what it took \
      from what, and what it could not know and so left as usual, each with the option that says otherwise. Where the \
      ledger does not tell enough it says what is missing. Tests find known parameters again: the interval and the splay \
      to 3%, of fewer than 100 nodes to 10%; the leak to 15%; the load to 5%, and the restarts to 10%.

      How to read it: below 70% utilisation queues are short; a median wait in line above a second or so means that runs \
      come in herds (see --splay) or that there are too few workers. `shed` and `failed` are what agents notice. \
      `ready` says how few workers a recycle leaves, `memory` what the machine must have. Change one thing at a time.

      How far it is to be trusted: a test holds it against a real masterpool with stub masters that get the same requests \
      at the same times, at 60%, 75% and 90% of the workers' time, once while they are recycled. The mean time in line is \
      off by at most a quarter and 15% of a request's work, the 95th percentile by at most a quarter and 40%, restarts by \
      15% and one, utilisation by 3 points. What it cannot know is how real agents and masters differ from what you say.

      Exit status: 0 done, 1 failed or too little in the ledger, 64 usage, 69 no supervisor and no ledger there, 78 bad \
      settings in --config.
      """)

  @OptionGroup(title: "Agents") var agents: SimulatedAgents
  @OptionGroup(title: "Runs") var runs: SimulatedRuns
  @OptionGroup(title: "Workers") var workers: SimulatedWorkers
  @OptionGroup(title: "The pool's settings") var settings: SimulatedSettings
  @OptionGroup(title: "From what there is") var source: SimulationSource

  @Option(help: "How many days.") var days: Double?
  @Option(help: "The same in hours.") var hours: Double?
  @Option(help: "Machines with such a pool each; an agent always goes to the same one.") var boxes = 1
  @Option(help: "Another seed is another month of the same kind.") var seed: UInt64 = 1

  @Flag(help: "Print one JSON document.") var json = false
  @Option(
    name: .customLong("svg"),
    help: ArgumentHelp("Draw queue, utilisation, ready workers and memory.", valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var plot: String?

  static let mostAgents = 10_000_000
  static let mostBoxes = 100_000
  static let mostDays = 3660.0

  func validate() throws {
    guard days == nil || hours == nil else { throw ValidationError("give --days or --hours") }
    let length = days ?? (hours ?? 720) / 24
    guard length > 0, length <= Self.mostDays else {
      throw ValidationError("it lasts up to \(Int(Self.mostDays)) days")
    }
    guard (1...Self.mostBoxes).contains(boxes) else { throw ValidationError("--boxes takes 1 to \(Self.mostBoxes)") }
  }

  func run() async throws {
    var scenario = Scenario()
    scenario.length = .seconds((days ?? (hours ?? 720) / 24) * 86400)
    scenario.boxes = boxes
    scenario.seed = seed
    let derived = try await source.apply(to: &scenario, said: said)
    agents.apply(to: &scenario)
    runs.apply(to: &scenario)
    workers.apply(to: &scenario)
    try settings.apply(to: &scenario)
    let outcome = await SimulationRun(scenario).outcome()
    let forecast = Forecast(scenario, outcome)
    if let plot { try write(ForecastPlot.render(forecast), to: plot) }
    let document = ForecastDocument(forecast: forecast, takenFrom: derived)
    Terminal.say(json ? try Terminal.json(document, pretty: true) : document.text)
  }

  /// What the command line says of what a ledger might say too.
  private var said: Derivation.Said {
    Derivation.Said(
      agents.said.union(runs.said).union(workers.said).union(settings.said), agents: agents.agents,
      interval: agents.interval?.duration)
  }

  private func write(_ text: String, to path: String) throws {
    do { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) } catch {
      Terminal.complain("cannot write \(path): \(error.localizedDescription)")
      throw ExitCode(1)
    }
  }
}

/// The forecast's keys, and under `taken_from` what its parameters come from.
private struct ForecastDocument: Encodable {
  var forecast: Forecast
  var takenFrom: Derived?

  private enum CodingKeys: String, CodingKey {
    case takenFrom = "taken_from"
  }

  func encode(to encoder: any Encoder) throws {
    try forecast.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(takenFrom, forKey: .takenFrom)
  }

  var text: String {
    let text = ForecastText.render(forecast)
    return takenFrom.map { "\($0.text)\n\n\(text)" } ?? text
  }
}
