import FoundationEssentials

/// Times as the ledger writes them.
enum Moments {
  /// RFC 3339, UTC, with milliseconds: as events carry it, so that texts compare as times do.
  static func text(_ date: Date) -> String {
    date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }

  /// Half of one more, since what is no binary fraction would be cut to the one before.
  static func text(milliseconds: Int) -> String {
    text(Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000))
  }

  static func text(seconds: Int) -> String { text(Date(timeIntervalSince1970: Double(seconds))) }

  /// Nil for what is no such time.
  static func seconds(_ text: String) -> Int? {
    (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
      .map { Int($0.timeIntervalSince1970.rounded(.down)) }
  }
}
