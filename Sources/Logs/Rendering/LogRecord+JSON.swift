import Pool

extension LogRecord {
  /// One object in one line, with its line end: `time`, `level`, `label` and `message`, then the fields beside them.
  /// What only counts is a number; a field that is called as one of the four stands under `field_` and its name.
  var json: String {
    var members = [
      ("time", time.inJSON), ("level", level.rawValue.inJSON), ("label", origin.rawValue.inJSON),
      ("message", message.inJSON),
    ]
    members += fields.map { field in
      let key = Self.own.contains(field.key) ? "field_\(field.key)" : field.key
      return (key, Self.counts.contains(field.key) && field.value.isCount ? field.value : field.value.inJSON)
    }
    return "{\(members.map { "\($0.inJSON):\($1)" }.joined(separator: ","))}\n"
  }

  private static let own: Set = ["time", "level", "label", "message"]
  private static let counts: Set = [
    "pid", "slot", "generation", "proxy", "parent", "requests_served", "requests_lost", "lines_lost",
  ]
}

extension String {
  /// RFC 8259, section 7. What a terminal would act on is escaped too: people read these lines as they are.
  var inJSON: String {
    var written = String.UnicodeScalarView()
    written.append("\"")
    for scalar in unicodeScalars {
      switch scalar {
      case "\"", "\\":
        written.append("\\")
        written.append(scalar)
      case "\n": written.append(contentsOf: "\\n".unicodeScalars)
      case "\t": written.append(contentsOf: "\\t".unicodeScalars)
      // None of these is beyond the first 65,536.
      case _ where scalar.isUnsafeInLogs:
        let digits = String(scalar.value, radix: 16)
        let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
        written.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
      default: written.append(scalar)
      }
    }
    written.append("\"")
    return String(written)
  }

  /// Written as JSON writes a whole number.
  fileprivate var isCount: Bool {
    guard let number = Int(self), number >= 0 else { return false }
    return String(number) == self
  }
}
