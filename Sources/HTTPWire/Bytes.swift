/// The bytes that HTTP's syntax is made of, and how eight of them are tested at a time.
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

/// Eight bytes, the first in the lowest bits. The tests answer with the top bit of each byte that passes; only the
/// first hit is exact, what lies above it may be a carry.
struct Word {
  var bits: UInt64

  static let each: UInt64 = 0x0101_0101_0101_0101
  static let tops: UInt64 = 0x8080_8080_8080_8080

  @inline(__always) init(_ bits: UInt64) { self.bits = bits }

  /// Up to eight ASCII characters, the rest zero; folded to a constant by the optimizer.
  @inline(__always) init(_ text: StaticString) {
    bits = 0
    for index in 0..<min(8, text.utf8CodeUnitCount) {
      bits |= UInt64(text.utf8Start[index]) << UInt64(8 &* index)
    }
  }

  /// The first `count` bytes, 0…8; the rest zero.
  @inline(__always) func first(_ count: Int) -> UInt64 {
    count >= 8 ? bits : bits & ((1 &<< UInt64(truncatingIfNeeded: 8 &* count)) &- 1)
  }

  /// Letters in lower case. Right for letters, digits and `-`; other bytes must have been excluded.
  @inline(__always) var lowercased: Word { Word(bits | 0x2020_2020_2020_2020) }

  /// Control bytes: below 0x20 or 0x7f.
  @inline(__always) var controls: UInt64 {
    let low = (bits &- (Word.each &* 0x20)) & ~bits
    return (low | zeros(bits ^ (Word.each &* 0x7f))) & Word.tops
  }

  /// Bytes that no request target holds: up to space, from 0x7f, and `" # < > \`.
  @inline(__always) var notTarget: UInt64 {
    let low = (bits &- (Word.each &* 0x21)) & ~bits
    let quoteOrHash = zeros((bits | Word.each) ^ (Word.each &* 0x23))
    let angles = zeros((bits | (Word.each &* 2)) ^ (Word.each &* 0x3e))
    let others = zeros(bits ^ (Word.each &* 0x5c)) | zeros(bits ^ (Word.each &* 0x7f))
    return (low | quoteOrHash | angles | others | bits) & Word.tops
  }

  /// Bytes that are neither a letter nor a digit nor `-`. Exact in every byte.
  @inline(__always) var notPlainName: UInt64 {
    let seven = bits & ~Word.tops
    let folded = seven | (Word.each &* 0x20)
    let letters = (folded &+ (Word.each &* 0x1f)) & ~(folded &+ (Word.each &* 0x05))
    let digits = (seven &+ (Word.each &* 0x50)) & ~(seven &+ (Word.each &* 0x46))
    let dashes = ~((seven ^ (Word.each &* 0x2d)) &+ (Word.each &* 0x7f))
    return (~(letters | digits | dashes) | bits) & Word.tops
  }

  @inline(__always) private func zeros(_ bits: UInt64) -> UInt64 { (bits &- Word.each) & ~bits }
}

extension Span where Element == UInt8 {
  /// The eight bytes from `offset` on; past the end of the span they are zero.
  @inline(__always) func word(at offset: Int) -> Word {
    if offset &+ 8 <= count {
      return Word(UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    return shortWord(at: offset)
  }

  @inline(never) private func shortWord(at offset: Int) -> Word {
    var bits: UInt64 = 0
    var index = 0
    while index < 8, offset &+ index < count {
      bits |= UInt64(self[offset &+ index]) << UInt64(8 &* index)
      index &+= 1
    }
    return Word(bits)
  }

  /// Where the text from `start` on ends: at the first control byte but tab, or at the end of the span.
  @inline(__always) func endOfText(from start: Int) -> Int {
    var at = start
    while at < count {
      let hits = word(at: at).controls
      guard hits != 0 else {
        at &+= 8
        continue
      }
      at &+= hits.trailingZeroBitCount &>> 3
      guard at < count, self[at] == ASCII.tab else { break }
      at &+= 1
    }
    return Swift.min(at, count)
  }

  /// Where the request target from `start` on ends: at the first byte that it cannot hold.
  @inline(__always) func endOfTarget(from start: Int) -> Int {
    var at = start
    while at < count {
      let hits = word(at: at).notTarget
      if hits != 0 { return Swift.min(at &+ hits.trailingZeroBitCount &>> 3, count) }
      at &+= 8
    }
    return count
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

  /// True where the bytes of `range` are `text`, which is in lower case, in any case.
  func matches(_ range: ByteRange, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<range.count {
      if ASCII.lowercased(self[Int(range.start) &+ index]) != text.utf8Start[index] { return false }
    }
    return true
  }
}
