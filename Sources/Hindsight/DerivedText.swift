import Pool

extension Derived {
  /// What was taken from where, for a person, above what came of it.
  public var text: String {
    var lines = [
      "taken from \(Written.days(days * 86400)) of pool \(pool): \(requests) requests, \(exits) ends of workers, "
        + "\(nodes) nodes"
    ]
    lines += table(found)
    if let week { lines.append("  the week" + String(repeating: " ", count: 29) + "as it was: \(week)") }
    if !assumed.isEmpty {
      lines.append("not in the ledger, so as usual:")
      lines += table(assumed)
    }
    return lines.joined(separator: "\n")
  }

  private func table(_ values: [Value]) -> [String] {
    values.map { value in
      let left = Self.filled("  \(value.option)", 18) + Self.filled(value.value, 18)
      return left + " " + (value.overridden ? "overridden; " : "") + value.source
    }
  }

  private static func filled(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
