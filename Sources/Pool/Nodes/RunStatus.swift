/// How a run went, by its report's own `status`.
public enum RunStatus: String, Hashable, Sendable, Codable, CaseIterable, BitwiseCopyable {
  case changed, unchanged, failed
}

extension RunStatus {
  /// So much of a report is looked at: Puppet's JSON has its status within the first few hundred bytes, its YAML and
  /// old PSON may have it behind the log.
  public static let maxLook = 256 << 10

  /// Of a report as an agent sends it, or as much of it as is there: JSON, PSON or YAML. Nil where no status stands at
  /// its top level; what resources and log messages say in deeper levels is none.
  public init?(report: Span<UInt8>) {
    let look = ReportLook(bytes: report, count: min(report.count, Self.maxLook))
    guard let status = look.status() else { return nil }
    self = status
  }

  fileprivate init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    for status in Self.allCases where bytes.holds(status.word, range) {
      self = status
      return
    }
    return nil
  }

  private var word: StaticString {
    switch self {
    case .changed: "changed"
    case .unchanged: "unchanged"
    case .failed: "failed"
    }
  }
}

/// Walks over a report once, keeps nothing.
private struct ReportLook: ~Escapable {
  private static let key: StaticString = "status"

  let bytes: Span<UInt8>
  let count: Int

  @_lifetime(copy bytes)
  init(bytes: Span<UInt8>, count: Int) {
    self.bytes = bytes
    self.count = count
  }

  func status() -> RunStatus? {
    var at = 0
    while at < count, isBlank(bytes[at]) { at += 1 }
    guard at < count else { return nil }
    return bytes[at] == UInt8(ascii: "{") ? inJSON(from: at) : inYAML(from: at)
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

  // MARK: JSON

  /// PSON is JSON whose texts may be of any bytes, which matters to nobody here.
  private func inJSON(from start: Int) -> RunStatus? {
    var (at, depth, isKey) = (start, 0, false)
    while at < count {
      switch bytes[at] {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        isKey = depth == 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth <= 0 { return nil }
      case UInt8(ascii: ","): isKey = depth == 1
      case UInt8(ascii: "\""):
        guard let end = endOfText(from: at + 1) else { return nil }
        if isKey, bytes.holds(Self.key, (at + 1)..<end) { return valueInJSON(from: end + 1) }
        isKey = false
        at = end
      default: break
      }
      at += 1
    }
    return nil
  }

  /// Where its closing quote stands.
  private func endOfText(from start: Int) -> Int? {
    var at = start
    while at < count {
      if bytes[at] == UInt8(ascii: "\"") { return at }
      at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }

  private func valueInJSON(from start: Int) -> RunStatus? {
    var at = start
    while at < count, isBlank(bytes[at]) || bytes[at] == UInt8(ascii: ":") { at += 1 }
    guard at < count, bytes[at] == UInt8(ascii: "\""), let end = endOfText(from: at + 1) else { return nil }
    return RunStatus(bytes, (at + 1)..<end)
  }

  // MARK: YAML

  /// A line of the first key's indentation that is `status: WORD`. All that is deeper, texts of many lines among it, is
  /// indented further.
  private func inYAML(from start: Int) -> RunStatus? {
    var (line, indentation) = (start, Int?.none)
    while line < count {
      var end = line
      while end < count, bytes[end] != 0x0a { end += 1 }
      var at = line
      while at < end, bytes[at] == 0x20 { at += 1 }
      if !isMarker(at, end) {
        indentation = indentation ?? at - line
        if at - line == indentation, let status = valueInYAML(at, end) { return status }
      }
      line = end + 1
    }
    return nil
  }

  /// An empty line, a comment, `---` and what stands behind it, a directive.
  private func isMarker(_ at: Int, _ end: Int) -> Bool {
    guard at < end else { return true }
    if bytes[at] == UInt8(ascii: "#") || bytes[at] == UInt8(ascii: "%") || bytes[at] == 0x0d { return true }
    return end - at >= 3 && (at..<(at + 3)).allSatisfy { bytes[$0] == UInt8(ascii: "-") }
  }

  private func valueInYAML(_ start: Int, _ end: Int) -> RunStatus? {
    var (at, last) = (start, end)
    let afterKey = start + Self.key.utf8CodeUnitCount
    guard afterKey < end, bytes.holds(Self.key, start..<afterKey), bytes[afterKey] == UInt8(ascii: ":") else {
      return nil
    }
    func isAround(_ byte: UInt8) -> Bool { isBlank(byte) || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }
    at = afterKey + 1
    while at < last, isAround(bytes[at]) { at += 1 }
    while last > at, isAround(bytes[last - 1]) { last -= 1 }
    return RunStatus(bytes, at..<last)
  }
}

extension Span<UInt8> {
  fileprivate func holds(_ word: StaticString, _ range: Range<Int>) -> Bool {
    guard range.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<range.count where self[range.lowerBound + index] != word.utf8Start[index] { return false }
    return true
  }
}
