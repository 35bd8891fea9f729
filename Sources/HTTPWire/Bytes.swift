/// The bytes that HTTP's syntax is made of.
enum ASCII {
  static let tab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0a
  static let carriageReturn: UInt8 = 0x0d
  static let space: UInt8 = 0x20
  static let percent: UInt8 = 0x25
  static let asterisk: UInt8 = 0x2a
  static let comma: UInt8 = 0x2c
  static let dash: UInt8 = 0x2d
  static let dot: UInt8 = 0x2e
  static let slash: UInt8 = 0x2f
  static let zero: UInt8 = 0x30
  static let colon: UInt8 = 0x3a
  static let semicolon: UInt8 = 0x3b
  static let question: UInt8 = 0x3f
  static let leftBracket: UInt8 = 0x5b
  static let backslash: UInt8 = 0x5c
  static let rightBracket: UInt8 = 0x5d

  @inline(__always) static func isDigit(_ byte: UInt8) -> Bool { byte &- zero < 10 }

  @inline(__always) static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7f }

  @inline(__always) static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

  @inline(__always) static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  /// Space or tab.
  @inline(__always) static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

  /// RFC 9110 §5.6.2 `tchar`.
  @inline(__always) static func isToken(_ byte: UInt8) -> Bool {
    contains(byte, low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe)
  }

  /// What a request target may hold: RFC 3986's characters without `#`, and `[ ] ^ ` { | }`, which browsers and
  /// curl send bare and nobody reads in two ways.
  @inline(__always) static func isTarget(_ byte: UInt8) -> Bool {
    contains(byte, low: 0xafff_fff2_0000_0000, high: 0x7fff_ffff_efff_ffff)
  }

  /// What a host's name may hold: letters, digits and `- . _ ~`.
  @inline(__always) static func isHostName(_ byte: UInt8) -> Bool {
    contains(byte, low: 0x03ff_6000_0000_0000, high: 0x47ff_fffe_87ff_fffe)
  }

  /// What a path may hold that means nothing: all but control bytes, `% . / ; ? \` and bytes above ASCII.
  @inline(__always) static func isOrdinaryInPath(_ byte: UInt8) -> Bool {
    contains(byte, low: 0x77ff_3fdf_0000_0000, high: 0x7fff_ffff_efff_ffff)
  }

  /// Nil where it is none.
  @inline(__always) static func hexValue(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte &- zero }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : nil
  }

  /// Membership in a set of ASCII bytes, given as two 64-bit masks.
  @inline(__always) private static func contains(_ byte: UInt8, low: UInt64, high: UInt64) -> Bool {
    byte < 0x80 && ((byte < 0x40 ? low : high) >> UInt64(byte & 0x3f)) & 1 != 0
  }
}

extension Span where Element == UInt8 {
  /// Where the text from `start` on ends: at the first control byte but tab, or at the end of the span.
  @inline(__always) func endOfText(from start: Int) -> Int {
    var at = start
    while at < count {
      if let sixteen = Sixteen(self, at: at) {
        guard let hit = sixteen.firstControl else {
          at &+= 16
          continue
        }
        at &+= hit
      }
      let byte = self[at]
      if byte < 0x20 ? byte != ASCII.tab : byte == 0x7f { return at }
      at &+= 1
    }
    return count
  }

  /// Where the request target from `start` on ends: at the first byte that it cannot hold.
  @inline(__always) func endOfTarget(from start: Int) -> Int {
    var at = start
    while let sixteen = Sixteen(self, at: at) {
      guard let hit = sixteen.firstNotTarget else {
        at &+= 16
        continue
      }
      at &+= hit
      return at
    }
    while at < count, ASCII.isTarget(self[at]) { at &+= 1 }
    return Swift.min(at, count)
  }

  /// Where the host's name from `start` on ends.
  @inline(__always) func endOfHostName(from start: Int) -> Int {
    var at = start
    while let sixteen = Sixteen(self, at: at) {
      guard let hit = sixteen.firstNotPlainHost else {
        at &+= 16
        continue
      }
      at &+= hit
      break
    }
    while at < count, ASCII.isHostName(self[at]) { at &+= 1 }
    return Swift.min(at, count)
  }

  /// Where the token from `start` on ends: at the first byte that is no `tchar`.
  @inline(__always) func endOfToken(from start: Int) -> Int {
    var at = start
    while at < count, ASCII.isToken(self[at]) { at &+= 1 }
    return at
  }

  /// `range` without blanks at both ends.
  @inline(__always) func trimmed(_ start: Int, _ end: Int) -> ByteRange {
    var start = start
    var end = end
    while start < end, ASCII.isBlank(self[start]) { start &+= 1 }
    while end > start, ASCII.isBlank(self[end &- 1]) { end &-= 1 }
    return ByteRange(start, end)
  }

  /// True where the bytes of `range`, none of them a control byte but tab, are `text` in any case. `text` is of
  /// lower-case letters, digits and `- / :`.
  @inline(__always) func matches(_ range: ByteRange, _ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard range.count == length else { return false }
    var at = 0
    while at < length {
      let rest = length &- at
      if word(at: Int(range.start) &+ at).lowercased.first(rest) != Word(text, from: at).bits { return false }
      at &+= 8
    }
    return true
  }

  func isEqual(to text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }
}
