/// How many columns a text takes on a terminal.
public enum ColumnWidth {
  /// 0 for what is put on another, 2 for East Asian wide and emoji, else 1 (Unicode UAX #11).
  static func of(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    if scalar.properties.generalCategory == .nonspacingMark || scalar.properties.generalCategory == .format {
      return 0
    }
    if character.unicodeScalars.contains(where: { $0.value == 0xFE0F }) || scalar.properties.isEmojiPresentation {
      return 2
    }
    return wide.contains { $0.contains(scalar.value) } ? 2 : 1
  }

  static func of(_ text: String) -> Int { text.reduce(0) { $0 + of($1) } }

  /// Cut or filled up to `width` columns; what is cut off leaves an ellipsis.
  static func fit(_ text: String, _ width: Int) -> String {
    let length = of(text)
    guard length > width else { return text + String(repeating: " ", count: width - length) }
    guard width > 0 else { return "" }
    var kept = ""
    var used = 0
    for character in text {
      let next = of(character)
      guard used + next < width else { break }
      kept.append(character)
      used += next
    }
    return kept + "…" + String(repeating: " ", count: width - used - 1)
  }

  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
  ]
}
