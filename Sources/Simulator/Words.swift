import Pool

/// How people write times, sizes and rates: `1.2s±0.5`, `2MiB/request`, `1/day`.
enum Words {
  private static let seconds: [(unit: String, seconds: Double)] = [
    ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400),
  ]
  private static let sizes: [(unit: String, bytes: Double)] = [
    ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30), ("TiB", 0x1p40), ("B", 1),
  ]
  /// Ten years: no sum of such times overflows.
  private static let mostSeconds = 10 * 365 * 86400.0
  private static let mostBytes = 0x1p50

  /// `15m`, `1h30m`, `1.2s`, `0`.
  static func time(_ text: some StringProtocol) -> Duration? { timeAndUnit(text)?.time }

  private static func timeAndUnit(_ text: some StringProtocol) -> (time: Duration, unit: Double)? {
    if text == "0" { return (.zero, 1) }
    var (total, smallest) = (0.0, Double.infinity)
    var rest = Substring(text)
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isWholeNumber || $0 == "." }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let value = number(digits), let scale = seconds.first(where: { $0.unit == unit })?.seconds,
        scale < smallest
      else { return nil }
      (total, smallest) = (total + value * scale, scale)
    }
    guard smallest < .infinity, total <= mostSeconds else { return nil }
    return (.nanoseconds(Int64((total * 1e9).rounded())), smallest)
  }

  /// `600MiB`, `1.5GiB`, `0`.
  static func size(_ text: some StringProtocol) -> Double? {
    if text == "0" { return 0 }
    for (unit, bytes) in sizes where text.hasSuffix(unit) {
      guard let value = number(text.dropLast(unit.count)), value * bytes <= mostBytes else { return nil }
      return value * bytes
    }
    return nil
  }

  /// Plain decimals only.
  static func number(_ text: some StringProtocol) -> Double? {
    guard !text.isEmpty, text.utf8.count <= 20, text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 }) else {
      return nil
    }
    return Double(String(text))
  }

  /// `1.2s`, `1.2s±0.5` (or `+-`), `1.2s±500ms`, `1.2s±40%`, `~1.2s`.
  static func spread(_ text: some StringProtocol) -> Spread? {
    if text.first == "~" { return time(text.dropFirst()).map { .memoryless(mean: $0) } }
    let parts = String(text).replacing("+-", with: "±").split(separator: "±", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, let (mean, unit) = timeAndUnit(first) else { return nil }
    guard parts.count == 2 else { return .always(mean) }
    guard let deviation = deviation(parts[1], of: mean, unit: unit) else { return nil }
    return .about(mean, deviation: deviation)
  }

  /// Without a unit it has that of the mean.
  private static func deviation(_ text: Substring, of mean: Duration, unit: Double) -> Duration? {
    if text.hasSuffix("%") {
      guard let percent = number(text.dropLast()), percent <= 1000 else { return nil }
      return mean.scaled(by: percent / 100)
    }
    if let plain = number(text) {
      return plain * unit <= mostSeconds ? .nanoseconds(Int64((plain * unit * 1e9).rounded())) : nil
    }
    return time(text)
  }

  /// `2MiB/request`, `20MiB/hour`, `1GiB/day`, several joined by `+`; `none`.
  static func leak(_ text: some StringProtocol) -> Leak? {
    guard let (perRequest, perHour) = rates(text, reading: { size($0) }) else { return nil }
    return Leak(perRequest: perRequest, perHour: perHour)
  }

  /// `0.1%/request`, `2/day`, `0.5/hour`, several joined by `+`; `none`.
  static func rate(_ text: some StringProtocol) -> Rate? {
    let read: (Substring) -> Double? = { part in
      part.hasSuffix("%") ? number(part.dropLast()).map { $0 / 100 } : number(part)
    }
    guard let (perRequest, perHour) = rates(text, reading: read), perRequest <= 1 else { return nil }
    return Rate(perRequest: perRequest, perHour: perHour)
  }

  private static func rates(
    _ text: some StringProtocol, reading read: (Substring) -> Double?
  ) -> (perRequest: Double, perHour: Double)? {
    if text == "none" || text == "0" { return (0, 0) }
    var (perRequest, perHour) = (0.0, 0.0)
    for term in String(text).split(separator: "+", omittingEmptySubsequences: false) {
      let sides = term.split(separator: "/", omittingEmptySubsequences: false)
      guard sides.count == 2, let amount = read(sides[0]) else { return nil }
      switch sides[1] {
      case "request", "r": perRequest += amount
      case "hour", "h": perHour += amount
      case "day", "d": perHour += amount / 24
      case "week", "w": perHour += amount / 168
      default: return nil
      }
    }
    return (perRequest, perHour)
  }
}

