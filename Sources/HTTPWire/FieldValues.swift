/// The few field values that a proxy must understand.
extension Span where Element == UInt8 {
  /// True for CR LF at `offset`, where a text ended; false where that cannot be told yet.
  @inline(__always) func isLineEnd(at offset: Int) throws(HeadRefusal) -> Bool {
    guard offset &+ 1 < count else {
      if offset == count || self[offset] == ASCII.carriageReturn { return false }
      throw lineProblem(at: offset)
    }
    guard self[offset] == ASCII.carriageReturn, self[offset &+ 1] == ASCII.lineFeed else {
      throw lineProblem(at: offset)
    }
    return true
  }

  private func lineProblem(at offset: Int) -> HeadRefusal {
    switch self[offset] {
    case ASCII.lineFeed: .bareLineFeed
    case ASCII.carriageReturn: .bareCarriageReturn
    default: .controlByte
    }
  }

  /// RFC 9110 §8.6: `1*DIGIT`, up to 18 of them so that nothing overflows.
  func decimal(_ value: ByteRange) throws(HeadRefusal) -> Int {
    if value.isEmpty { throw .badLength }
    var number = 0
    for index in 0..<value.count {
      let byte = self[Int(value.start) &+ index]
      guard ASCII.isDigit(byte) else { throw .badLength }
      if index < 18 { number = number &* 10 &+ Int(byte &- ASCII.zero) }
    }
    if value.count > 18 { throw .lengthTooLarge }
    return number
  }

  /// What is wrong with a Transfer-Encoding that is not `chunked` alone: RFC 9112 §6.1 asks for 501 where the coding
  /// is unknown, §6.3 for 400 where the body's end is.
  func encodingProblem(_ value: ByteRange) -> HeadRefusal {
    var codings = 0
    var chunkedAt = 0
    var at = Int(value.start)
    let end = Int(value.end)
    while at < end {
      let tokenEnd = Swift.min(endOfToken(from: at), end)
      guard tokenEnd > at else { return .badEncoding }
      codings &+= 1
      if matches(ByteRange(at, tokenEnd), "chunked") {
        guard chunkedAt == 0 else { return .badEncoding }
        chunkedAt = codings
      }
      at = tokenEnd
      while at < end, ASCII.isBlank(self[at]) { at &+= 1 }
      guard at == end || self[at] == ASCII.comma else { return .badEncoding }
      at &+= 1
      while at < end, ASCII.isBlank(self[at]) { at &+= 1 }
    }
    // Only an unknown coding with `chunked`, if at all, behind it is well formed.
    let isChunkedAlone = codings == 1 && chunkedAt == 1
    return codings == 0 || isChunkedAlone || (chunkedAt != 0 && chunkedAt != codings)
      ? .badEncoding : .unknownEncoding
  }

  /// `host [":" port]`: a name of letters, digits and `- . _ ~`, or an address in brackets. Narrower than RFC 3986,
  /// whose `reg-name` also takes commas, quotes and percent signs, which no host that is served here has.
  func isAuthority(_ range: ByteRange) -> Bool {
    var at = Int(range.start)
    let end = Int(range.end)
    if at < end, self[at] == ASCII.leftBracket {
      let open = at
      at &+= 1
      while at < end, ASCII.hexValue(self[at]) != nil || self[at] == ASCII.colon || self[at] == ASCII.dot { at &+= 1 }
      guard at < end, self[at] == ASCII.rightBracket, at > open &+ 1 else { return false }
      at &+= 1
    } else {
      let open = at
      at = Swift.min(endOfHostName(from: at), end)
      guard at > open else { return false }
    }
    if at == end { return true }
    guard self[at] == ASCII.colon, end &- at <= 6 else { return false }
    for index in (at &+ 1)..<end where !ASCII.isDigit(self[index]) { return false }
    return true
  }
}
