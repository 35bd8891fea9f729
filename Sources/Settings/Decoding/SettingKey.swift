import Pool
import Yams

/// The name of one setting, as `set` takes it: `pools.masters.recycle.every`.
struct SettingKey {
  let text: String
  private let names: [String]

  init(_ text: String) throws(Problems) {
    self.text = text
    names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard names.allSatisfy({ !$0.isEmpty && $0.allSatisfy { !$0.isWhitespace } }) else {
      throw Self.problem(text, "it is not a setting's name", "write one such as pools.masters.recycle.every")
    }
    guard !text.contains("[") else {
      let list = text.prefix { $0 != "[" }
      throw Self.problem(text, "a list is set as a whole", "write \(list)=[…] with all its members")
    }
  }

  /// Refuses one that would begin something new instead of changing what there is.
  func names(in root: Node) throws(Problems) -> [String] {
    var vocabulary = Vocabulary.file
    var path = ""
    for name in names {
      if vocabulary.sections["*"] != nil { try refuseUnknown(name, below: path, in: root) }
      // Whatever is no section's key is left to the reader, which has the words.
      guard let section = vocabulary.sections[name] ?? vocabulary.sections["*"] else { return names }
      vocabulary = section
      path = joined(path, name)
    }
    let isList = vocabulary.sections["*"] != nil && text != "pools"
    guard isList else {
      let first = text == "pools" ? "NAME.workers" : vocabulary.keys.first ?? ""
      throw Self.problem(text, "it is a section", "write one of its keys, such as \(text).\(first)=…")
    }
    return names
  }

  private func refuseUnknown(_ name: String, below path: String, in root: Node) throws(Problems) {
    guard path == "pools" else { throw Self.problem(text, "a list is set as a whole", "write \(path)=[…]") }
    let known = root.mapping?["pools"]?.mapping?.keys.compactMap(\.string) ?? []
    guard !known.contains(name) else { return }
    throw Self.problem(
      text, "there is no pool \(shown(name))", "write \(nearest(to: name, among: known) ?? listed(known))")
  }

  private static func problem(_ key: String, _ what: String, _ instead: String) -> Problems {
    Problems([Problem(at: shown(key), what, instead)])
  }
}

extension Problem {
  /// Of what was set live.
  init(at key: String, _ what: String, _ instead: String) {
    self.init(file: "", line: 1, column: 1, path: key, what: what, instead: instead)
  }
}
