/// A text with placeholders, as `{host}: {summary}`; `{{` and `}}` are braces.
public struct NoticeTemplate: Hashable, Sendable {
  public enum Placeholder: String, Hashable, Sendable, CaseIterable {
    /// Our own text: a headline and a line for each alert.
    case text
    /// The first alert's sentence; a line for each.
    case summary, list
    case host, receiver, status, severity
    /// How many alerts are listed, and how many more there are.
    case count, more
    case kinds, pools, link
    case newline
  }

  private enum Part: Hashable, Sendable {
    case words(String)
    case value(Placeholder)
  }

  /// Why a text is no template.
  public enum Failure: Error, Hashable, Sendable {
    case unknown(String)
    /// A brace that is not closed, or never opened.
    case brace
  }

  private var parts: [Part]

  public init(_ text: String) throws(Failure) {
    parts = []
    var rest = text[...]
    var words = ""
    while let mark = rest.first {
      rest = rest.dropFirst()
      switch (mark, rest.first) {
      case ("{", "{"), ("}", "}"):
        words.append(mark)
        rest = rest.dropFirst()
      case ("{", _):
        guard let end = rest.firstIndex(of: "}") else { throw .brace }
        let name = String(rest[..<end])
        guard let placeholder = Placeholder(rawValue: name) else { throw .unknown(name) }
        parts += [.words(words), .value(placeholder)]
        words = ""
        rest = rest[rest.index(after: end)...]
      case ("}", _): throw .brace
      default: words.append(mark)
      }
    }
    parts.append(.words(words))
  }

  /// - Parameter escape: what is done to values; the operator's own words stay as they are.
  func filled(_ value: (Placeholder) -> String, escape: (String) -> String) -> String {
    parts.map { part in
      switch part {
      case .words(let words): words
      case .value(let placeholder): escape(value(placeholder))
      }
    }.joined()
  }
}
