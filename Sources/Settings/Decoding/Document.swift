import Yams

/// The file's tree, or why there is none.
struct Document {
  /// So many keys written twice are looked for before the reader gives up on the rest.
  static let maxDuplicates = 64

  var root: Node
  /// Keys that are written twice, by the stand-in that the first of the two was given.
  var standIns: [String: String]

  static func parse(_ text: String, file: String) throws(Problems) -> Document {
    guard text.utf8.count <= Settings.maxFileBytes else {
      throw Problems(
        file: file, .start, "the file has \(text.utf8.count) bytes",
        "keep it within \(Settings.maxFileBytes)")
    }
    var text = text
    var standIns: [String: String] = [:]
    for number in 0...maxDuplicates {
      do {
        guard let root = try Parser(yaml: text, encoding: .utf8).singleRoot() else { break }
        return Document(root: root, standIns: standIns)
      } catch let error as YamlError {
        guard case .duplicatedKeysInMapping(let keys, let context) = error, number < maxDuplicates,
          let key = keys.first,
          let (renamed, standIn) = text.renaming(key, at: context.mark.spot, number: number)
        else { throw Problems(file: file, error, in: text) }
        text = renamed
        standIns[standIn] = key
      } catch {
        throw Problems(file: file, .start, "it is not YAML: \(error)", "write a mapping of keys")
      }
    }
    throw Problems(
      file: file, .start, "the file says nothing", "write at least listen: and pools:")
  }
}

extension String {
  /// The same text with the key at `spot` replaced by a stand-in as wide, so that the parser, which stops at the
  /// first key that is written twice, goes on to the other problems and every place stays where it was.
  fileprivate func renaming(
    _ key: String, at spot: Spot, number: Int
  ) -> (text: String, standIn: String)? {
    guard let start = unicodeScalars.index(of: spot),
      let privateUse = Unicode.Scalar(UInt32(0xE000 + number))
    else { return nil }
    let rest = unicodeScalars[start...]
    for written in ["\"\(key)\"", "'\(key)'", key] where !written.isEmpty && rest.starts(with: written.unicodeScalars)
    {
      let standIn = String(repeating: Character(privateUse), count: written.unicodeScalars.count)
      let end = unicodeScalars.index(start, offsetBy: written.unicodeScalars.count)
      return (self[..<start] + standIn + self[end...], standIn)
    }
    return nil
  }
}

extension String.UnicodeScalarView {
  /// The parser counts lines and, within them, scalars, both from 1.
  func index(of spot: Spot) -> Index? {
    var at = startIndex
    var line = 1
    while line < spot.line {
      guard let end = self[at...].firstIndex(of: "\n") else { return nil }
      at = self.index(after: end)
      line += 1
    }
    return self.index(at, offsetBy: spot.column - 1, limitedBy: endIndex)
  }

  func spot(of index: Index) -> Spot {
    let before = self[..<index]
    let line = before.count { $0 == "\n" }
    let start = before.lastIndex(of: "\n").map { self.index(after: $0) } ?? startIndex
    return Spot(line: line + 1, column: distance(from: start, to: index) + 1)
  }
}
