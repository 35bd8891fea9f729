import Pool

/// How values with a unit are read, written and spoken of.
struct Measure<Value>: Sendable {
  /// `a time`
  var noun: String
  var low: String
  var high: String
  var read: @Sendable (String) -> Measured<Value>
  var write: @Sendable (Value) -> String
  /// A bare number with the units that were likely meant.
  var withUnit: @Sendable (String) -> String
}

/// What a text with a unit turned out to be.
enum Measured<Value> {
  case value(Value)
  case negative
  /// A number without a unit.
  case bare
  /// The unit, its number, and the unit that was likely meant.
  case unknownUnit(String, number: String, meant: String?)
  case overflow
  case malformed
}

extension Measure<Duration> {
  static let time = Measure(
    noun: "a time", low: "short", high: "long", read: readTime,
    write: { $0 == .zero ? "0s" : $0.short }, withUnit: { "\($0)s or \($0)m" })
}

extension Measure<ByteCount> {
  static let size = Measure(
    noun: "a size", low: "small", high: "large", read: readSize, write: { $0.description },
    withUnit: { "\($0)MiB or \($0)KiB" })
}

extension Measure<Int> {
  static let percent = Measure(
    noun: "a percentage", low: "small", high: "large", read: readPercent, write: { "\($0)%" },
    withUnit: { "\($0)%" })
}

/// `15m`, `1h30m`, `2.5s`: units from large to small, each at most once.
func readTime(_ text: String) -> Measured<Duration> {
  let units = [
    "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000, "d": 86_400_000_000_000,
  ]
  return readQuantities(text, units: units, others: otherUnitsOfTime).map { .nanoseconds($0) }
}

/// `600MiB`, `1.5GiB`
func readSize(_ text: String) -> Measured<ByteCount> {
  let units = ["B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40]
  return readQuantities(text, units: units, others: otherUnitsOfSize).map { ByteCount(bytes: $0) }
}

/// `20%`
func readPercent(_ text: String) -> Measured<Int> {
  readQuantities(text, units: ["%": 1], others: ["percent": "%", "pct": "%"])
}

private let otherUnitsOfTime = [
  "msec": "ms", "millis": "ms", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m",
  "minute": "m", "minutes": "m", "hr": "h", "hour": "h", "hours": "h", "day": "d", "days": "d",
]

private let otherUnitsOfSize = [
  "byte": "B", "bytes": "B", "k": "KiB", "kb": "KiB", "ki": "KiB", "m": "MiB", "mb": "MiB", "mi": "MiB",
  "mib": "MiB", "kib": "KiB", "g": "GiB", "gb": "GiB", "gi": "GiB", "gib": "GiB", "t": "TiB", "tb": "TiB",
  "ti": "TiB", "tib": "TiB", "b": "B",
]

/// The sum of all the text's parts in the smallest unit, rounded down.
private func readQuantities(
  _ text: String, units: [String: Int], others: [String: String]
) -> Measured<Int> {
  if text.hasPrefix("-") { return .negative }
  var rest = text[...]
  var total = 0
  var smallest = Int.max
  while !rest.isEmpty {
    let number = rest.prefix { $0.isASCIIDigit || $0 == "." }
    rest = rest.dropFirst(number.count)
    let gap = rest.prefix { $0 == " " }
    let unit = rest.dropFirst(gap.count).prefix { !$0.isASCIIDigit && $0 != "." && $0 != " " }
    rest = rest.dropFirst(gap.count + unit.count)
    guard let quantity = Quantity(number) else { return .malformed }
    guard !unit.isEmpty else { return rest.isEmpty && total == 0 ? .bare : .malformed }
    guard let factor = units[String(unit)], gap.isEmpty else {
      let meant = [String(unit), unit.lowercased()].first { units[$0] != nil } ?? others[unit.lowercased()]
      return .unknownUnit("\(gap)\(unit)", number: String(number), meant: meant)
    }
    guard factor < smallest else { return .malformed }
    smallest = factor
    guard let part = quantity.times(factor) else { return .overflow }
    let (sum, overflow) = total.addingReportingOverflow(part)
    if overflow { return .overflow }
    total = sum
  }
  return smallest == .max ? .malformed : .value(total)
}

/// A decimal number with at most three places, as whole and thousandths.
private struct Quantity {
  var whole: Int?
  var thousandths: Int

  init?(_ text: Substring) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    whole = Int(parts[0])
    thousandths = 0
    if parts.count == 2 {
      guard parts[1].count <= 3, let places = Int(parts[1] + String(repeating: "0", count: 3 - parts[1].count))
      else { return nil }
      thousandths = places
    }
  }

  /// Nil where it would overflow.
  func times(_ factor: Int) -> Int? {
    guard let whole else { return nil }
    let (large, overflow) = whole.multipliedReportingOverflow(by: factor)
    // A thousand times the largest factor, a day in nanoseconds, is far from overflowing.
    let (sum, overflowed) = large.addingReportingOverflow(factor * thousandths / 1000)
    return overflow || overflowed ? nil : sum
  }
}

extension Measured {
  fileprivate func map<Other>(_ transform: (Value) -> Other) -> Measured<Other> {
    switch self {
    case .value(let value): .value(transform(value))
    case .negative: .negative
    case .bare: .bare
    case .unknownUnit(let unit, let number, let meant): .unknownUnit(unit, number: number, meant: meant)
    case .overflow: .overflow
    case .malformed: .malformed
    }
  }
}
