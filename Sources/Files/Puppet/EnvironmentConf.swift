import Pool

/// An environment's modulepath as its environment.conf gives it, where that is plain enough to be read as Puppet's own
/// settings code reads it (settings/environment_conf.rb and ini_file.rb); nil wherever that code could see more in it.
struct EnvironmentConf {
  /// Where Puppet's names in a modulepath lead.
  var interpolated: [String: String]

  /// Absolute folders in their order, there or not. `text` is nil where there is no such file.
  func modulepath(of folder: String, text: String?, base: [String]) -> [String]? {
    let entries: [String]
    switch text.map(Self.setting) {
    case nil, .absent: entries = ["\(folder)/modules"] + base
    case .doubtful: return nil
    case .value(let value):
      // Ruby's split forgets empty texts at the end, and only there.
      guard let found = spread(value, in: folder) else { return nil }
      entries = found
    }
    guard entries.allSatisfy(Self.isPlain) else { return nil }
    return entries.map(plainPath)
  }

  enum Setting: Equatable {
    case absent, doubtful
    case value(String)
  }

  /// The first `modulepath` of the file's main section, if every line of it is understood.
  static func setting(in text: String) -> Setting {
    var found: String?
    for line in pieces(of: text[...], at: "\n") {
      let line = trimmed(line)
      if line.isEmpty || line.utf8.first == UInt8(ascii: "#") || line == "[main]" { continue }
      guard let (name, value) = assignment(line) else { return .doubtful }
      if name == "modulepath", found == nil { found = value }
    }
    guard let found else { return .absent }
    return found.isEmpty || found.utf8.contains { byte in "\"'#\\{}~".utf8.contains(byte) }
      ? .doubtful : .value(found)
  }

  private static func assignment(_ line: Substring) -> (name: Substring, value: String)? {
    guard let sign = line.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    let name = trimmed(line[..<sign])
    guard !name.isEmpty, name.utf8.allSatisfy({ isWordByte($0) }) else { return nil }
    return (name, String(trimmed(line[line.utf8.index(after: sign)...])))
  }

  private func spread(_ value: String, in folder: String) -> [String]? {
    var entries: [String] = []
    for part in pieces(of: value[...], at: ":") {
      if part.isEmpty { return nil }
      guard part.utf8.first == UInt8(ascii: "$") else {
        entries.append(part.utf8.first == UInt8(ascii: "/") ? String(part) : "\(folder)/\(part)")
        continue
      }
      let rest = part[part.utf8.index(after: part.startIndex)...]
      let end = rest.utf8.firstIndex { !isWordByte($0) } ?? rest.endIndex
      guard let stands = interpolated[String(rest[..<end])] else { return nil }
      entries += pieces(of: "\(stands)\(rest[end...])", at: ":").filter { !$0.isEmpty }.map(String.init)
    }
    return entries
  }

  /// Neither a pattern, nor a name to be put in, nor a home.
  private static func isPlain(_ path: String) -> Bool {
    path.utf8.first == UInt8(ascii: "/") && !path.utf8.contains { byte in "*?[]{}$~\\\0".utf8.contains(byte) }
  }
}

func isWordByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
    true
  default: false
  }
}

/// Without blanks at its ends, as Ruby's `\s` has them.
func trimmed(_ text: Substring) -> Substring {
  let isBlank = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
  var bytes = text.utf8[...]
  while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
  while let last = bytes.last, isBlank(last) { bytes.removeLast() }
  return Substring(bytes)
}

/// The texts between all `separator`s, empty ones too. By bytes: to Swift CR LF is one character, and so is a slash with
/// an accent on it.
func pieces(of text: Substring, at separator: Unicode.Scalar) -> [Substring] {
  text.utf8.split(separator: UInt8(truncatingIfNeeded: separator.value), omittingEmptySubsequences: false)
    .map { Substring($0) }
}

/// A path's names.
func segments(of path: String) -> [Substring] { pieces(of: path[...], at: "/").filter { !$0.isEmpty } }

/// An absolute path without `.`, `..` and doubled slashes, by its text alone as Ruby's `File.expand_path`.
func plainPath(_ path: String) -> String {
  var parts: [Substring] = []
  for part in segments(of: path) {
    switch part {
    case ".": continue
    case "..": _ = parts.popLast()
    default: parts.append(part)
    }
  }
  return "/" + parts.joined(separator: "/")
}
