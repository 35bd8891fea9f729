import Pool

/// The bounds of what the `log` section may say.
enum LogBounds {
  static let maxLine = ByteCount.kibibytes(1) ... .mebibytes(1)
  static let buffer = ByteCount.kibibytes(64) ... .mebibytes(64)
}

extension Reader {
  func log(_ section: Section) -> LogPolicy {
    let usual = LogPolicy()
    let levels = section.section("levels")
    let level = section.read("level", usual.level) { $0.choice(LogLevel.self) }
    let own = LogOrigin.allCases.compactMap { origin in
      levels.optional(origin.rawValue, shown: nil) { $0.choice(LogLevel.self) }.map { (origin, $0) }
    }
    return LogPolicy(
      format: section.read("format", usual.format) { $0.choice(LogFormat.self) }, level: level,
      levels: Dictionary(own) { first, _ in first },
      maxLine: section.read("max_line", usual.maxLine) { $0.size(in: LogBounds.maxLine) },
      buffer: section.read("buffer", usual.buffer) { $0.size(in: LogBounds.buffer) },
      socket: section.read("socket", usual.socket, localSocket))
  }
}
