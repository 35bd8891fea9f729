import FoundationEssentials
import Pool

/// A point in time as an operator names it.
public enum Moment {
  /// What may be written, for a person.
  public static let forms = "a time such as 2026-11-23T10:00:00Z or 2026-11-23, or how long ago: 90m, 24h, 7d"

  /// As events carry it: RFC 3339, UTC, with milliseconds. Nil for what is neither a time, a day, nor a duration.
  public static func read(_ text: String, now: Date) -> String? {
    if let ago = duration(text) { return written(now.addingTimeInterval(-ago)) }
    if let date = Stamp.date(text) ?? Stamp.date("\(text)T00:00:00Z") { return written(date) }
    return nil
  }

  private static func written(_ date: Date) -> String? {
    // Years of four digits, so that texts compare as times do.
    guard (0...253_402_300_799).contains(date.timeIntervalSince1970) else { return nil }
    return date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }

  /// `5m` in seconds; nil for what is no duration.
  public static func seconds(_ text: String) -> Int? { duration(text).flatMap { Int(exactly: $0) } }

  private static let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800]

  /// `1h30m` in seconds.
  private static func duration(_ text: String) -> Double? {
    var rest = text[...]
    var total = 0.0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let number = Double(digits), digits.count <= 9, let unit = rest.dropFirst(digits.count).first,
        let factor = units[unit]
      else { return nil }
      total += number * factor
      rest = rest.dropFirst(digits.count + 1)
    }
    return text.isEmpty ? nil : total
  }
}
