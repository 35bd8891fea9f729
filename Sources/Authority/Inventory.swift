import FoundationEssentials

/// What the authority signed, in order. Lines are only ever added; the last one of a serial holds.
///
///     0x0002 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z agent1.example valid
///     0x0002 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z agent1.example revoked:2026-12-01T08:30:00Z
public struct Inventory: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public var serial: UInt64
    public var notBefore: Date
    public var notAfter: Date
    public var name: Certname
    public var revoked: Date?
  }

  public private(set) var lines: [Entry] = []

  init() {}

  /// Reads the file; a line that is not one stops it, since a lost line could be a lost revocation.
  init(_ text: String, path: String) throws(AuthorityFailure) {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.isEmpty { continue }
      guard let entry = Self.entry(line) else {
        throw .notAnAuthority(
          "\(path):\(index + 1): not a line of an inventory; expected SERIAL NOT_BEFORE NOT_AFTER NAME valid|revoked:TIME"
        )
      }
      lines.append(entry)
    }
  }

  mutating func append(_ entry: Entry) { lines.append(entry) }

  /// One of each serial, as it stands now, in the order in which they were issued.
  public var entries: [Entry] {
    var order: [UInt64] = []
    var latest: [UInt64: Entry] = [:]
    for line in lines {
      if latest.updateValue(line, forKey: line.serial) == nil { order.append(line.serial) }
    }
    return order.compactMap { latest[$0] }
  }

  func entries(of name: Certname) -> [Entry] { entries.filter { $0.name == name } }

  var text: String { lines.map { Self.line($0) + "\n" }.joined() }

  private static func line(_ entry: Entry) -> String {
    let status = entry.revoked.map { "revoked:\(stamp($0))" } ?? "valid"
    return "\(hex(entry.serial)) \(stamp(entry.notBefore)) \(stamp(entry.notAfter)) \(entry.name) \(status)"
  }

  private static func entry(_ line: Substring) -> Entry? {
    let fields = line.split(separator: " ", omittingEmptySubsequences: false)
    guard fields.count == 5, let serial = serial(fields[0]), let notBefore = time(fields[1]),
      let notAfter = time(fields[2]), let name = try? Certname(String(fields[3]))
    else { return nil }
    if fields[4] == "valid" {
      return Entry(serial: serial, notBefore: notBefore, notAfter: notAfter, name: name, revoked: nil)
    }
    guard fields[4].hasPrefix("revoked:"), let revoked = time(fields[4].dropFirst("revoked:".count)) else {
      return nil
    }
    return Entry(serial: serial, notBefore: notBefore, notAfter: notAfter, name: name, revoked: revoked)
  }

  /// `0x0010`, as Puppet writes serials.
  static func hex(_ serial: UInt64) -> String {
    let digits = String(serial, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  static func serial(_ text: some StringProtocol) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : nil
  }

  /// RFC 3339, UTC, whole seconds.
  static func stamp(_ date: Date) -> String { date.formatted(.iso8601) }

  private static func time(_ text: some StringProtocol) -> Date? {
    try? Date(String(text), strategy: .iso8601)
  }
}
