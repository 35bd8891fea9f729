/// Colour for a terminal, or none.
public enum Palette: Sendable {
  case plain, ansi

  enum Ink: Sendable {
    case strong, faint, good, busy, bad, chosen

    fileprivate var code: String {
      switch self {
      case .strong: "1"
      case .faint: "2"
      case .good: "32"
      case .busy: "33"
      case .bad: "31"
      case .chosen: "7"
      }
    }
  }

  public func strong(_ text: String) -> String { paint(text, .strong) }

  func paint(_ text: String, _ ink: Ink) -> String {
    switch self {
    case .plain: text
    case .ansi: "\u{1B}[\(ink.code)m\(text)\u{1B}[0m"
    }
  }
}

extension String {
  /// Without what would move a terminal's cursor: a worker's words may be among it.
  var printable: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }
}

/// Cells in columns, two spaces apart; the last column is not padded.
struct TextTable {
  enum Side { case left, right }

  let sides: [Side]
  private(set) var rows: [[Cell]] = []

  struct Cell {
    var text: String
    var ink: Palette.Ink?
  }

  init(_ sides: [Side]) { self.sides = sides }

  mutating func add(_ row: [Cell]) { rows.append(row) }

  func lines(indent: String, _ palette: Palette) -> [String] {
    let widths = sides.indices.map { column in rows.map { $0[column].text.count }.max() ?? 0 }
    return rows.map { row in
      indent
        + row.enumerated().map { column, cell in
          let painted = cell.ink.map { palette.paint(cell.text, $0) } ?? cell.text
          let padding = String(repeating: " ", count: widths[column] - cell.text.count)
          switch sides[column] {
          case .left: return column == row.count - 1 ? painted : painted + padding
          case .right: return padding + painted
          }
        }.joined(separator: "  ")
    }
  }
}
