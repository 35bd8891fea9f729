import Pool

/// A replay under the settings as they are, and one under others.
public struct WhatIfComparison: Hashable, Sendable, Codable {
  public var asItIs: WhatIfDocument
  public var then: WhatIfDocument

  public init(asItIs: WhatIfDocument, then: WhatIfDocument) {
    self.asItIs = asItIs
    self.then = then
  }

  enum CodingKeys: String, CodingKey {
    case asItIs = "as_it_is"
    case then
  }
}

/// What `masterpool advise` prints.
public enum AdviceText {
  public static func render(_ document: AdviceDocument) -> String {
    document.pools.map(render).joined(separator: "\n\n")
  }

  private static func render(_ pool: PoolAdvice) -> String {
    var lines = ["\(pool.pool): \(pool.sentence)"]
    var facts: [(String, String)] = []
    if let growth = pool.perHour { facts.append(("growth an hour", words(growth))) }
    if let growth = pool.perRequest { facts.append(("growth a request", words(growth))) }
    if let plateau = pool.plateauBytes {
      let after = pool.warmUpSeconds.map { $0 > 0 ? " after \(Words.time($0))" : "" } ?? ""
      facts.append(("warm", "\(Words.size(Double(plateau)))\(after)"))
    }
    if let limit = pool.limitBytes { facts.append(("limit", Words.size(Double(limit)))) }
    if let time = pool.secondsToLimit {
      facts.append(
        ("reached after", "\(Words.time(time.seconds)) (\(Words.time(time.low)) to \(Words.time(time.high)))"))
    }
    let span = Span(pool.days)
    for one in pool.restartsPerDay {
      facts.append(
        (
          "\(one.reason.rawValue) \(span.words)",
          "\(span.count(one.count)), \(Words.time(one.capacitySeconds * span.days)) of a worker's time lost"
        ))
    }
    if pool.lives > 0 {
      facts.append(("from", "\(pool.lives) lives, \(Words.time(pool.observedHours * 3600)) of warm workers"))
    }
    lines += aligned(facts)
    let settings = settings(pool.advice)
    if !settings.isEmpty {
      lines += ["", "  Set, under pools.\(pool.pool):"] + settings.map { "    \($0)" }
    }
    if !pool.reasons.isEmpty { lines += ["", "  Why"] + pool.reasons.map { "    \($0)" } }
    return lines.joined(separator: "\n")
  }

  /// What restarts are counted by: a day, or less where less was watched, so that one of an hour is not told as many.
  private struct Span {
    let days: Double

    init(_ days: Double) { self.days = min(1, days) }

    var words: String { days == 1 ? "a day" : "in \(Words.time(days * 86400))" }

    func count(_ perDay: Double) -> String { Words.oneDigit(perDay * days) }
  }

  private static func words(_ growth: PoolAdvice.Growth) -> String {
    "\(Words.size(growth.bytes)) (\(Words.size(growth.low)) to \(Words.size(growth.high)))"
  }

  /// As they are written in the settings.
  private static func settings(_ values: PoolAdvice.Values) -> [String] {
    let recycle = [
      values.everySeconds.map { "every: \(Words.time($0))" },
      values.memoryBytes.map { "memory: \($0 >> 20)MiB" },
      values.requests.map { "requests: \($0)" },
    ].compactMap { $0 }
    return (recycle.isEmpty ? [] : ["recycle: {\(recycle.joined(separator: ", "))}"])
      + (values.workers.map { ["workers: \($0)"] } ?? [])
  }

  private static func aligned(_ facts: [(String, String)]) -> [String] {
    let width = facts.map(\.0.count).max() ?? 0
    return facts.map { "  \($0.0)\(String(repeating: " ", count: width - $0.0.count))  \($0.1)" }
  }

  // MARK: What if

  public static func render(_ comparisons: [WhatIfComparison]) -> String {
    comparisons.map(render).joined(separator: "\n\n")
  }

  private static func render(_ comparison: WhatIfComparison) -> String {
    let (before, after) = (comparison.asItIs, comparison.then)
    var rows: [(String, String, String)] = [("", "as it is", "then")]
    let reasons = RecycleReason.allCases.filter { reason in
      (before.restartsPerDay + after.restartsPerDay).contains { $0.reason == reason }
    }
    let span = Span(after.days)
    for reason in reasons {
      rows.append(("\(reason.rawValue) \(span.words)", count(reason, before, span), count(reason, after, span)))
    }
    rows.append(("worker's time lost \(span.words)", lost(before, span), lost(after, span)))
    rows.append(("largest worker", size(before.workerPeakBytes), size(after.workerPeakBytes)))
    rows.append(("of the fastest tenth", size(before.worstPeakBytes), size(after.worstPeakBytes)))
    rows.append(("all at their largest", size(before.poolPeakBytes), size(after.poolPeakBytes)))
    let widths = (rows.map(\.0.count).max() ?? 0, rows.map(\.1.count).max() ?? 0, rows.map(\.2.count).max() ?? 0)
    let grows = after.isByRequest ? "with requests" : "with time"
    return
      ([
        "\(after.pool): \(Words.time(after.days * 86400)) of the ledger once more; growth goes \(grows); crashes, hangs and "
          + "commands as they came"
      ]
      + rows.map { row in
        "  \(row.0)\(pad(row.0, widths.0))  \(pad(row.1, widths.1))\(row.1)  \(pad(row.2, widths.2))\(row.2)"
      }).joined(separator: "\n")
  }

  private static func count(_ reason: RecycleReason, _ document: WhatIfDocument, _ span: Span) -> String {
    span.count(document.restartsPerDay.first { $0.reason == reason }?.count ?? 0)
  }

  private static func lost(_ document: WhatIfDocument, _ span: Span) -> String {
    Words.time(document.restartsPerDay.reduce(0) { $0 + $1.capacitySeconds } * span.days)
  }

  private static func size(_ bytes: Int) -> String { Words.size(Double(bytes)) }

  private static func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count))
  }
}
