import Pool

extension LogRecord {
  /// A message as systemd-journald takes it on its socket (Native Journal Protocol): fields as `NAME=value` and a line
  /// end, or, where the value has a line end of its own, `NAME`, a line end, the value's length in 8 bytes, lowest
  /// first, the value and a line end.
  var journal: [UInt8] {
    var bytes: [UInt8] = []
    func add(_ name: String, _ value: String) {
      bytes += name.utf8
      if value.utf8.contains(UInt8(ascii: "\n")) {
        bytes.append(UInt8(ascii: "\n"))
        let count = UInt64(value.utf8.count)
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
      } else {
        bytes.append(UInt8(ascii: "="))
      }
      bytes += value.utf8
      bytes.append(UInt8(ascii: "\n"))
    }
    // Who reads the journal without its fields is to see whose words they are.
    add("MESSAGE", speaker + message)
    add("PRIORITY", String(level.priority))
    add("SYSLOG_IDENTIFIER", "masterpool")
    add("MASTERPOOL_LABEL", origin.rawValue)
    for field in fields { add(Self.journalName(field.key), field.value) }
    return bytes
  }

  /// The journal drops fields whose names are not of capital letters, digits and underscores, or longer than 64.
  static func journalName(_ key: String) -> String {
    let letters = key.uppercased().unicodeScalars.map { scalar in
      ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "_"
    }
    return "MASTERPOOL_\(String(letters.prefix(Self.maxKey)))"
  }
}
