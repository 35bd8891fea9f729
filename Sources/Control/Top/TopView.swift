import FoundationEssentials
import Pool

/// The picture of a `TopModel`: lines that fit a terminal.
public enum TopView {
  /// Columns of a bar of memory against its limit.
  private static let barWidth = 8

  /// - Returns: at most `height` lines of at most `width` columns each.
  public static func frame(_ model: TopModel, width: Int, height: Int, now: Date, palette: Palette) -> [String] {
    let head = header(model, now)
    let foot = footer(model)
    let space = max(height - head.count - 1, 0)
    let body: [Line] =
      switch model.room {
      case .table, .asking: table(model, now, space)
      case .events(let slot, let lines): events(slot, lines, space)
      case .help: Array(help.prefix(space))
      }
    let filling = Array(repeating: Line(""), count: max(space - body.count, 0))
    return (head + body + filling + [foot]).suffix(max(height, 0)).map { line in
      let text = ColumnWidth.fit(line.text.printable, width)
      let ink = model.lost != nil && !line.isAlert ? .faint : line.ink
      return ink.map { palette.paint(text, $0) } ?? text
    }
  }

  private struct Line {
    var text: String
    var ink: Palette.Ink?
    var isAlert = false

    init(_ text: String, _ ink: Palette.Ink? = nil, isAlert: Bool = false) {
      self.text = text
      self.ink = ink
      self.isAlert = isAlert
    }
  }

  private static func header(_ model: TopModel, _ now: Date) -> [Line] {
    var lines: [Line] = []
    if let lost = model.lost {
      let since = StatusText.span(now.timeIntervalSince(lost.since))
      lines.append(Line("! no supervisor for \(since), trying again: \(lost.why)", .bad, isAlert: true))
    }
    guard let status = model.status else {
      return lines + [Line("masterpool top: waiting for the supervisor", .faint)]
    }
    let paused = model.isPaused ? " (paused: p goes on)" : ""
    lines.append(
      Line(
        "masterpool \(status.version), pid \(status.pid), \(status.state) for \(StatusText.span(status.uptimeSeconds))"
          + paused, .strong))
    lines += StatusProblem.all(in: status).map { Line("! \($0)", .bad) }
    if let proxy = status.proxy {
      let rate = model.requestsPerSecond.map { ", \(tenths($0)) requests/s" } ?? ""
      lines.append(
        Line(
          "proxy: \(proxy.connections) connections, \(proxy.requestsTotal) requests, \(proxy.requestsInFlight) in flight"
            + rate))
    }
    return lines
      + status.pools.map { pool in
        Line("\(pool.name): \(pool.ready)/\(pool.size) ready, \(pool.queueLength) queued, \(pool.shedTotal) shed")
      }
  }

  private static func table(_ model: TopModel, _ now: Date, _ space: Int) -> [Line] {
    var table = TextTable([
      .left, .left, .right, .right, .left, .right, .right, .left, .left, .right, .right, .right, .left, .left,
    ])
    let titles = [
      "", "SLOT", "GEN", "PID", "STATE", "AGE", "MEMORY", "OF LIMIT", "OVER TIME", "REQUESTS", "REQ/S", "NOW",
      "LAST RECYCLE", "AT",
    ]
    table.add(titles.map { TextTable.Cell(text: $0) })
    for (index, row) in model.rows.enumerated() {
      table.add(
        cells(row, now, isChosen: index == model.selection).map { TextTable.Cell(text: $0) })
    }
    let lines = table.lines(indent: "", .plain)
    let room = max(space - 1, 0)
    let first = max(min((model.selection ?? 0) - room / 2, model.rows.count - room), 0)
    let shown = model.rows.indices.dropFirst(first).prefix(room).map { index in
      let state = StatusText.ink(ofState: model.rows[index].worker.state)
      return Line(lines[index + 1], index == model.selection ? .chosen : state == .good ? nil : state)
    }
    return Array(([Line(lines[0], .faint)] + shown).prefix(space))
  }

  private static func cells(_ row: TopModel.Row, _ now: Date, isChosen: Bool) -> [String] {
    let worker = row.worker
    return [
      isChosen ? ">" : " ", row.slot.description, worker.generation == 0 ? "-" : String(worker.generation),
      worker.pid.map(String.init) ?? "-", worker.state.printable, worker.ageSeconds.map(StatusText.span) ?? "-",
      worker.memoryBytes.map { ByteCount(bytes: $0).description } ?? "-", bar(worker.memoryBytes, row.limit),
      sparkline(row.memory), String(worker.requestsTotal), row.perSecond.map(tenths) ?? "-",
      String(worker.requestsInFlight), worker.lastRecycle.map { StatusText.lastRecycle($0, now) } ?? "-",
      worker.current.map(StatusText.atWork) ?? "-",
    ]
  }

  /// `████░░░░`; empty where there is no limit.
  static func bar(_ bytes: Int?, _ limit: Int?) -> String {
    guard let bytes, let limit, limit > 0 else { return "" }
    let share = min(max(Double(bytes) / Double(limit), 0), 1)
    let full = Int((share * Double(barWidth)).rounded())
    return String(repeating: "█", count: full) + String(repeating: "░", count: barWidth - full)
  }

  /// From the least to the most of what is there; a flat line where nothing changed.
  static func sparkline(_ values: [Int]) -> String {
    guard let least = values.min(), let most = values.max() else { return "" }
    let steps = Array("▁▂▃▄▅▆▇█")
    return String(
      values.map { value in
        most == least ? steps[0] : steps[Int(Double(value - least) / Double(most - least) * Double(steps.count - 1))]
      })
  }

  private static func events(_ slot: SlotID, _ lines: [String], _ space: Int) -> [Line] {
    let title = Line("events of \(slot), the last below", .strong)
    return [title] + (lines.isEmpty ? [Line("none yet", .faint)] : lines.suffix(max(space - 1, 0)).map { Line($0) })
  }

  private static func footer(_ model: TopModel) -> Line {
    if case .asking(let slot) = model.room { return Line("recycle \(slot)? y/n", .strong, isAlert: true) }
    if let notice = model.notice { return Line(notice, .strong, isAlert: true) }
    if model.room != .table { return Line("q back", .faint) }
    let order = model.isReversed ? "\(model.sort.rawValue), reversed" : model.sort.rawValue
    return Line("sorted by \(order)   ? help   q quit", .faint)
  }

  private static let help = [
    "up, down, j, k   choose a worker", "s, <, >          sort by another column",
    "r                reverse the order",
    "d                drain the slot; again: resume", "R                recycle the worker, after y",
    "enter, e         what happened to the worker", "p                hold the picture; again: go on",
    "q                quit",
  ].map { Line($0) }

  private static func tenths(_ value: Double) -> String {
    let tenths = Int((min(max(value, 0), 1e9) * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
