/// One page of the manual, as `masterpool help TOPIC` prints it.
///
/// The text is as it is shown: at most 80 columns, ASCII. Its form says what it is, so that it can become another:
///
///     reasons - why a worker was replaced      the first line: name and summary
///     Heading                                  no space before it
///       Running text.                          two spaces
///       term                                   two spaces, and the next line four: what the term means
///         What it means.
///           masterpool events                  six or more: as a terminal shows it
public struct Topic: Hashable, Sendable {
  public enum Block: Hashable, Sendable {
    case heading(String)
    case paragraph(String)
    case term(String)
    /// Of the term before it.
    case meaning(String)
    /// Lines without the six spaces.
    case literal([String])
  }

  public let name: String
  public let summary: String
  /// All but the first line.
  public let text: String

  /// Nil: the first line is not `NAME - SUMMARY`.
  public init?(name: String, text: String) {
    let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    guard lines.count == 2, let first = lines.first, first.hasPrefix("\(name) - ") else { return nil }
    self.name = name
    summary = String(first.dropFirst(name.count + 3))
    self.text = String(lines[1].drop { $0 == "\n" })
  }

  public var blocks: [Block] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(Line.init)
    var blocks: [Block] = []
    var former: Line?
    for (index, line) in lines.enumerated() {
      defer { former = line }
      switch line.kind {
      case .blank: continue
      case .heading: blocks.append(.heading(line.words))
      case .text where index + 1 < lines.count && lines[index + 1].kind == .meaning && former?.kind != .text:
        blocks.append(.term(line.words))
      case .text, .meaning, .literal: Self.add(line, after: former, to: &blocks)
      }
    }
    return blocks
  }

  /// A line goes on with the block of the line above it if both are of one kind.
  private static func add(_ line: Line, after former: Line?, to blocks: inout [Block]) {
    let goesOn = former?.kind == line.kind
    switch (line.kind, blocks.last) {
    case (.text, .paragraph(let words)?) where goesOn:
      blocks[blocks.count - 1] = .paragraph("\(words) \(line.words)")
    case (.meaning, .meaning(let words)?) where goesOn:
      blocks[blocks.count - 1] = .meaning("\(words) \(line.words)")
    case (.literal, .literal(let lines)?) where goesOn:
      blocks[blocks.count - 1] = .literal(lines + [line.words])
    case (.text, _): blocks.append(.paragraph(line.words))
    case (.meaning, _): blocks.append(.meaning(line.words))
    case (.literal, _): blocks.append(.literal([line.words]))
    case (.blank, _), (.heading, _): break
    }
  }

  private struct Line {
    enum Kind { case blank, heading, text, meaning, literal }

    var kind: Kind
    /// Without the spaces that say of which kind it is.
    var words: String

    init(_ line: Substring) {
      let spaces = line.prefix { $0 == " " }.count
      let (kind, margin): (Kind, Int) =
        spaces == line.count
        ? (.blank, spaces)
        : spaces == 0
          ? (.heading, 0)
          : spaces < 4
            ? (.text, spaces)
            : spaces < 6
              ? (.meaning, spaces)
              : (.literal, 6)
      self.kind = kind
      words = String(line.dropFirst(margin))
    }
  }
}
