import FoundationEssentials
import Pool

/// What `masterpool status` prints: the supervisor, the proxy, and a table of workers for each pool.
public enum StatusText {
  public static func render(_ status: StatusDocument, now: Date, palette: Palette) -> String {
    let summary =
      [supervisor(status, palette), proxy(status.proxy, palette)] + draining(status.proxy, palette)
      + nodes(status.nodes, palette) + history(status.history, palette)
    let pools = status.pools.map { pool($0, now, palette) }
    let problems = StatusProblem.all(in: status).map { palette.paint("! \($0.printable)", .bad) }
    return ([problems + summary] + pools).map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
  }

  private static func supervisor(_ status: StatusDocument, _ palette: Palette) -> String {
    let state = palette.paint(status.state.printable, status.state == "running" ? .good : .busy)
    let places = status.listen.isEmpty ? "" : ", agents connect to \(status.listen.joined(separator: ", "))"
    return
      "masterpool \(status.version.printable), pid \(status.pid), \(state) for "
      + "\(span(status.uptimeSeconds))\(places.printable)"
  }

  private static func proxy(_ proxy: StatusDocument.Proxy?, _ palette: Palette) -> String {
    guard let proxy else { return "proxy: " + palette.paint("none is running", .bad) }
    let responses = proxy.responsesTotal.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { kind, count in
      let text = kind == "none" ? "\(count) cut off" : "\(count) \(kind)"
      return kind == "5xx" || kind == "none" ? palette.paint(text.printable, .bad) : text.printable
    }
    var parts = [
      "pid \(proxy.pid)", "generation \(proxy.generation)", counted(proxy.threads, "thread"),
      counted(proxy.connections, "connection"),
      "\(counted(proxy.requestsTotal, "request")) (\(proxy.requestsInFlight) in flight)",
    ]
    if !responses.isEmpty { parts.append("responses: \(responses.joined(separator: " "))") }
    if proxy.retriedTotal > 0 { parts.append("\(proxy.retriedTotal) retried") }
    return "proxy: " + parts.joined(separator: ", ")
  }

  /// Nothing before the first has asked.
  private static func nodes(_ nodes: StatusDocument.Nodes?, _ palette: Palette) -> [String] {
    guard let nodes, nodes.total > 0 else { return [] }
    guard nodes.overdue > 0 else { return ["nodes: \(nodes.total), none overdue"] }
    let overdue = palette.paint("\(nodes.overdue) silent for more than \(span(nodes.overdueSeconds))", .bad)
    return ["nodes: \(nodes.total), \(overdue): masterpool nodes --overdue \(span(nodes.overdueSeconds))"]
  }

  /// Generations whose successor serves already.
  private static func draining(_ proxy: StatusDocument.Proxy?, _ palette: Palette) -> [String] {
    (proxy?.draining ?? []).map { old in
      "       \(palette.paint("draining", .busy)): pid \(old.pid), generation \(old.generation), "
        + "\(counted(old.connections, "connection")), \(counted(old.requestsInFlight, "request")) in flight"
    }
  }

  /// Only where something is wrong with it.
  private static func history(_ history: StatusDocument.History?, _ palette: Palette) -> [String] {
    guard let trouble = history?.trouble else { return [] }
    return ["history: " + palette.paint("not written: \(trouble.printable)", .bad)]
  }

  private static func pool(_ pool: StatusDocument.Pool, _ now: Date, _ palette: Palette) -> [String] {
    let ready = "\(pool.ready) of \(pool.size) ready"
    let ink: Palette.Ink = pool.ready >= pool.size ? .good : pool.ready == 0 ? .bad : .busy
    var parts = [palette.paint(ready, ink), "\(pool.queueLength) queued"]
    parts.append(pool.shedTotal > 0 ? palette.paint("\(pool.shedTotal) shed", .bad) : "0 shed")
    if !pool.quarantined.isEmpty {
      parts.append(palette.paint("\(pool.quarantined.count) quarantined", .bad))
    }
    if let budget = pool.memoryBudgetBytes {
      parts.append("memory \(ByteCount(bytes: pool.memoryBytes)) of \(ByteCount(bytes: budget))")
    }
    let title = palette.paint(pool.name.description, .strong) + ": " + parts.joined(separator: ", ")
    let parents = (pool.parents ?? []).map { parent($0, palette) }
    guard !pool.workers.isEmpty else { return [title] + parents }
    return [title] + parents + table(pool, now).lines(indent: "  ", palette) + waiting(pool, palette)
  }

