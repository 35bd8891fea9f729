import Pool

/// What `masterpool simulate` prints.
public struct ForecastText {
  private let forecast: Forecast
  private var lines: [String] = []

  public static func render(_ forecast: Forecast) -> String {
    var text = ForecastText(forecast)
    text.write()
    return text.lines.joined(separator: "\n")
  }

  private init(_ forecast: Forecast) { self.forecast = forecast }

  private mutating func write() {
    lines.append(title)
    lines.append(verdict)
    lines.append("")
    add("utilisation", percent(forecast.utilisation) + " of the workers' time")
    add("queue", "\(forecast.queueMean.plain(2)) on the average, \(forecast.queueMax) at most")
    addTimes()
    addRuns()
    addRestarts()
    add("ready", ready)
    add("memory", memory)
  }

  private var title: String {
    let input = forecast.input
    let boxes = input.boxes > 1 ? "\(input.boxes) boxes of " : ""
    let splay = input.splaySeconds == 0 ? "all at once" : "spread over \(time(input.splaySeconds))"
    return
      "\(input.agents) agents every \(time(input.intervalSeconds)), \(splay); \(boxes)\(input.workers) workers, catalogs "
      + "of \(input.catalog), leak \(input.leak); \(time(forecast.simulatedSeconds)), seed \(input.seed)"
  }

  /// One sentence that says whether it holds.
  private var verdict: String {
    let failed = forecast.runs.failedTotal
    let lag = forecast.runDelaySeconds.p99
    if forecast.demand >= 1 {
      return
        "It does not hold: the runs' work is \(percent(forecast.demand)) of what the workers can do. More workers, longer "
        + "intervals or shorter catalogs."
    }
    let refused = forecast.runs.failed[RunFailure.refused.name] ?? 0
    if failed > 0, refused * 2 > failed {
      return "Too tight: \(failed) runs failed, most of them old agents that were told to come back."
    }
    if failed * 1000 > forecast.runs.started {
      return "Too tight: \(failed) of \(forecast.runs.started) runs failed."
    }
    if lag > forecast.input.intervalSeconds / 4 {
      return "It holds, with long waits: one run in a hundred begins \(time(lag)) late or more."
    }
    return "It holds: 99 of 100 runs get a worker within \(time(lag)) of their start."
  }

  private mutating func add(_ name: String, _ value: String) {
    lines.append(name + String(repeating: " ", count: max(1, 14 - name.count)) + value)
  }

  private mutating func addTimes() {
    let rows = [
      ("in line", forecast.queueSeconds), ("catalog", forecast.catalogSeconds),
      ("run delayed", forecast.runDelaySeconds), ("run", forecast.runSeconds),
    ]
    lines.append("")
    addRow(["", "mean", "median", "90%", "99%", "longest"])
    for (name, times) in rows {
      addRow([name] + [times.mean, times.p50, times.p90, times.p99, times.max].map(time))
    }
    lines.append("")
  }

  private mutating func addRow(_ cells: [String]) {
    lines.append(
      cells.enumerated().map { column, cell in
        let room = String(repeating: " ", count: max(0, (column == 0 ? 14 : 10) - cell.count))
        return column == 0 ? cell + room : room + cell
      }.joined())
  }

  private mutating func addRuns() {
    let runs = forecast.runs
    add("runs", "\(runs.started) begun, \(runs.finished) finished, \(runs.underWay) under way at the end")
    if runs.toldToComeBack > 0 { add("delayed", "\(runs.toldToComeBack) were told to come back, and finished") }
    if runs.failedTotal > 0 { add("failed", "\(runs.failedTotal): \(counts(runs.failed))") }
    if runs.missed > 0 { add("missed", "\(runs.missed) starts left out: the run before was not over, or few hours") }
    let sheds = forecast.sheds.values.reduce(0, +)
    add("shed", sheds > 0 ? "\(sheds) requests: \(counts(forecast.sheds))" : "none")
    if forecast.workersLostTotal > 0 { add("lost workers", "\(forecast.workersLostTotal) requests had theirs end") }
  }

  private func counts(_ counts: [String: Int]) -> String {
    counts.filter { $0.value > 0 }.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }
      .map { "\($0.key.replacing("_", with: " ")) \($0.value)" }.joined(separator: ", ")
  }

  private mutating func addRestarts() {
    let each = forecast.input.boxes > 1 ? " a box" : ""
    if forecast.restarts.isEmpty { add("restarts", "none") }
    for (index, restart) in forecast.restarts.enumerated() {
      let cost = restart.capacitySeconds >= 0.5 ? ", a worker missing for \(time(restart.capacitySeconds))" : ""
      add(
        index == 0 ? "restarts" : "",
        "\(restart.reason.rawValue) \(restart.count), \(restart.perDay.plain(1)) a day\(each)\(cost)")
    }
    if forecast.recyclesPutOff > 0 { add("", "\(forecast.recyclesPutOff) times one had to wait") }
    if forecast.backOffs > 0 { add("", "\(forecast.backOffs) back-offs") }
  }

  private var ready: String {
    guard let least = forecast.readyMin else { return "the pool was never full" }
    return "never fewer than \(least) of \(forecast.input.workers)"
  }

  private var memory: String {
    let pool = ByteCount(bytes: forecast.memory.poolPeakBytes)
    let all = ByteCount(bytes: forecast.memory.machinePeakBytes)
    let box = forecast.input.boxes > 1 ? " of the fullest box" : ""
    return pool == all ? "\(pool) at most\(box)" : "\(pool) at most\(box), \(all) with all else on the machine"
  }

  private func percent(_ share: Double) -> String { "\((share * 100).plain(1))%" }

  private func time(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds > 0 else { return "0s" }
    if seconds < 0.0995 { return "\((seconds * 1000).plain(seconds < 0.01 ? 1 : 0))ms" }
    if seconds < 9.995 { return "\(seconds.plain(2))s" }
    return Duration.milliseconds(Int64(min(seconds, 1e11) * 1000)).short
  }
}
