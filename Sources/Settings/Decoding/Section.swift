import Yams

/// A mapping with known keys; an absent one has no values, so that its readers give their defaults.
struct Section {
  let field: Field
  let vocabulary: Vocabulary
  /// Its own, also where it is absent and `field` is the one around it.
  private let path: String
  private var values: [String: Field] = [:]

  private init(_ field: Field, _ vocabulary: Vocabulary, path: String) {
    self.field = field
    self.vocabulary = vocabulary
    self.path = path
  }

  subscript(key: String) -> Field? {
    precondition(vocabulary.keys.contains(key), "\(key) is missing in the vocabulary of \(field.path)")
    return values[key]
  }

  /// What `read` makes of the key's value; the default where it is absent, or wrong and reported.
  ///
  /// - Parameter shown: how the default is written, where its value does not say.
  func read<Value>(
    _ key: String, _ defaultValue: Value, shown: String? = nil, _ read: (Field) -> Value?
  ) -> Value {
    let written = shown ?? writtenDefault(defaultValue) ?? (isNone(defaultValue) ? "off" : nil)
    field.findings.account.note(joined(path, key), defaultValue: written)
    return self[key].flatMap(read) ?? defaultValue
  }

  /// The same for a key without a default: nil where it is absent or wrong.
  func optional<Value>(_ key: String, shown: String? = nil, _ read: (Field) -> Value?) -> Value? {
    field.findings.account.note(joined(path, key), defaultValue: shown)
    return self[key].flatMap(read)
  }

  /// The same for a key that must be there.
  func required<Value>(_ key: String, example: String, _ read: (Field) -> Value?) -> Value? {
    guard let value = self[key] else {
      missing(key, example: example)
      return nil
    }
    return read(value)
  }

  func missing(_ key: String, example: String) {
    field.findings.add(field.keySpot, joined(field.path, key), "it is missing", "write \(key): \(example)")
  }

  func section(_ key: String) -> Section {
    guard let vocabulary = vocabulary.sections[key] else {
      preconditionFailure("\(key) is no section in the vocabulary of \(field.path)")
    }
    if let field = self[key] { return Section(reading: field, vocabulary) }
    let path = joined(path, key)
    field.findings.account.enter(path, vocabulary, [:])
    return Section(field, vocabulary, path: path)
  }

  /// Reports every key that is not in the vocabulary.
  init(reading field: Field, _ vocabulary: Vocabulary) {
    self.init(field, vocabulary, path: field.path)
    let expected = "a mapping with \(vocabulary.keys.prefix(3).joined(separator: ", ")) …"
    for (name, value) in field.entries(expected: expected) ?? [] {
      if vocabulary.keys.contains(name) {
        values[name] = value
      } else {
        value.findings.add(value.keySpot, value.path, "unknown key", vocabulary.advice(for: name, below: field.path))
      }
    }
    field.findings.account.enter(path, vocabulary, values)
  }
}

private func isNone(_ value: Any) -> Bool {
  let mirror = Mirror(reflecting: value)
  return mirror.displayStyle == .optional && mirror.children.isEmpty
}

extension Field {
  /// The entries of a mapping in the order of the file; of those that are written twice only the last.
  func entries(expected: String) -> [(name: String, value: Field)]? {
    guard case .mapping(let mapping) = shape else {
      wrongShape(expected: expected)
      return nil
    }
    var entries: [(name: String, value: Field)] = []
    var first: [String: Spot] = [:]
    for (key, node) in mapping.merged {
      guard let name = key.scalar.map({ findings.standIns[$0.string] ?? $0.string }), !name.isEmpty else {
        findings.add(key.mark?.spot ?? spot, path, "a key is not a text", "write a name before the colon")
        continue
      }
      let path = path.isEmpty ? shown(name) : "\(path).\(shown(name))"
      let value = Field(node: node, path: path, keySpot: key.mark?.spot ?? spot, findings: findings)
      if let spot = first[name] {
        let line = findings.line(of: spot, seenFrom: value.keySpot)
        findings.add(value.keySpot, path, "the key is written twice, first in \(line)", "keep one")
        entries.removeAll { $0.name == name }
      }
      first[name] = first[name] ?? value.keySpot
      entries.append((name, value))
    }
    return entries
  }
}

extension Node.Mapping {
  /// The mapping with what `<<: *other` brings, which any key of its own overrides.
  var merged: [(key: Node, value: Node)] {
    let own = filter { !$0.key.isMergeKey }
    let names = Set(own.compactMap { $0.key.scalar?.string })
    let brought = filter { $0.key.isMergeKey && $0.value.mapping != nil }
      .flatMap { $0.value.mapping.map(Array.init) ?? [] }
      .filter { pair in !pair.key.isMergeKey && !names.contains(pair.key.scalar?.string ?? "") }
    let odd = filter { $0.key.isMergeKey && $0.value.mapping == nil }
    return brought + own + odd
  }
}

extension Node {
  fileprivate var isMergeKey: Bool {
    guard case .scalar(let scalar) = self else { return false }
    return scalar.string == "<<" && scalar.style == .plain
  }
}

extension Vocabulary {
  /// What to write instead of a key that it does not know.
  fileprivate func advice(for name: String, below path: String) -> String {
    let home = sections.filter { $0.value.keys.contains(name) }.keys.sorted()
    if let section = home.first, home.count == 1, section != "*" {
      return "write it under \(path.isEmpty ? section : "\(path).\(section)")"
    }
    if let near = nearest(to: name, among: keys) { return "write \(near)" }
    return "take it out, or write \(listed(keys))"
  }
}
