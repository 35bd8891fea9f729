import FoundationEssentials

/// A line of one of the corpus's tables: what is to become of some bytes.
public struct TableCase: Sendable, CustomStringConvertible {
  /// `requests.txt:17`
  public let place: String
  /// Unescaped, within its table's template.
  public let bytes: [UInt8]
  public let expectation: String
  /// As it stands in the table.
  public let variant: String

  public var description: String { "\(place) \(variant)" }
}

/// `Tests/HTTPWireTests/Corpus/tables`, read as its README says.
public enum CorpusTable {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../HTTPWireTests/Corpus/tables")

  /// All lines of a table; none where it cannot be read.
  public static func cases(_ name: String) -> [TableCase] {
    let text = (try? Data(contentsOf: folder.appending(path: name))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    var template = ["", ""]
    var cases: [TableCase] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix("in: ") {
        template = parts(line.dropFirst(4), "<>").map(String.init)
        continue
      }
      let columns = parts(line, " | ")
      let variant = columns.count > 1 ? String(columns[1]) : ""
      let whole = template[0] + variant + (template.count > 1 ? template[1] : "")
      cases.append(
        TableCase(
          place: "\(name):\(index + 1)", bytes: unescaped(whole), expectation: String(columns[0]), variant: variant))
    }
    return cases
  }

  /// Before and behind the first `mark`.
  private static func parts(_ text: Substring, _ mark: String) -> [Substring] {
    guard let range = text.firstRange(of: mark) else { return [text] }
    return [text[..<range.lowerBound], text[range.upperBound...]]
  }

  private static func unescaped(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
        bytes.append(byte)
        continue
      }
      switch kind {
      case UInt8(ascii: "r"): bytes.append(13)
      case UInt8(ascii: "n"): bytes.append(10)
      case UInt8(ascii: "t"): bytes.append(9)
      case UInt8(ascii: "x"):
        bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
        rest = rest.dropFirst(2)
      default: bytes.append(kind)
      }
    }
    return bytes
  }
}