extension Duration {
  /// As an operator writes it; nil: it is none.
  public init?(words text: String) {
    guard let time = Words.time(text) else { return nil }
    self = time
  }
}

extension ByteCount {
  /// `600MiB`
  public init?(words text: String) {
    guard let size = Words.size(text) else { return nil }
    self.init(bytes: Int(size))
  }
}

extension Spread: CustomStringConvertible {
  public static let forms = "such as 1.2s, 1.2s±0.5 (or 1.2s+-0.5), 1.2s±40%, ~1.2s (exponential)"

  public init?(words text: String) {
    guard let spread = Words.spread(text) else { return nil }
    self = spread
  }

  public var description: String {
    switch self {
    case .always(let time): time.exact
    case .about(let mean, let deviation): "\(mean.exact)±\(deviation.exact)"
    case .memoryless(let mean): "~\(mean.exact)"
    case .measured: "\(mean.exact)±\(deviation.exact)"
    }
  }
}

extension Leak: CustomStringConvertible {
  public static let forms = "such as 2MiB/request, 20MiB/hour, 1MiB/request+5MiB/hour, none"

  public init?(words text: String) {
    guard let leak = Words.leak(text) else { return nil }
    self = leak
  }

  public var description: String {
    let terms = [(perRequest, "request"), (perHour, "hour")].filter { $0.0 > 0 }
    return terms.isEmpty
      ? "none" : terms.map { "\(ByteCount(bytes: Int(min($0.0, 0x1p60))))/\($0.1)" }.joined(separator: "+")
  }
}

extension Rate: CustomStringConvertible {
  public static let forms = "such as 2/day, 0.1/hour, 0.01%/request, none"

  public init?(words text: String) {
    guard let rate = Words.rate(text) else { return nil }
    self = rate
  }

  public var description: String {
    let terms = [(perRequest * 100, "%/request"), (perHour * 24, "/day")].filter { $0.0 > 0 }
    return terms.isEmpty ? "none" : terms.map { "\($0.0.plain(3))\($0.1)" }.joined(separator: "+")
  }
}

extension Duration {
  /// As short as can be, with milliseconds where they count: `1.2s`, `350ms`, `30m`.
  var exact: String {
    let milliseconds = wholeNanoseconds / 1_000_000
    guard milliseconds % 1000 != 0 else { return self == .zero ? "0s" : short }
    return milliseconds < 1000 ? "\(milliseconds)ms" : "\((Double(milliseconds) / 1000).plain(3))s"
  }
}

extension Double {
  /// With at most so many places, and no trailing zeros.
  func plain(_ places: Int) -> String {
    guard isFinite else { return "?" }
    var scale = 1.0
    for _ in 0..<max(0, places) { scale *= 10 }
    guard magnitude < 1e15 / scale else { return "\(self)" }
    let whole = Int64((magnitude * scale).rounded())
    let (front, back) = (whole / Int64(scale), whole % Int64(scale))
    let digits = String(back)
    var tail = String(repeating: "0", count: max(0, places - digits.count)) + digits
    while tail.last == "0" { tail.removeLast() }
    let sign = self < 0 && whole > 0 ? "-" : ""
    return sign + (tail.isEmpty || places == 0 ? "\(front)" : "\(front).\(tail)")
  }
}
