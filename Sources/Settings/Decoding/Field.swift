import Yams

/// One value of the file: what it is called and where it stands.
///
/// Each reading function returns nil after it has reported why.
struct Field {
  /// A text may have at most so many bytes.
  static let maxTextBytes = 4096

  var node: Node
  /// `pools.masters.workers`
  var path: String
  /// Where its key stands, or the value itself if it has none.
  var keySpot: Spot
  var findings: Findings

  var spot: Spot { node.mark?.spot ?? keySpot }

  func problem(_ what: String, _ instead: String) {
    findings.add(spot, path, what, instead)
  }

  /// What the value looks like, before anybody asks what it means.
  enum Shape {
    case empty
    case plain(String)
    case quoted(String)
    case list([Node])
    case mapping(Node.Mapping)
    case tagged(String)
  }

  var shape: Shape {
    switch node {
    case .scalar(let scalar):
      let tag = scalar.tag.rawValue
      guard ["", "!", "tag:yaml.org,2002:str"].contains(tag) else { return .tagged(tag) }
      if scalar.style != .plain { return .quoted(scalar.string) }
      return ["", "~", "null", "Null", "NULL"].contains(scalar.string) ? .empty : .plain(scalar.string)
    case .sequence(let sequence):
      let tag = sequence.tag.rawValue
      return ["", "!", "tag:yaml.org,2002:seq"].contains(tag) ? .list(Array(sequence)) : .tagged(tag)
    case .mapping(let mapping):
      let tag = mapping.tag.rawValue
      return ["", "!", "tag:yaml.org,2002:map"].contains(tag) ? .mapping(mapping) : .tagged(tag)
    case .alias(let alias):
      return .tagged(alias.anchor.rawValue)
    }
  }

  /// `expected` completes "write …".
  func wrongShape(expected: String) {
    switch shape {
    case .empty: problem("it is empty", "write \(expected), or leave the key out")
    case .plain(let text), .quoted(let text): problem("\(quoted(text)) is one text", "write \(expected)")
    case .list: problem("it is a list", "write \(expected)")
    case .mapping(let mapping):
      if let name = mapping.placeholderName {
        problem("{\(name)} without quotes is a mapping", "write \"{\(name)}\"")
      } else {
        problem("it is a mapping", "write \(expected)")
      }
    case .tagged(let tag): problem("it has the YAML tag \(tag)", "write \(expected) without a tag")
    }
  }

  /// True for the bare word alone.
  func isWord(_ word: String) -> Bool {
    if case .plain(word) = shape { true } else { false }
  }

  /// One text, not empty and without control characters. Numbers and words such as `yes` are taken as written.
  func text(expected: String = "a text") -> String? {
    switch shape {
    case .plain(let text), .quoted(let text):
      return printable(text, expected: expected)
    case .empty, .list, .mapping, .tagged:
      wrongShape(expected: expected)
      return nil
    }
  }

  private func printable(_ text: String, expected: String) -> String? {
    if text.isEmpty {
      problem("the text is empty", "write \(expected)")
      return nil
    }
    guard text.utf8.count <= Field.maxTextBytes else {
      problem("the text has \(text.utf8.count) bytes", "write at most \(Field.maxTextBytes)")
      return nil
    }
    guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      problem("\(quoted(text)) holds a control character", "write \(expected) in one line")
      return nil
    }
    return text
  }

  /// The members of a list, each with its index in its path.
  func list(expected: String) -> [Field]? {
    guard case .list(let nodes) = shape else {
      wrongShape(expected: expected)
      return nil
    }
    return nodes.enumerated().map { index, node in
      Field(node: node, path: "\(path)[\(index)]", keySpot: node.mark?.spot ?? spot, findings: findings)
    }
  }

  /// Like `list`, and at least one member.
  func filledList(expected: String) -> [Field]? {
    guard let list = list(expected: expected) else { return nil }
    if list.isEmpty {
      problem("the list is empty", "write \(expected)")
      return nil
    }
    return list
  }
}

extension Node.Mapping {
  /// `{socket}`, written without quotes, is a mapping with one empty value.
  fileprivate var placeholderName: String? {
    guard count == 1, let only = first, case .scalar(let value) = only.value, value.string.isEmpty,
      value.style == .plain
    else { return nil }
    return only.key.string
  }
}

/// A text of the file as it is repeated in a problem: in quotes, escaped and cut.
func quoted(_ text: String) -> String {
  (text.count > maxQuoted ? text.prefix(maxQuoted) + "…" : text[...]).debugDescription
}

/// The same without quotes where the text is a plain word or number.
func shown(_ text: String) -> String {
  let plain =
    text.count <= maxQuoted && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.%+".contains($0)) }
  return plain && !text.isEmpty ? text : quoted(text)
}

private let maxQuoted = 60
