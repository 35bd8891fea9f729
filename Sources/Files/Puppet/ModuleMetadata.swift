import FoundationEssentials

/// Whether Puppet takes a module for one in spite of its metadata.json: a module that it refuses hides those of the
/// same name behind it and serves nothing.
enum ModuleMetadata {
  static let maxBytes = 1 << 20

  /// True only where Puppet::Module is sure to load it (module.rb, `load_metadata`).
  static func isAccepted(_ text: [UInt8]) -> Bool {
    // Ruby reads no byte order mark.
    guard text.first.map({ $0 == UInt8(ascii: "{") || $0 == 0x20 || $0 == 0x0A || $0 == 0x0D }) == true else {
      return false
    }
    return (try? JSONDecoder().decode(Contents.self, from: Data(text))) != nil
  }

  private struct Contents: Decodable {
    enum Key: String, CodingKey, CaseIterable { case name, source, author, version, license, dependencies }
    struct Dependency: Decodable {
      var name: String?
    }
    struct Incomplete: Error {}

    init(from decoder: any Decoder) throws {
      let contents = try decoder.container(keyedBy: AnyKey.self)
      if contents.allKeys.isEmpty { return }
      for key in Key.allCases where key != .name {
        let key = AnyKey(stringValue: key.rawValue)
        guard contents.contains(key), try !contents.decodeNil(forKey: key) else { throw Incomplete() }
      }
      _ = try contents.decodeIfPresent(String.self, forKey: AnyKey(stringValue: Key.name.rawValue))
      _ = try contents.decode([Dependency].self, forKey: AnyKey(stringValue: Key.dependencies.rawValue))
    }
  }

  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
