/// What a balancer says of a connection ahead of everything else: the PROXY protocol, versions 1 and 2
/// (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt). Read in one go from the bytes that are there so far.
public enum ProxyHeader {
  /// Version 1 takes 107 bytes at most (§2.1). Version 2 may bring as many of its own fields as it likes; no balancer
  /// sends more than some hundred bytes of them.
  public static let maxBytes = 4096
  static let maxLineBytes = 107

  public enum Progress: Hashable, Sendable {
    /// Call again with these bytes and more.
    case incomplete
    /// The header takes so many bytes; what follows is the connection's own.
    case complete(Source, byteCount: Int)
    case refused(Refusal)
  }

  /// Who connected to the balancer.
  public enum Source: Hashable, Sendable {
    /// The balancer itself, for a check of its own, or somebody without an IP address: the connection's own
    /// addresses count.
    case unknown
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)
  }

  public enum Refusal: Hashable, Sendable, CaseIterable {
    case missing, tooLong, malformedLine, badAddress
    case unknownVersion, unknownCommand, unknownFamily, truncated, badField, badChecksum

    /// Completes "the PROXY header …".
    public var explanation: String {
      switch self {
      case .missing: "is missing"
      case .tooLong: "is longer than it may be"
      case .malformedLine: "is not PROXY TCP4 or TCP6 and two addresses and ports, or PROXY UNKNOWN"
      case .badAddress: "has an address or a port that is none"
      case .unknownVersion: "is of an unknown version"
      case .unknownCommand: "has an unknown command"
      case .unknownFamily: "is for an unknown family of addresses or protocol"
      case .truncated: "is too short for its addresses"
      case .badField: "has a field that does not fit in it"
      case .badChecksum: "does not match its checksum"
      }
    }
  }

  private static let word: StaticString = "PROXY "
  private static let signature: InlineArray<12, UInt8> = [
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
  ]

  public static func parse(_ bytes: Span<UInt8>) -> Progress {
    if bytes.count == 0 { return .incomplete }
    do throws(Refused) {
      if bytes[0] == signature[0] { return try ProxyHeaderV2.parse(bytes, signature) }
      for index in 0..<min(bytes.count, word.utf8CodeUnitCount) where bytes[index] != word.utf8Start[index] {
        return .refused(.missing)
      }
      return try ProxyHeaderV1.parse(bytes, from: word.utf8CodeUnitCount)
    } catch {
      return .refused(error.refusal)
    }
  }

  struct Refused: Error {
    var refusal: Refusal
    init(_ refusal: Refusal) { self.refusal = refusal }
  }
}

/// §2.1: `PROXY TCP4 192.0.2.1 192.0.2.2 56324 8140 CR LF`
private enum ProxyHeaderV1 {
  static func parse(_ bytes: Span<UInt8>, from start: Int) throws(ProxyHeader.Refused) -> ProxyHeader.Progress {
    guard let end = try lineEnd(bytes) else { return .incomplete }
    guard end >= start else { throw .init(.malformedLine) }
    // Whatever follows UNKNOWN is to be ignored.
    if bytes.starts(with: "UNKNOWN", at: start), start + 7 == end || bytes[start + 7] == ASCII.space {
      return .complete(.unknown, byteCount: end + 2)
    }
    let isV6 = bytes.starts(with: "TCP6 ", at: start)
    guard isV6 || bytes.starts(with: "TCP4 ", at: start) else { throw .init(.malformedLine) }
    return .complete(try addresses(bytes, start + 5, end, isV6), byteCount: end + 2)
  }

  private static func lineEnd(_ bytes: Span<UInt8>) throws(ProxyHeader.Refused) -> Int? {
    let limit = min(bytes.count, ProxyHeader.maxLineBytes)
    for index in 0..<limit where bytes[index] == ASCII.lineFeed {
      guard bytes[index - 1] == ASCII.carriageReturn else { throw .init(.malformedLine) }
      return index - 1
    }
    guard bytes.count < ProxyHeader.maxLineBytes else { throw .init(.tooLong) }
    return nil
  }

  private static func addresses(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ isV6: Bool
  ) throws(ProxyHeader.Refused) -> ProxyHeader.Source {
    var words = InlineArray<4, ByteRange>(repeating: ByteRange())
    var at = start
    for index in 0..<4 {
      let wordStart = at
      while at < end, bytes[at] != ASCII.space { at += 1 }
      words[index] = ByteRange(wordStart, at)
      guard index == 3 ? at == end : at < end else { throw .init(.malformedLine) }
      at += 1
    }
    guard let source = source(bytes, words[0], isV6), self.source(bytes, words[1], isV6) != nil,
      isPort(bytes, words[2]), isPort(bytes, words[3])
    else { throw .init(.badAddress) }
    return source
  }

