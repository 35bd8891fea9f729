extension Unicode.Scalar {
  /// It could forge a line, move a terminal's cursor or turn the direction of what follows; a tab could not.
  public var isUnsafeInLogs: Bool {
    switch value {
    case 0x09: false
    case 0..<0x20, 0x7F...0x9F: true
    // Line and paragraph separators; marks that turn the direction of what follows (UAX #9).
    case 0x2028, 0x2029, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
