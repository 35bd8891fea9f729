import Pool

extension LogRecord {
  /// What stands before a line of text.
  enum Stamp: Sendable {
    case time
    /// Whoever takes the lines stamps them.
    case none
    /// `<6>`, which a service manager takes for the level (sd-daemon(3)), and no time.
    case priority
  }

  /// `2026-11-23T13:49:59.123Z info masters/0#3 pid 123: text key=value`, with its line end.
  func text(_ stamp: Stamp) -> String {
    let stamped =
      switch stamp {
      case .time: "\(time) "
      case .none: ""
      case .priority: "<\(level.priority)>"
      }
    return "\(stamped)\(level.rawValue) \(speaker)\(message.inOneLine)\(rest)\n"
  }

  /// Whose words they are: a worker's, a parent's or a proxy's output carries its pid.
  var speaker: String {
    guard let pid = self["pid"] else { return "" }
    return speakerName.map { "\($0.inOneLine) pid \(pid.inOneLine): " } ?? "pid \(pid.inOneLine): "
  }

  private var speakerName: String? {
    if let pool = self["pool"], let slot = self["slot"], let generation = self["generation"] {
      return "\(pool)/\(slot)#\(generation)"
    }
    return self["proxy"].map { "proxy \($0)" }
  }

  private static let inSpeaker: Set = ["pid", "pool", "slot", "generation", "proxy"]

  private var rest: String {
    fields.filter { !Self.inSpeaker.contains($0.key) }.map { " \($0.key.inOneLine)=\($0.value.inOneLine)" }.joined()
  }
}

extension String {
  /// Nothing in it can begin another line or move a cursor.
  var inOneLine: String {
    guard unicodeScalars.contains(where: \.isUnsafeInLogs) else { return self }
    var safe = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar {
      case "\n": safe.append(contentsOf: "\\n".unicodeScalars)
      case _ where scalar.isUnsafeInLogs:
        safe.append(contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
      default: safe.append(scalar)
      }
    }
    return String(safe)
  }
}
