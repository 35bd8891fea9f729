import FoundationEssentials
import Pool

/// What `masterpool status` prints: the supervisor, the proxy, and a table of workers for each pool.
public enum StatusText {
  public static func render(_ status: StatusDocument, now: Date, palette: Palette) -> String {
    let summary =
      [supervisor(status, palette), proxy(status.proxy, palette)] + draining(status.proxy, palette)
      + history(status.history, palette)
    let pools = status.pools.map { pool($0, now, palette) }
    return ([summary] + pools).map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
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
    guard !pool.workers.isEmpty else { return [title] }
    return [title] + table(pool.workers, now).lines(indent: "  ", palette) + waiting(pool, palette)
  }

  /// Recycles that were asked for and have not begun.
  private static func waiting(_ pool: StatusDocument.Pool, _ palette: Palette) -> [String] {
    pool.workers.compactMap { worker in
      guard let reason = worker.pendingRecycle, let hindrance = worker.waitingFor else { return nil }
      return "  \(pool.name)/\(worker.slot) recycle for \(reason.rawValue) waits: "
        + palette.paint(hindrance.printable, .busy)
    }
  }

  private static func table(_ workers: [StatusDocument.Worker], _ now: Date) -> TextTable {
    var table = TextTable([.right, .right, .right, .left, .right, .right, .right, .right, .left])
    let titles = ["SLOT", "GEN", "PID", "STATE", "AGE", "MEMORY", "REQUESTS", "NOW", "LAST RECYCLE"]
    table.add(titles.map { TextTable.Cell(text: $0, ink: .faint) })
    let ordered = workers.sorted { ($0.slot, $0.generation) < ($1.slot, $1.generation) }
    for worker in ordered {
      let cells = [
        String(worker.slot), worker.generation == 0 ? "-" : String(worker.generation),
        worker.pid.map(String.init) ?? "-", worker.state.printable, worker.ageSeconds.map(span) ?? "-",
        worker.memoryBytes.map { ByteCount(bytes: $0).description } ?? "-", String(worker.requestsTotal),
        String(worker.requestsInFlight), worker.lastRecycle.map { lastRecycle($0, now) } ?? "-",
      ]
      table.add(cells.enumerated().map { TextTable.Cell(text: $1, ink: $0 == 3 ? ink(ofState: worker.state) : nil) })
    }
    return table
  }

  private static func ink(ofState state: String) -> Palette.Ink {
    switch state {
    case "ready": .good
    case "backing_off": .bad
    default: .busy
    }
  }

  /// `timer, 4m ago`
  private static func lastRecycle(_ recycle: StatusDocument.LastRecycle, _ now: Date) -> String {
    guard let at = Stamp.date(recycle.at) else { return recycle.reason.rawValue }
    return "\(recycle.reason.rawValue), \(span(now.timeIntervalSince(at))) ago"
  }

  private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  /// Whole seconds; what a clock that was set makes negative is none.
  private static func span(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 1 else { return "0s" }
    return Duration.seconds(Int64(min(seconds, 1e9))).short
  }
}

/// RFC 3339, with or without a fraction.
enum Stamp {
  static func date(_ text: String) -> Date? {
    (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
      ?? (try? Date(text, strategy: .iso8601))
  }
}
