/// What a request is called on its way, so that the log's line, the worker's and the agent's own can be put together.
public enum RequestID {
  public static let maxBytes = 128

  /// True for what may be kept from an agent: 1 to 128 letters, digits and `- _ . : / + = @`, so that it means the same
  /// to every reader of a head or a log.
  static func isWellFormed(_ bytes: Span<UInt8>) -> Bool {
    guard (1...maxBytes).contains(bytes.count) else { return false }
    for index in 0..<bytes.count where !isOrdinary(bytes[index]) { return false }
    return true
  }

  private static func isOrdinary(_ byte: UInt8) -> Bool {
    if ASCII.isLetter(byte) || ASCII.isDigit(byte) { return true }
    switch byte {
    case ASCII.dash, ASCII.dot, ASCII.colon, ASCII.slash, UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "="),
      UInt8(ascii: "@"):
      return true
    default: return false
    }
  }

  /// Bytes of one that is made here.
  public static let madeBytes = 32

  /// Writes 32 hexadecimal digits: what tells this maker from all others, then the count of what it made.
  @_lifetime(out: copy out)
  public static func make(_ maker: UInt64, _ count: UInt64, into out: inout OutputSpan<UInt8>) -> Bool {
    guard out.freeCapacity >= madeBytes else { return false }
    append(maker, into: &out)
    append(count, into: &out)
    return true
  }

  @_lifetime(out: copy out)
  private static func append(_ word: UInt64, into out: inout OutputSpan<UInt8>) {
    for digit in 0..<16 {
      let value = UInt8(truncatingIfNeeded: word &>> UInt64(60 &- 4 &* digit)) & 15
      out.append(value < 10 ? ASCII.zero &+ value : UInt8(ascii: "a") &+ (value &- 10))
    }
  }
}
