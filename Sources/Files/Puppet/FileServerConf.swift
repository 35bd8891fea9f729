/// The custom mounts of a fileserver.conf, as file_serving/configuration/parser.rb reads it.
enum FileServerConf: Equatable {
  /// Names with their folders; those that lead to each node's own folder are left out.
  case mounts([String: String])
  /// Puppet refuses the file, or might: then it keeps what it read before, which we cannot know.
  case doubtful

  /// Mounts that Puppet has without being told; they take no path.
  private static let builtIn: Set<Substring> = ["modules", "plugins", "scripts", "tasks", "locales"]

  init(parsing text: String) {
    var mounts: [String: String] = [:]
    var names: Set<Substring> = []
    var current: Substring?
    for line in pieces(of: text[...], at: "\n") {
      let line = trimmed(line)
      if line.isEmpty || line.utf8.first == UInt8(ascii: "#") { continue }
      if line.utf8.first == UInt8(ascii: "[") {
        // A mount of this name that is no index of modules any more: rare enough to be left to Puppet.
        guard let name = Self.header(line), name != "pluginfacts", names.insert(name).inserted else {
          self = .doubtful
          return
        }
        current = name
        continue
      }
      guard let (word, value) = Self.entry(line), let mount = current else {
        self = .doubtful
        return
      }
      switch word {
      case "allow", "deny": continue
      case "path" where Self.builtIn.contains(mount): continue
      case "path" where value.utf8.contains(UInt8(ascii: "%")): mounts[String(mount)] = nil
      case "path" where value.utf8.first == UInt8(ascii: "/"): mounts[String(mount)] = String(value)
      default:
        self = .doubtful
        return
      }
    }
    self = .mounts(mounts)
  }

  /// `[name]` and nothing else.
  private static func header(_ line: Substring) -> Substring? {
    let name = line.dropFirst().dropLast()
    guard line.hasSuffix("]"), !name.isEmpty, name.utf8.allSatisfy(isMountByte) else { return nil }
    return name
  }

  /// `word value`, without a comment behind it.
  private static func entry(_ line: Substring) -> (word: Substring, value: Substring)? {
    guard let end = line.utf8.firstIndex(where: { $0 == 0x20 || $0 == 0x09 }) else { return nil }
    let value = trimmed(line[end...])
    guard line[..<end].utf8.allSatisfy(isWordByte), !value.utf8.contains(where: { byte in "#[".utf8.contains(byte) }),
      value.utf8.first != UInt8(ascii: "=")
    else { return nil }
    return (line[..<end], value)
  }
}

func isMountByte(_ byte: UInt8) -> Bool { isWordByte(byte) || byte == UInt8(ascii: "-") }
