import Pool

/// What `masterpool nodes` prints: a line a node, then how many there are.
public enum NodesText {
  public static func render(_ document: NodesDocument, palette: Palette) -> String {
    let sum = summary(document, palette)
    guard !document.nodes.isEmpty else { return "\(sum)\n" }
    return (table(document.nodes).lines(indent: "", palette) + ["", sum]).joined(separator: "\n") + "\n"
  }

  /// Everything about one node, a line each.
  public static func render(_ node: NodesDocument.Node, palette: Palette) -> String {
    let words: [(String, String?, Palette.Ink?)] = [
      ("last seen", "\(node.lastSeenAt), \(span(node.silentSeconds)) ago", node.overdue ? .bad : nil),
      ("overdue", node.overdue ? "yes" : "no", node.overdue ? .bad : nil),
      ("run under way", node.runStartedAt.map { "since \($0)" }, .busy),
      ("last run", lastRun(node), nil),
      ("status", node.lastStatus?.rawValue, node.lastStatus.map(ink)),
      ("catalog", node.catalogSeconds.map { "\(span($0)) of a worker" }, nil),
      ("agent", node.agentVersion?.printable, nil),
      ("requests", "\(node.requestsTotal), \(ByteCount(bytes: node.bytesTotal))", nil),
      ("refused", String(node.refusedTotal), node.refusedTotal > 0 ? .busy : nil),
      ("quarantined", node.quarantined ? "yes: masterpool release \(node.name.printable)" : nil, .bad),
    ]
    let width = 15
    let lines = words.compactMap { title, text, ink in
      text.map { text in
        let padding = String(repeating: " ", count: width - title.count)
        return "  \(title)\(padding)\(ink.map { palette.paint(text, $0) } ?? text)"
      }
    }
    return ([palette.paint(node.name.printable, .strong)] + lines).joined(separator: "\n") + "\n"
  }

  private static func lastRun(_ node: NodesDocument.Node) -> String? {
    guard let reported = node.lastReportAt else { return nil }
    let took = node.lastRunSeconds.map { "\(span($0)), " } ?? ""
    return "\(took)reported at \(reported)"
  }

  private static func table(_ nodes: [NodesDocument.Node]) -> TextTable {
    var table = TextTable([.left, .right, .right, .left, .right, .left, .right, .right, .right, .left])
    let titles = ["NODE", "SEEN", "RUN", "STATUS", "CATALOG", "AGENT", "REQUESTS", "BYTES", "REFUSED", "REMARKS"]
    table.add(titles.map { TextTable.Cell(text: $0, ink: .faint) })
    for node in nodes {
      let remarks = [
        node.overdue ? "overdue" : nil, node.runStartedAt == nil ? nil : "runs",
        node.quarantined ? "quarantined" : nil,
      ]
      table.add([
        TextTable.Cell(text: node.name.printable),
        TextTable.Cell(text: "\(span(node.silentSeconds)) ago", ink: node.overdue ? .bad : nil),
        TextTable.Cell(text: node.lastRunSeconds.map(span) ?? "-"),
        TextTable.Cell(text: node.lastStatus?.rawValue ?? "-", ink: node.lastStatus.map(ink)),
        TextTable.Cell(text: node.catalogSeconds.map(span) ?? "-"),
        TextTable.Cell(text: node.agentVersion?.printable ?? "-"),
        TextTable.Cell(text: String(node.requestsTotal)),
        TextTable.Cell(text: ByteCount(bytes: node.bytesTotal).description),
        TextTable.Cell(text: String(node.refusedTotal), ink: node.refusedTotal > 0 ? .busy : nil),
        TextTable.Cell(
          text: remarks.compactMap { $0 }.joined(separator: ", "),
          ink: node.overdue || node.quarantined ? .bad : .busy),
      ])
    }
    return table
  }

  private static func ink(_ status: RunStatus) -> Palette.Ink {
    switch status {
    case .failed: .bad
    case .changed: .busy
    case .unchanged: .good
    }
  }

  private static func summary(_ document: NodesDocument, _ palette: Palette) -> String {
    let known = "\(document.total) node\(document.total == 1 ? "" : "s")"
    let overdue = "\(document.overdueTotal) overdue"
    let silence = Duration.milliseconds(Int64(document.overdueSeconds * 1000)).short
    let more = document.fitting - document.nodes.count
    return "\(known), \(document.overdueTotal > 0 ? palette.paint(overdue, .bad) : overdue) (silent for \(silence))"
      + (document.nodes.isEmpty && document.fitting == 0 && document.total > 0 ? "; none fits" : "")
      + (more > 0 ? "; \(more) more fit, see --limit" : "")
  }

  private static func span(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds > 0 else { return "0s" }
    return Duration.milliseconds(Int64(min(seconds, 1e9) * 1000)).short
  }
}