  private static func source(_ bytes: Span<UInt8>, _ word: ByteRange, _ isV6: Bool) -> ProxyHeader.Source? {
    if !isV6 { return AddressText.v4(bytes, Int(word.start), Int(word.end)).map { .v4($0) } }
    return AddressText.v6(bytes, Int(word.start), Int(word.end)).map { .v6(high: $0.high, low: $0.low) }
  }

  private static func isPort(_ bytes: Span<UInt8>, _ word: ByteRange) -> Bool {
    AddressText.decimal(bytes, Int(word.start), Int(word.end), upTo: 65535) != nil
  }
}

/// §2.2: the signature, version and command, family and protocol, the length of the rest, the addresses, further fields.
private enum ProxyHeaderV2 {
  private static let prefix = 16
  private static let checksumField: UInt8 = 0x03

  static func parse(
    _ bytes: Span<UInt8>, _ signature: InlineArray<12, UInt8>
  ) throws(ProxyHeader.Refused) -> ProxyHeader.Progress {
    for index in 0..<min(bytes.count, 12) where bytes[index] != signature[index] { throw .init(.missing) }
    guard bytes.count > 12 else { return .incomplete }
    guard bytes[12] >> 4 == 2 else { throw .init(.unknownVersion) }
    guard bytes[12] & 0xf <= 1 else { throw .init(.unknownCommand) }
    guard bytes.count >= prefix else { return .incomplete }
    let end = prefix + Int(bytes.bigEndian16(at: 14))
    guard end <= ProxyHeader.maxBytes else { throw .init(.tooLong) }
    let isLocal = bytes[12] & 0xf == 0
    let addressBytes = try addressBytes(family: bytes[13], isLocal: isLocal)
    guard end - prefix >= addressBytes else { throw .init(.truncated) }
    guard bytes.count >= end else { return .incomplete }
    // The balancer's own connection: its block is to be skipped unread.
    if isLocal { return .complete(.unknown, byteCount: end) }
    // Without a family it is not known where further fields would start.
    if bytes[13] >> 4 != 0 { try checkFields(bytes.extracting(0..<end), from: prefix + addressBytes) }
    return .complete(source(bytes), byteCount: end)
  }

  private static func addressBytes(family: UInt8, isLocal: Bool) throws(ProxyHeader.Refused) -> Int {
    if isLocal { return 0 }
    guard family & 0xf <= 2 else { throw .init(.unknownFamily) }
    switch family >> 4 {
    case 0: return 0
    case 1: return 12
    case 2: return 36
    case 3: return 216
    default: throw .init(.unknownFamily)
    }
  }

  private static func source(_ bytes: Span<UInt8>) -> ProxyHeader.Source {
    // A stream over IP; datagrams and unix sockets bring no address that means an agent.
    switch bytes[13] {
    case 0x11: .v4(UInt32(bytes.bigEndian16(at: 16)) << 16 | UInt32(bytes.bigEndian16(at: 18)))
    case 0x21: .v6(high: bytes.bigEndian64(at: 16), low: bytes.bigEndian64(at: 24))
    default: .unknown
    }
  }

  /// §2.2.1 and §2.2.3. The fields' contents are not used here but for a checksum, which must hold where there is one.
  private static func checkFields(_ header: Span<UInt8>, from start: Int) throws(ProxyHeader.Refused) {
    var at = start
    while at < header.count {
      guard header.count - at >= 3 else { throw .init(.badField) }
      let length = Int(header.bigEndian16(at: at + 1))
      guard header.count - at - 3 >= length else { throw .init(.badField) }
      if header[at] == checksumField {
        guard length == 4 else { throw .init(.badField) }
        guard checksum(header, without: at + 3) == header.bigEndian32(at: at + 3) else { throw .init(.badChecksum) }
      }
      at += 3 + length
    }
  }

  /// CRC32c (RFC 4960 appendix B) of the header with zeros where the checksum itself stands.
  private static func checksum(_ header: Span<UInt8>, without field: Int) -> UInt32 {
    var sum: UInt32 = ~0
    for index in 0..<header.count {
      sum ^= (field..<field + 4).contains(index) ? 0 : UInt32(header[index])
      for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82f6_3b78 }
    }
    return ~sum
  }
}

extension Span where Element == UInt8 {
  fileprivate func starts(with text: StaticString, at offset: Int) -> Bool {
    guard count - offset >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount where self[offset + index] != text.utf8Start[index] { return false }
    return true
  }

  fileprivate func bigEndian16(at offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

  fileprivate func bigEndian32(at offset: Int) -> UInt32 {
    UInt32(bigEndian16(at: offset)) << 16 | UInt32(bigEndian16(at: offset + 2))
  }

  fileprivate func bigEndian64(at offset: Int) -> UInt64 {
    UInt64(bigEndian32(at: offset)) << 32 | UInt64(bigEndian32(at: offset + 4))
  }
}
