/// mdoc(7) from plain words.
enum Mdoc {
  /// Running text, a sentence a line.
  static func text(_ words: String) -> [String] {
    sentences(words).map { line in
      let escaped = escape(line)
      return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&\(escaped)" : escaped
    }
  }

  static func literal(_ lines: [String]) -> [String] {
    [".Bd -literal -offset indent"]
      + lines.map { line in
        let escaped = escape(line)
        return escaped.isEmpty ? "" : escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&\(escaped)" : escaped
      } + [".Ed"]
  }

  /// On a macro's line: one argument, none of whose words is taken for a macro.
  static func argument(_ words: String) -> String {
    "\"" + escape(words).replacing("\"", with: "\\(dq") + "\""
  }

  static func escape(_ words: String) -> String {
    words.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("±", with: "\\(+-")
  }

  /// Split where a full stop, or its like, ends a sentence and not an abbreviation or a name.
  static func sentences(_ words: String) -> [String] {
    var lines: [String] = []
    var line: [Substring] = []
    for word in words.split(separator: " ") {
      if let last = line.last, let end = last.last, ".!?".contains(end), !last.hasSuffix(".."),
        word.first?.isUppercase ?? false || word.first == "-"
      {
        lines.append(line.joined(separator: " "))
        line = []
      }
      line.append(word)
    }
    return lines + (line.isEmpty ? [] : [line.joined(separator: " ")])
  }
}
