import Pool

/// Numbers as a person reads them.
enum Written {
  /// At most two places, and no zeros at the end.
  static func number(_ value: Double) -> String {
    guard value.isFinite, value.magnitude < 1e12 else { return "?" }
    let hundredths = Int((value.magnitude * 100).rounded())
    let tail = hundredths % 100
    let sign = value < 0 && hundredths > 0 ? "-" : ""
    if tail == 0 { return "\(sign)\(hundredths / 100)" }
    return "\(sign)\(hundredths / 100)." + (tail % 10 == 0 ? "\(tail / 10)" : tail < 10 ? "0\(tail)" : "\(tail)")
  }

  /// `1.25s`, `40ms`, `1h30m`
  static func seconds(_ value: Double) -> String {
    value < 1 || value >= 60 ? Duration.seconds(min(max(0, value), 3.15e9)).short : "\(number(value))s"
  }

  static func days(_ seconds: Double) -> String {
    if seconds < 2 * 3600 { return count(seconds / 60, "minute") }
    return seconds < 2 * 86400 ? count(seconds / 3600, "hour") : count(seconds / 86400, "day")
  }

  private static func count(_ value: Double, _ unit: String) -> String {
    let tenths = (value * 10).rounded() / 10
    return "\(number(tenths)) \(unit)\(tenths == 1 ? "" : "s")"
  }
}
