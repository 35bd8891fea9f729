import Pool
import Yams

/// The tree of the settings file and of what is merged over it, or why there is none.
struct Document {
  /// So many keys written twice are looked for before the reader gives up on the rest.
  static let maxDuplicates = 64

  private(set) var root = Node("")
  /// Keys that are written twice, by the stand-in that the first of the two was given.
  private(set) var standIns: [String: String] = [:]
  private(set) var files = FileTable()

  /// The first text is the settings file; each of the others is merged over those before it, and the overrides over all.
  init(_ texts: [SettingsText], _ overrides: [SettingOverride]) throws(Problems) {
    var problems: [Problem] = []
    var merged: Node?
    for (index, text) in texts.enumerated() {
      do throws(Problems) {
        guard let root = try parse(text, isAlone: texts.count == 1) else {
          // A drop-in may be all comments.
          if index > 0 { continue }
          throw Problems(
            file: text.file, .start, "the file says nothing", "write at least listen: and pools:")
        }
        merged = merged.map { $0.overlaid(by: root) } ?? root
      } catch {
        problems += error.all
      }
    }
    guard let merged, problems.isEmpty else { throw Problems(problems) }
    root = merged
    for override in overrides {
      do throws(Problems) { try overlay(override) } catch { problems += error.all }
    }
    guard problems.isEmpty else { throw Problems(problems) }
  }

  /// A drop-in by itself; nil: it says nothing.
  static func tree(of dropIn: SettingsText) throws(Problems) -> Node? {
    var document = Document()
    return try document.parse(dropIn, isAlone: false)
  }

  /// What an override's value is, by itself.
  static func value(of override: SettingOverride) throws(Problems) -> Node {
    var document = Document()
    return try document.value(of: override)
  }

  private init() {}

  private mutating func overlay(_ override: SettingOverride) throws(Problems) {
    let names = try SettingKey(override.key).names(in: root)
    root = root.overlaid(by: try value(of: override).nested(under: names))
  }

  private mutating func value(of override: SettingOverride) throws(Problems) -> Node {
    let value: Node?
    do throws(Problems) {
      value = try parse(SettingsText(file: "", text: override.value), isAlone: false)
    } catch {
      throw Problems(error.all.map { Problem(at: override.key, $0.what, $0.instead) })
    }
    if let value { return value }
    throw Problems([Problem(at: override.key, "it is empty", "write a value after the =")])
  }

  /// Nil: it says nothing. Keys that are written twice are stood in for only where nothing is merged: a stand-in would
  /// not meet its own name in another file.
  private mutating func parse(_ given: SettingsText, isAlone: Bool) throws(Problems) -> Node? {
    var text = given.text
    guard text.utf8.count <= Settings.maxFileBytes else {
      throw Problems(
        file: given.file, .start, "the file has \(text.utf8.count) bytes",
        "keep it within \(Settings.maxFileBytes)")
    }
    while true {
      do {
        let root = try Parser(yaml: text, encoding: .utf8).singleRoot()
        return try placed(root, text, given.file)
      } catch let error as YamlError {
        guard case .duplicatedKeysInMapping(let keys, let context) = error, isAlone,
          standIns.count < Self.maxDuplicates, let key = keys.first,
          let (renamed, standIn) = text.renaming(key, at: context.mark.spot, number: standIns.count)
        else { throw Problems(file: given.file, error, in: text) }
        text = renamed
        standIns[standIn] = key
      } catch {
        throw Problems(file: given.file, .start, "it is not YAML: \(error)", "write a mapping of keys")
      }
    }
  }

  /// Its marks are all that a tree knows of its places: a later file's lines go on counting from the earlier one's.
  private mutating func placed(_ root: Node?, _ text: String, _ file: String) throws -> Node? {
    let above = files.nextLine - 1
    // YAML ends lines in more ways than one; one too many does no harm.
    files.append(file, lines: text.unicodeScalars.count { $0.isLineEnd } + 2)
    guard above > 0, root != nil else { return root }
    let rest = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
    return try Parser(yaml: String(repeating: "\n", count: above) + rest, encoding: .utf8).singleRoot()
  }
}

extension Unicode.Scalar {
  fileprivate var isLineEnd: Bool { ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(self) }
}

extension Node {
  /// Mappings are merged by key; whatever else is written above takes the place of what is below.
  func overlaid(by above: Node) -> Node {
    guard case .mapping(let lower) = self, case .mapping(let upper) = above, lower.tag == upper.tag else {
      return above
    }
    var pairs = lower.merged
    var places: [String: Int] = [:]
    for (index, pair) in pairs.enumerated() { if let name = pair.key.scalar?.string { places[name] = index } }
    for (key, value) in upper.merged {
      if let index = key.scalar.flatMap({ places[$0.string] }) {
        pairs[index] = (key, pairs[index].value.overlaid(by: value))
      } else {
        pairs.append((key, value))
      }
    }
    return .mapping(Node.Mapping(pairs, lower.tag, lower.style, lower.mark))
  }
}

extension Node {
  /// `{pools: {masters: {workers: self}}}`
  func nested(under names: [String]) -> Node {
    names.reversed().reduce(self) { below, name in
      let key = Node.scalar(Node.Scalar(name, .implicit, .any, mark))
      return .mapping(Node.Mapping([(key, below)], .implicit, .block, mark))
    }
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