  /// `forked from parent 2, pid 110: ready, age 3m, 34MiB`
  private static func parent(_ parent: StatusDocument.Parent, _ palette: Palette) -> String {
    let parts = [
      palette.paint(parent.state.printable, ink(ofState: parent.state)), parent.ageSeconds.map { "age \(span($0))" },
      parent.memoryBytes.map { ByteCount(bytes: $0).description },
    ].compactMap { $0 }
    let pid = parent.pid.map { ", pid \($0)" } ?? ""
    return "  forked from parent \(parent.generation)\(pid): \(parts.joined(separator: ", "))"
  }

  /// Recycles that were asked for and have not begun.
  private static func waiting(_ pool: StatusDocument.Pool, _ palette: Palette) -> [String] {
    pool.workers.compactMap { worker in
      guard let reason = worker.pendingRecycle, let hindrance = worker.waitingFor else { return nil }
      return "  \(pool.name)/\(worker.slot) recycle for \(reason.rawValue) waits: "
        + palette.paint(hindrance.printable, .busy)
    }
  }

  private static func table(_ pool: StatusDocument.Pool, _ now: Date) -> TextTable {
    let limit = pool.limits?.memoryBytes
    let isAnyBusy = pool.workers.contains { $0.current != nil }
    var sides: [TextTable.Side] = [.right, .right, .right, .left, .right, .right, .right, .right, .left]
    var titles = ["SLOT", "GEN", "PID", "STATE", "AGE", "MEMORY", "REQUESTS", "NOW", "LAST RECYCLE"]
    if isAnyBusy {
      titles.append("AT")
      sides.append(.left)
    }
    // The limit is one for the pool: said once, beside the title.
    if let limit { titles[5] = "MEMORY/\(ByteCount(bytes: limit))" }
    var table = TextTable(sides)
    table.add(titles.map { TextTable.Cell(text: $0, ink: .faint) })
    let ordered = pool.workers.sorted { ($0.slot, $0.generation) < ($1.slot, $1.generation) }
    for worker in ordered {
      var cells = [
        String(worker.slot), worker.generation == 0 ? "-" : String(worker.generation),
        worker.pid.map(String.init) ?? "-", worker.state.printable, worker.ageSeconds.map(span) ?? "-",
        worker.memoryBytes.map { ByteCount(bytes: $0).description } ?? "-", String(worker.requestsTotal),
        String(worker.requestsInFlight), worker.lastRecycle.map { lastRecycle($0, now) } ?? "-",
      ]
      if isAnyBusy { cells.append(worker.current.map(atWork) ?? "-") }
      table.add(
        cells.enumerated().map { column, text in
          switch column {
          case 3: TextTable.Cell(text: text, ink: ink(ofState: worker.state))
          case 5: TextTable.Cell(text: text, ink: inkOfMemory(worker.memoryBytes, limit))
          default: TextTable.Cell(text: text)
          }
        })
    }
    return table
  }

  /// From nine tenths of the limit on, a recycle is near.
  private static func inkOfMemory(_ bytes: Int?, _ limit: Int?) -> Palette.Ink? {
    guard let bytes, let limit, limit > 0 else { return nil }
    let share = Double(bytes) / Double(limit)
    return share >= 1 ? .bad : share >= 0.9 ? .busy : nil
  }

  static func ink(ofState state: String) -> Palette.Ink {
    switch state {
    case "ready": .good
    case "backing_off": .bad
    default: .busy
    }
  }

  /// Columns of a request beside the table.
  private static let maxRequest = 60

  /// `12s POST /puppet/v3/catalog/web7 for web7`
  static func atWork(_ current: StatusDocument.Current) -> String {
    let request = current.request.printable
    let cut = request.count > maxRequest ? request.prefix(maxRequest - 1) + "…" : request[...]
    return "\(span(current.ageSeconds)) \(cut)\(current.node.map { " for \($0.printable)" } ?? "")"
  }

  /// `timer, 4m ago`
  static func lastRecycle(_ recycle: StatusDocument.LastRecycle, _ now: Date) -> String {
    guard let at = Stamp.date(recycle.at) else { return recycle.reason.rawValue }
    return "\(recycle.reason.rawValue), \(span(now.timeIntervalSince(at))) ago"
  }

  private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  /// Whole seconds; what a clock that was set makes negative is none.
  static func span(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 1 else { return "0s" }
    return Duration.seconds(Int64(min(seconds, 1e9))).short
  }
}

/// RFC 3339, with or without a fraction.
public enum Stamp {
  public static func date(_ text: String) -> Date? {
    (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
      ?? (try? Date(text, strategy: .iso8601))
  }
}
