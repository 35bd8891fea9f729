/// A request for Puppet's files, as far as it is one that every Puppet takes the same way.
struct PuppetRequest: Hashable, Sendable {
  enum Kind: String, CaseIterable, Sendable {
    case content = "file_content"
    case metadata = "file_metadata"
    case metadatas = "file_metadatas"
  }

  var kind: Kind
  var mount: String
  /// Below the mount, decoded, without slashes at its ends; nil: the mount itself.
  var path: String?
  /// The same, for who compares: texts are equal to Swift that are two names to a file system.
  private var bytes: [UInt8] = []
  var environment = ""
  var followsLinks = false
  /// Nil: the master's `digest_algorithm`.
  var checksum: ChecksumType?
  /// False: owner, group and mode are the master's own and 0644, whatever the file has.
  var keepsPermissions = false
  var recurses = false
  var recurseLimit: Int?
  /// 0 or less: without an end.
  var maxFiles = 0
  var ignored: [IgnorePattern] = []

  static let prefix: StaticString = "/puppet/v3/file_"

  /// - Parameters:
  ///   - path: normalized and decoded.
  ///   - query: as it came.
  init?(path: Span<UInt8>, query: Span<UInt8>) {
    guard let (kind, key) = Self.split(path) else { return nil }
    let (mount, rest) = halves(of: key)
    guard !mount.isEmpty, mount.utf8.allSatisfy(isMountByte) else { return nil }
    self.kind = kind
    self.mount = String(mount)
    if let rest {
      // An empty segment would have been refused, a slash at the end is left to Puppet.
      guard !rest.isEmpty, rest.utf8.last != UInt8(ascii: "/"), !hasControls(rest) else { return nil }
      self.path = String(rest)
      bytes = Array(rest.utf8)
    }
    guard take(query: String(copying: query)), !environment.isEmpty else { return nil }
  }

  /// True where it is worth to look closer, without an allocation.
  static func mayBe(_ path: Span<UInt8>) -> Bool {
    let prefix = Self.prefix
    guard path.count > prefix.utf8CodeUnitCount else { return false }
    for index in 0..<prefix.utf8CodeUnitCount where path[index] != prefix.utf8Start[index] { return false }
    return true
  }

  private static func split(_ path: Span<UInt8>) -> (Kind, Substring)? {
    guard mayBe(path) else { return nil }
    // All of the prefix but `file_`.
    let (name, key) = halves(of: Substring(String(copying: path).utf8.dropFirst("/puppet/v3/".utf8.count)))
    guard let kind = Kind(rawValue: String(name)), let key else { return nil }
    return (kind, key)
  }
}

/// Its parameters.
extension PuppetRequest {
  /// So many patterns at most.
  static let maxIgnored = 64

  private mutating func take(query: String) -> Bool {
    var seen: Set<String> = []
    for pair in pieces(of: query[...], at: "&") where !pair.isEmpty {
      guard let sign = pair.utf8.firstIndex(of: UInt8(ascii: "=")),
        let value = formDecoded(pair[pair.utf8.index(after: sign)...])
      else { return false }
      let name = String(pair[..<sign])
      // Only patterns come more than once; of anything else Puppet makes a list.
      guard name == "ignore" || seen.insert(name).inserted, take(name, value) else { return false }
    }
    return true
  }

  private mutating func take(_ name: String, _ value: String) -> Bool {
    switch name {
    case "environment":
      // Puppet makes numbers and truths of texts that look like them.
      environment = value
      return value.utf8.allSatisfy(isWordByte) && !isAPrimitive(value)
    case "links":
      followsLinks = value == "follow"
      return value == "follow" || value == "manage"
    case "checksum_type":
      checksum = ChecksumType(rawValue: value)
      return checksum != nil
    case "source_permissions":
      keepsPermissions = value != "ignore"
      return ["ignore", "use", "use_when_creating"].contains(value)
    case "recurse":
      recurses = value == "true"
      return kind == .metadatas && (value == "true" || value == "false")
    case "recurselimit":
      recurseLimit = number(value)
      return kind == .metadatas && recurseLimit != nil
    case "max_files":
      maxFiles = value == "-1" ? 0 : number(value) ?? 0
      return kind == .metadatas && (value == "-1" || number(value) != nil)
    case "ignore":
      guard kind == .metadatas, !isAPrimitive(value), ignored.count < Self.maxIgnored,
        let pattern = IgnorePattern(value)
      else { return false }
      ignored.append(pattern)
      return true
    default: return false
    }
  }

  /// Decimal, without the leading zero that makes it octal for Ruby.
  private func number(_ text: String) -> Int? {
    guard !text.isEmpty, text.utf8.count <= 9, text == "0" || !text.hasPrefix("0"),
      text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int(text)
  }

  /// What Puppet's handler turns into something else than a text.
  private func isAPrimitive(_ text: String) -> Bool {
    text == "true" || text == "false" || hasControls(text[...])
      || !text.isEmpty
        && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") }
  }
}

/// What stands before the first slash, and behind it if there is one.
func halves(of text: Substring) -> (Substring, Substring?) {
  guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else { return (text, nil) }
  return (text[..<slash], text[text.utf8.index(after: slash)...])
}

func hasControls(_ text: Substring) -> Bool { text.utf8.contains { $0 < 0x20 || $0 == 0x7F } }

/// A value of `application/x-www-form-urlencoded`; nil where it is badly encoded.
func formDecoded(_ text: Substring) -> String? {
  var bytes: [UInt8] = []
  var rest = text.utf8[...]
  while let byte = rest.popFirst() {
    switch byte {
    case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
    case UInt8(ascii: "%"):
      guard let high = rest.popFirst(), let low = rest.popFirst(), let value = hexValue(high, low) else { return nil }
      bytes.append(value)
    default: bytes.append(byte)
    }
  }
  return String(validating: bytes, as: UTF8.self)
}

private func hexValue(_ high: UInt8, _ low: UInt8) -> UInt8? {
  guard let high = Character(UnicodeScalar(high)).hexDigitValue, let low = Character(UnicodeScalar(low)).hexDigitValue
  else { return nil }
  return UInt8(high << 4 | low)
}
