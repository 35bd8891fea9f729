import Pool

/// One line of `masterpool events`.
public enum EventText {
  /// `2026-11-23T10:00:00.123Z exit        masters/0#3 ended: timer, …`
  public static func line(_ event: Event, palette: Palette) -> String {
    let kind = event.kind.rawValue
    let padding = String(repeating: " ", count: kindWidth - kind.count)
    return
      "\(palette.paint(event.at.printable, .faint)) \(painted(event, palette))\(padding) \(event.message.printable)"
      + (event.by.map { palette.paint("  by \($0.printable)", .faint) } ?? "")
  }

  private static let kindWidth = Event.Kind.allCases.map(\.rawValue.count).max() ?? 0

  private static func painted(_ event: Event, _ palette: Palette) -> String {
    let kind = event.kind.rawValue
    switch event.kind {
    case .ready: return palette.paint(kind, .good)
    case .wipeFailed, .backOff, .stuck, .quarantine, .deployFailed: return palette.paint(kind, .bad)
    case .exit:
      let isBad = (event.exit?.requestsLost ?? 0) > 0 || event.exit?.reason == .crash
      return palette.paint(kind, isBad ? .bad : .busy)
    case .drain, .decision, .node, .notify: return palette.paint(kind, .busy)
    case .ledger, .spawn, .wipe, .proxy, .command, .reload, .supervisor, .parent, .deploy: return kind
    }
  }
}
