import Pool

/// Numbers as they are set, and as they are read.
enum Words {
  static func size(_ bytes: Double) -> String {
    guard bytes.isFinite else { return "any size" }
    let sign = bytes < 0 ? "-" : ""
    let size = abs(bytes)
    if size >= 0x1p30 { return "\(sign)\(oneDigit(size / 0x1p30)) GiB" }
    if size >= 0x1p20 { return "\(sign)\(oneDigit(size / 0x1p20)) MiB" }
    return "\(sign)\(oneDigit(size / 0x1p10)) KiB"
  }

  static func time(_ seconds: Double) -> String {
    seconds.isFinite ? Duration.seconds(min(max(0, seconds), 3.15e9).rounded()).short : "ever"
  }

  static func share(_ share: Double) -> String { "\(Int((min(max(share, 0), 10) * 100).rounded()))%" }

  /// Of 12 and more no digit after the point; of less one, but for a zero.
  static func oneDigit(_ value: Double) -> String {
    if abs(value) >= 11.95 { return "\(Int(value.rounded()))" }
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
  }

  private static let times: [Double] =
    [60, 120, 180, 300, 600, 900, 1200, 1800, 2700]
    + [1, 1.5, 2, 3, 4, 5, 6, 8, 12, 16, 24, 36, 48, 72, 96, 120, 168].map { $0 * 3600 }

  /// The longest time that a person would write, and that is no longer.
  static func roundTime(_ seconds: Double) -> Double? { times.last { $0 <= seconds } }

  /// Down to what a person would write: 10 MiB steps.
  static func roundSize(_ bytes: Double) -> Double { (bytes / (10 * 0x1p20)).rounded(.down) * 10 * 0x1p20 }

  /// Down to two digits.
  static func roundCount(_ count: Double) -> Int {
    guard count.isFinite, count >= 1 else { return 0 }
    var scale = 1.0
    while count / scale >= 100 { scale *= 10 }
    return Int((count / scale).rounded(.down) * scale)
  }
}
