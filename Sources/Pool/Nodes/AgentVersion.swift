/// What an agent says of its version, in printable ASCII: `8.10.0`. A trivial value, so that a connection's record can
/// hold it; what is longer is cut.
public struct AgentVersion: Hashable, Sendable, BitwiseCopyable {
  public static let maxBytes = 16

  private var low: UInt64 = 0
  private var high: UInt64 = 0

  /// Of `X-Puppet-Version`. Nil for what is empty or does not begin as a word does.
  public init?(_ text: Span<UInt8>) {
    for index in 0..<min(text.count, Self.maxBytes) {
      guard (0x21...0x7e).contains(text[index]) else { break }
      append(text[index], at: index)
    }
    if low == 0 { return nil }
  }

  public init?(_ text: String) {
    var text = text
    let made = text.withUTF8 { Self($0.span) }
    guard let made else { return nil }
    self = made
  }

  /// Of `User-Agent`: `Puppet/8.10.0 Ruby/3.1.2` is 8.10.0; of another program its first word, `curl/7.88.1`.
  public init?(userAgent text: Span<UInt8>) {
    let prefix: StaticString = "Puppet/"
    let isPuppet =
      text.count >= prefix.utf8CodeUnitCount
      && (0..<prefix.utf8CodeUnitCount).allSatisfy { text[$0] == prefix.utf8Start[$0] }
    self.init(isPuppet ? text.extracting(prefix.utf8CodeUnitCount..<text.count) : text)
  }

  private mutating func append(_ byte: UInt8, at index: Int) {
    if index < 8 { low |= UInt64(byte) << UInt64(index * 8) } else { high |= UInt64(byte) << UInt64(index * 8 - 64) }
  }
}

extension AgentVersion: CustomStringConvertible {
  public var description: String {
    let bytes = [low, high].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
