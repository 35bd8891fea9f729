import Pool

/// A line of a worker's output, safe to print in a log.
struct OutputLine: Hashable, Sendable {
  var text: String
  /// It was longer than the limit; the rest is gone.
  var isCut: Bool
  /// Lines lost before this one because nobody took them in time.
  var lostBefore = 0
}

/// Cuts a stream of bytes into lines of a limited length: invalid UTF-8 is repaired and control characters are escaped,
/// so that a worker cannot forge another line or move a terminal's cursor.
struct LineSplitter: Sendable {
  static let defaultLimit = 8 << 10

  private let limit: Int
  private var line: [UInt8] = []
  /// The rest of a line that was cut is on its way.
  private var isSkipping = false

  /// - Parameter limit: the longest line in bytes, at least 1.
  init(limit: Int = defaultLimit) {
    self.limit = max(1, limit)
    line.reserveCapacity(256)
  }

  /// Takes the next bytes and gives the lines that are complete, without their line ends.
  mutating func take(_ bytes: some RandomAccessCollection<UInt8>) -> [OutputLine] {
    var lines: [OutputLine] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n"))
      append(rest[..<(end ?? rest.endIndex)], &lines)
      guard let end else { break }
      if !isSkipping { lines.append(finish()) }
      isSkipping = false
      rest = rest[rest.index(after: end)...]
    }
    return lines
  }

  private mutating func append(_ part: some RandomAccessCollection<UInt8>, _ lines: inout [OutputLine]) {
    guard !isSkipping else { return }
    // One byte over the limit may still be the CR of a line end; two are too many.
    line.append(contentsOf: part.prefix(limit + 2 - line.count))
    guard line.count > limit + 1 else { return }
    lines.append(finish())
    isSkipping = true
  }

  /// What the stream's end leaves of a line without an end.
  mutating func end() -> OutputLine? {
    isSkipping = false
    return line.isEmpty ? nil : finish()
  }

  private mutating func finish() -> OutputLine {
    defer { line.removeAll(keepingCapacity: true) }
    var whole = line[...]
    if whole.last == UInt8(ascii: "\r"), whole.count <= limit + 1 { whole.removeLast() }
    let isCut = whole.count > limit
    if isCut { whole = Self.withoutPartialCharacter(whole.prefix(limit)) }
    return OutputLine(text: Self.printable(whole), isCut: isCut)
  }

  /// A cut in the middle of a character shall not look like a broken one.
  private static func withoutPartialCharacter(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let lead = bytes.suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }) else { return bytes }
    let wanted: Int
    switch bytes[lead] {
    case 0xC2...0xDF: wanted = 2
    case 0xE0...0xEF: wanted = 3
    case 0xF0...0xF4: wanted = 4
    default: return bytes
    }
    return bytes.endIndex - lead < wanted ? bytes[..<lead] : bytes
  }

  private static func printable(_ bytes: ArraySlice<UInt8>) -> String {
    let isPlain = bytes.allSatisfy { (0x20...0x7E).contains($0) || $0 == UInt8(ascii: "\t") }
    let text = String(decoding: bytes, as: UTF8.self)
    return isPlain ? text : escaped(text)
  }

  static func escaped(_ text: String) -> String {
    var safe = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar.isUnsafeInLogs {
        safe.append(contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
      } else {
        safe.append(scalar)
      }
    }
    return String(safe)
  }
}
