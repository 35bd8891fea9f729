/// How the bytes of strangers stand in a line of the log: nothing that they hold ends a line, a field or a string, and
/// no control byte reaches a terminal.
extension OutputSpan where Element == UInt8 {
  /// Inside a JSON string (RFC 8259 §7). Text passes as it is; control characters, those of U+0080…U+009F too, are
  /// `\u00XX`. A byte that is no UTF-8, which JSON cannot hold, becomes the four characters `\xHH`, so written `\\xHH`.
  @_lifetime(self: copy self)
  mutating func append(json text: Span<UInt8>) {
    var at = 0
    while at < text.count {
      let end = text.endOfPlainJSON(from: at)
      append(copying: text.extracting(at..<end))
      guard end < text.count else { return }
      let length = text.lengthOfCharacter(at: end)
      appendOdd(text, at: end, length: length)
      at = end &+ max(length, 1)
    }
  }

  @_lifetime(self: copy self)
  private mutating func appendOdd(_ text: Span<UInt8>, at start: Int, length: Int) {
    let byte = text[start]
    switch length {
    case 0:
      append(copying: "\\\\x")
      append(hex: byte)
    case 1 where byte == ASCII.quote || byte == ASCII.backslash:
      append(ASCII.backslash)
      append(byte)
    case 1:
      append(copying: "\\u00")
      append(hex: byte)
    case 2 where byte == 0xc2 && text[start &+ 1] < 0xa0:
      append(copying: "\\u00")
      append(hex: text[start &+ 1])
    default: append(copying: text.extracting(start..<(start &+ length)))
    }
  }

  /// As nginx and Apache write it: `\xHH` for quotes, backslashes, control bytes and all beyond ASCII.
  @_lifetime(self: copy self)
  mutating func append(combined text: Span<UInt8>, keepingSpaces: Bool = true) {
    for index in 0..<text.count {
      let byte = text[index]
      let isPlain = byte > ASCII.space && byte < 0x7f && byte != ASCII.quote && byte != ASCII.backslash
      if isPlain || keepingSpaces && byte == ASCII.space {
        append(byte)
      } else {
        append(copying: "\\x")
        append(hex: byte)
      }
    }
  }

  /// Two digits.
  @_lifetime(self: copy self)
  mutating func append(hex byte: UInt8) {
    append(ASCII.hexDigit(byte &>> 4))
    append(ASCII.hexDigit(byte & 15))
  }
}

extension ASCII {
  /// In upper case.
  static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? zero &+ value : UInt8(ascii: "A") &+ (value &- 10) }
}

extension Span where Element == UInt8 {
  /// Where the run of printable ASCII that JSON takes as it is ends.
  @inline(__always) fileprivate func endOfPlainJSON(from start: Int) -> Int {
    var at = start
    while at < count {
      let byte = self[at]
      if byte &- 0x20 >= 0x5f || byte == ASCII.quote || byte == ASCII.backslash { return at }
      at &+= 1
    }
    return at
  }

  /// Of the UTF-8 character that starts here (Unicode, table 3-7); 0: none does.
  fileprivate func lengthOfCharacter(at start: Int) -> Int {
    let first = self[start]
    let (length, low, high): (Int, UInt8, UInt8)
    switch first {
    case ..<0x80: return 1
    case 0xc2...0xdf: (length, low, high) = (2, 0x80, 0xbf)
    case 0xe0: (length, low, high) = (3, 0xa0, 0xbf)
    case 0xe1...0xec, 0xee, 0xef: (length, low, high) = (3, 0x80, 0xbf)
    case 0xed: (length, low, high) = (3, 0x80, 0x9f)
    case 0xf0: (length, low, high) = (4, 0x90, 0xbf)
    case 0xf1...0xf3: (length, low, high) = (4, 0x80, 0xbf)
    case 0xf4: (length, low, high) = (4, 0x80, 0x8f)
    default: return 0
    }
    guard start &+ length <= count, self[start &+ 1] >= low, self[start &+ 1] <= high else { return 0 }
    for index in 2..<max(length, 2) where self[start &+ index] & 0xc0 != 0x80 { return 0 }
    return length
  }
}
