/// How metrics are written: as Prometheus' text format 0.0.4, which everything reads, or as OpenMetrics 1.0.0.
public enum MetricsFormat: Hashable, Sendable, CaseIterable {
  case prometheus
  case openMetrics

  /// What the client likes better by its `Accept` (RFC 9110 §12.5.1); the plain one where it does not say.
  public init(accept: String?) {
    let wishes = (accept ?? "").split(separator: ",").map(Wish.init)
    func weight(_ type: String) -> Double { wishes.filter { $0.type == type }.map(\.weight).max() ?? 0 }
    let open = weight("application/openmetrics-text")
    self = open > 0 && open >= weight("text/plain") ? .openMetrics : .prometheus
  }

  public var contentType: String {
    switch self {
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  private struct Wish {
    var type: String
    var weight = 1.0

    init(_ text: Substring) {
      let parts = text.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
      type = parts.first ?? ""
      for part in parts.dropFirst() where part.hasPrefix("q=") { weight = Double(part.dropFirst(2)) ?? 0 }
    }
  }
}

/// Families in the order in which they are added; one without samples is left out.
///
/// OpenMetrics calls a counter's family by its name without `_total`, knows the type info, and ends with a mark, so that
/// a page that was cut off is no page. When a counter began (`_created`) is not told, which both formats leave open:
/// most go on over restarts of what counts.
struct MetricsPage {
  typealias Sample = (labels: [String: String], value: Double)

  /// Not cumulative, one more than there are bounds.
  struct Histogram {
    var labels: [String: String]
    var buckets: [Int]
    var sum: Double
  }

  private let format: MetricsFormat
  private var text = ""

  init(_ format: MetricsFormat = .prometheus) { self.format = format }

  var finished: String {
    switch format {
    case .prometheus: text
    case .openMetrics: text + "# EOF\n"
    }
  }

  mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
    family(name, "gauge", help, samples)
  }

  /// - Parameter name: ends in `_total`.
  mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
    precondition(name.hasSuffix("_total"), "a counter's name ends in _total, not as \(name)")
    switch format {
    case .prometheus: family(name, "counter", help, samples)
    case .openMetrics: family(String(name.dropLast("_total".count)), "counter", help, samples, suffix: "_total")
    }
  }

  /// - Parameter name: without `_info`.
  mutating func info(_ name: String, _ help: String, _ labels: [String: String]) {
    switch format {
    case .prometheus: family("\(name)_info", "gauge", help, [(labels, 1)])
    case .openMetrics: family(name, "info", help, [(labels, 1)], suffix: "_info")
    }
  }

  mutating func histogram(_ name: String, _ help: String, bounds: [Double], _ histograms: [Histogram]) {
    guard !histograms.isEmpty else { return }
    head(name, "histogram", help)
    for one in histograms {
      var total = 0
      for (bound, count) in zip(bounds + [.infinity], one.buckets) {
        total += count
        // As OpenMetrics wants it, and in both the same, so that a change of format makes no other series.
        let le = bound.isFinite ? String(bound) : "+Inf"
        line("\(name)_bucket", one.labels.merging(["le": le]) { $1 }, Double(total))
      }
      line("\(name)_count", one.labels, Double(total))
      line("\(name)_sum", one.labels, one.sum)
    }
  }

  private mutating func family(
    _ name: String, _ kind: String, _ help: String, _ samples: [Sample], suffix: String = ""
  ) {
    guard !samples.isEmpty else { return }
    head(name, kind, help)
    for (labels, value) in samples { line(name + suffix, labels, value) }
  }

  private mutating func head(_ name: String, _ kind: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
  }

  private mutating func line(_ name: String, _ labels: [String: String], _ value: Double) {
    text += "\(name)\(Self.braces(labels)) \(Self.number(value))\n"
  }

  private static func braces(_ labels: [String: String]) -> String {
    if labels.isEmpty { return "" }
    let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }
    return "{\(pairs.joined(separator: ","))}"
  }

  private static func escaped(_ value: String) -> String {
    value.reduce(into: "") { text, character in
      switch character {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
  }

  private static func number(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    return value.isFinite ? String(value) : value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf"
  }
}
