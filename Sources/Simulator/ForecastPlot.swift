import Pool

/// The simulation over time as one SVG: queue, utilisation, ready workers and memory, one below the other, light or
/// dark as the reader's screen is. It needs nothing from elsewhere.
public struct ForecastPlot {
  private static let width = 960.0
  private static let left = 72.0
  private static let right = 24.0
  private static let top = 64.0
  private static let panelHeight = 120.0
  private static let panelGap = 44.0

  private struct Line {
    var style: String
    var values: [Double?]
  }

  private struct Panel {
    var title: String
    var most: Double
    var lines: [Line]
    /// Drawn across, with its name.
    var limit: (value: Double, name: String)?
    var label: (Double) -> String
  }

  private let forecast: Forecast

  public static func render(_ forecast: Forecast) -> String { ForecastPlot(forecast: forecast).svg }

  private var svg: String {
    let panels = panels
    let height = Self.top + Double(panels.count) * (Self.panelHeight + Self.panelGap) + 8
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(Self.width)) \(number(height))\" role=\"img\" "
        + "aria-labelledby=\"title description\">",
      "<title id=\"title\">masterpool simulate</title>",
      "<desc id=\"description\">\(escaped(summary))</desc>", style,
      "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>",
      text(Self.left, 24, "masterpool simulate", "head"), text(Self.left, 42, summary, "small"),
    ]
    for (index, panel) in panels.enumerated() {
      parts += draw(panel, at: Self.top + Double(index) * (Self.panelHeight + Self.panelGap) + 16)
    }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private var summary: String {
    let input = forecast.input
    let boxes = input.boxes > 1 ? " on each of \(input.boxes) boxes" : ""
    return
      "\(input.agents) agents, \(input.workers) workers\(boxes), catalogs of \(input.catalog), leak \(input.leak), "
      + "\(days(forecast.simulatedSeconds)), seed \(input.seed)"
  }

  private var style: String {
    """
    <style>
    :root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --faint: #6e7781; --grid: #d8dee4; --a: #0969da; \
    --b: #bf5a00; --c: #1a7f37; --d: #8250df; --limit: #cf222e }
    @media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --faint: #8d96a0; --grid: #30363d; \
    --a: #4493f8; --b: #e3903c; --c: #3fb950; --d: #ab7df8; --limit: #f85149 } }
    text { font: 12px system-ui, sans-serif; fill: var(--ink) } .head { font-size: 16px; font-weight: 600 }
    .small { fill: var(--faint) } .axis { fill: var(--faint); font-size: 11px } .paper { fill: var(--paper) }
    .grid { stroke: var(--grid) } .limit { stroke: var(--limit); stroke-dasharray: 4 3 } .limit-name { fill: var(--limit); \
    font-size: 11px }
    path { fill: none; stroke-width: 1.5; stroke-linejoin: round } .queue { stroke: var(--a) } .most { stroke: var(--a); \
    opacity: .35 }
    .use { stroke: var(--b) } .ready { stroke: var(--c) } .memory { stroke: var(--d) }
    </style>
    """
  }

  // MARK: Panels

  private var panels: [Panel] {
    let spans = forecast.timeline
    let workers = Double(forecast.input.workers)
    let limit = forecast.input.memoryBytes.map { Double($0) * workers }
    let memoryMost = max(limit ?? 0, spans.map { Double($0.memoryMaxBytes) }.max() ?? 0)
    let worst = forecast.input.boxes > 1 ? ", the worst box" : ""
    return [
      Panel(
        title: "Requests in line: on the average, and at most (faint)",
        most: Double(spans.map(\.queueMax).max() ?? 0),
        lines: [
          Line(style: "most", values: spans.map { Double($0.queueMax) }),
          Line(style: "queue", values: spans.map { $0.queueMean }),
        ], label: { $0.plain(0) }),
      Panel(
        title: "Workers at work", most: 1, lines: [Line(style: "use", values: spans.map { $0.utilisation })],
        label: { "\(($0 * 100).plain(0))%" }),
      Panel(
        title: "Workers ready, at least\(worst)", most: workers,
        lines: [Line(style: "ready", values: spans.map { span in span.readyMin.map { Double($0) } })],
        label: { $0.plain(0) }),
      Panel(
        title: "The pool's memory, at most\(worst)", most: memoryMost,
        lines: [Line(style: "memory", values: spans.map { Double($0.memoryMaxBytes) })],
        limit: limit.map { ($0, "all workers at their limit") }, label: { ByteCount(bytes: Int($0)).description }),
    ]
  }

  private func draw(_ panel: Panel, at top: Double) -> [String] {
    let most = Self.roundUp(max(panel.most, 1e-9), isBytes: panel.most > 1e6)
    let bottom = top + Self.panelHeight
    func y(_ value: Double) -> Double { bottom - min(1, value / most) * Self.panelHeight }
    var parts = [text(Self.left, top - 8, panel.title, "")]
    for share in [0.0, 0.5, 1.0] {
      parts.append(line(y(most * share), "grid"))
      parts.append(text(Self.left - 8, y(most * share) + 4, panel.label(most * share), "axis", anchor: "end"))
    }
    parts += timeMarks(bottom)
    if let limit = panel.limit {
      parts.append(line(y(limit.value), "limit"))
      parts.append(text(x(1), y(limit.value) - 4, limit.name, "limit-name", anchor: "end"))
    }
    return parts + panel.lines.map { path($0, y) }
  }

  private func path(_ line: Line, _ y: (Double) -> Double) -> String {
    let count = max(1, line.values.count)
    var steps: [String] = []
    var isDrawing = false
    for (index, value) in line.values.enumerated() {
      guard let value else {
        isDrawing = false
        continue
      }
      steps.append("\(isDrawing ? "L" : "M")\(number(x((Double(index) + 0.5) / Double(count)))) \(number(y(value)))")
      isDrawing = true
    }
    return "<path class=\"\(line.style)\" d=\"\(steps.joined(separator: " "))\"/>"
  }

  private func timeMarks(_ bottom: Double) -> [String] {
    let whole = max(1, forecast.simulatedSeconds)
    let steps: [Double] = [60, 300, 900, 3600, 10_800, 21_600, 86_400, 432_000, 864_000, 2_592_000, 7_776_000]
    let step = steps.first { whole / $0 <= 10 } ?? whole / 10
    return stride(from: 0, through: whole, by: step).map { second in
      text(x(second / whole), bottom + 14, days(second), "axis", anchor: "middle")
    }
  }

  private func days(_ seconds: Double) -> String {
    seconds > 0 ? Duration.seconds(Int64(min(seconds, 1e10))).short : "0"
  }

  /// To 1, 2 or 5 times a power of ten, or of two where bytes are meant.
  private static func roundUp(_ value: Double, isBytes: Bool) -> Double {
    var unit = 1.0
    if isBytes {
      while unit < value { unit *= 2 }
      return value <= unit * 0.75 ? unit * 0.75 : unit
    }
    while unit * 10 <= value { unit *= 10 }
    return [1, 2, 5, 10].map { $0 * unit }.first { value <= $0 } ?? value
  }

  // MARK: Elements

  private func x(_ share: Double) -> Double { Self.left + share * (Self.width - Self.left - Self.right) }

  private func line(_ y: Double, _ style: String) -> String {
    "<line class=\"\(style)\" x1=\"\(number(x(0)))\" x2=\"\(number(x(1)))\" y1=\"\(number(y))\" y2=\"\(number(y))\"/>"
  }

  private func text(_ x: Double, _ y: Double, _ words: String, _ style: String, anchor: String = "start") -> String {
    "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(escaped(words))</text>"
  }

  private func number(_ value: Double) -> String { value.plain(1) }

  private func escaped(_ words: String) -> String {
    words.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
