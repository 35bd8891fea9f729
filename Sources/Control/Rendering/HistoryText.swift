import Pool

/// What `masterpool history` prints: a line an exit, then what they come to by reason.
public enum HistoryText {
  public static func render(_ history: HistoryDocument, palette: Palette) -> String {
    guard history.summary.exits > 0 else { return "no worker ended\n" }
    let left = history.summary.exits - history.exits.count
    let more = left > 0 ? ["  and \(left) before these; see --limit and --since"] : []
    let parts = [exits(history.exits).lines(indent: "", palette) + more, summary(history.summary, palette)]
    return parts.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
  }

  private static func exits(_ events: [Event]) -> TextTable {
    var table = TextTable([
      .left, .left, .left, .left, .right, .right, .right, .left, .right, .right, .left,
    ])
    add(
      ["ENDED", "WORKER", "REASON", "MEASURED", "AGE", "SERVED", "LOST", "MEMORY", "DRAINED", "WIPED", "STATUS"],
      to: &table)
    for event in events {
      guard let exit = event.exit else { continue }
      let worker = "\(event.pool?.rawValue ?? "?")/\(event.slot ?? 0)#\(event.generation ?? 0)"
      let cells = [
        event.at, worker, exit.reason.rawValue, measured(exit), span(exit.ageSeconds), String(exit.requestsServed),
        String(exit.requestsLost), memory(exit), exit.drainSeconds.map(span) ?? "-",
        "\(exit.wipedEntries) (\(ByteCount(bytes: exit.wipedBytes)))", exit.status,
      ]
      table.add(
        cells.enumerated().map { TextTable.Cell(text: $1.printable, ink: ink(column: $0, exit)) })
    }
    return table
  }

  private static func add(_ titles: [String], to table: inout TextTable) {
    table.add(titles.map { TextTable.Cell(text: $0, ink: .faint) })
  }

  private static func ink(column: Int, _ exit: ExitRow) -> Palette.Ink? {
    switch column {
    case 0: .faint
    case 2: exit.reason == .crash ? .bad : .busy
    case 6: exit.requestsLost > 0 ? .bad : nil
    default: nil
    }
  }

  private static func measured(_ exit: ExitRow) -> String {
    guard let measured = exit.measured else { return "-" }
    return exit.limit.map { "\(measured) of \($0)" } ?? measured
  }

  /// From birth to death.
  private static func memory(_ exit: ExitRow) -> String {
    guard let death = exit.memoryAtDeathBytes else { return "-" }
    let birth = exit.memoryAtBirthBytes.map { "\(ByteCount(bytes: $0)) to " } ?? ""
    return "\(birth)\(ByteCount(bytes: death))"
  }

  private static func summary(_ summary: HistoryDocument.Summary, _ palette: Palette) -> [String] {
    let mean = summary.meanAgeSeconds.map { ", \(span($0)) old on the average" } ?? ""
    let lost = "\(summary.requestsLost) lost"
    let title =
      "\(summary.exits) exit\(summary.exits == 1 ? "" : "s")\(mean); \(summary.requestsServed) requests served, "
      + (summary.requestsLost > 0 ? palette.paint(lost, .bad) : lost)
      + "; \(summary.wipedEntries) entries (\(ByteCount(bytes: summary.wipedBytes))) wiped"
    var table = TextTable([.left, .right, .right, .right, .right, .right])
    add(["REASON", "EXITS", "MEAN AGE", "SERVED", "LOST", "MOST MEMORY"], to: &table)
    for share in summary.byReason {
      let cells = [
        share.reason.rawValue, String(share.exits), span(share.meanAgeSeconds), String(share.requestsServed),
        String(share.requestsLost), share.memoryMaxBytes.map { ByteCount(bytes: $0).description } ?? "-",
      ]
      table.add(cells.map { TextTable.Cell(text: $0) })
    }
    return [title] + table.lines(indent: "  ", palette)
  }

  /// What workers held, a line a sample.
  public static func render(_ samples: [SampleRow], palette: Palette) -> String {
    guard !samples.isEmpty else { return "no samples\n" }
    var table = TextTable([.left, .left, .right, .right, .right, .right, .right])
    add(["AT", "WORKER", "OVER", "MEMORY", "MOST", "SERVED", "NOW"], to: &table)
    for sample in samples {
      let cells = [
        sample.at, "\(sample.pool)/\(sample.slot)#\(sample.generation)",
        sample.spanSeconds > 0 ? span(Double(sample.spanSeconds)) : "-",
        ByteCount(bytes: sample.memoryMeanBytes).description, ByteCount(bytes: sample.memoryMaxBytes).description,
        String(sample.requestsTotal), String(sample.requestsInFlightMax),
      ]
      table.add(cells.enumerated().map { TextTable.Cell(text: $1.printable, ink: $0 == 0 ? .faint : nil) })
    }
    return table.lines(indent: "", palette).joined(separator: "\n") + "\n"
  }

  /// A tenth of a second matters to what lives for seconds.
  private static func span(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds > 0 else { return "0s" }
    return Duration.milliseconds(Int64(min(seconds, 1e9) * 1000)).short
  }
}
