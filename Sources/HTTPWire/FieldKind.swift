/// What a header field means to a proxy; everything else is relayed as it came.
enum FieldKind: UInt8, BitwiseCopyable {
  case plain
  case host
  case contentLength
  case transferEncoding
  case connection
  case expect
  /// Of an answer; RFC 9110 §6.6.1 has whoever relays one without it add it.
  case date
  /// Speaks to the next hop only (RFC 9110 §7.6.1), or to a proxy.
  case hopByHop
  /// Says who the agent is or where it comes from: ours to say.
  case identity
  /// What the request is called on its way (`X-Request-ID`): one that is fit to be passed on, or none.
  case requestID
  /// Not Content-Length or Transfer-Encoding, but a CGI-like master would take it for that.
  case disguisedFraming
}

/// A field's name, folded the way Ruby and CGI fold it into an environment variable's name: case does not count, and
/// whatever is neither a letter nor a digit is one and the same as `-`. Only the first 16 bytes and the last are kept.
struct FoldedName: BitwiseCopyable {
  private(set) var first: UInt64 = 0
  private(set) var second: UInt64 = 0
  private(set) var last: UInt8 = 0
  private(set) var count = 0
  /// True where folding changed more than the case.
  private(set) var disguised = false

  init() {}

  /// For a name of letters, digits and `-` alone, whose folded first eight bytes are `first`.
  init(plain bytes: Span<UInt8>, _ start: Int, _ end: Int, first: UInt64) {
    count = end &- start
    self.first = first
    if count > 8 { second = bytes.word(at: start &+ 8).lowercased.first(count &- 8) }
    last = bytes[end &- 1] | 0x20
  }

  /// False for most names that mean nothing here, by their folded first eight bytes.
  @inline(__always) static func mayMatter(_ first: UInt64) -> Bool {
    switch first {
    case Word("host").bits, Word("date").bits, Word("expect").bits, Word("te").bits, Word("upgrade").bits,
      Word("proxy").bits,
      Word("connecti").bits, Word("content-").bits, Word("transfer").bits, Word("keep-ali").bits,
      Word("http2-se").bits, Word("x-client").bits, Word("ssl-clie").bits, Word("x-forwar").bits,
      Word("x-real-i").bits, Word("forwarde").bits, Word("client-c").bits, Word("x-reques").bits:
      true
    default: Word(first).first(6) == Word("x-ssl-").bits || Word(first).first(6) == Word("proxy-").bits
    }
  }

  init(folding bytes: Span<UInt8>, _ start: Int, _ end: Int) {
    for index in start..<end { append(bytes[index]) }
  }

  mutating func append(_ byte: UInt8) {
    count &+= 1
    // Longer than any name that is told apart, but for those whose first bytes tell.
    guard count <= FoldedName.longest else { return }
    let isPlain = ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.dash
    if !isPlain { disguised = true }
    last = isPlain ? byte | 0x20 : ASCII.dash
    switch count {
    case 1...8: first |= UInt64(last) &<< UInt64(8 &* (count &- 1))
    case 9...16: second |= UInt64(last) &<< UInt64(8 &* (count &- 9))
    default: break
    }
  }

  /// `transfer-encoding`.
  private static let longest = 17

  @inline(__always) var kind: FieldKind {
    switch first {
    case Word("host").bits: return .host
    case Word("date").bits: return .date
    case Word("expect").bits: return .expect
    case Word("te").bits, Word("upgrade").bits, Word("proxy").bits: return .hopByHop
    case Word("connecti").bits: return second == Word("on").bits && count == 10 ? .connection : .plain
    case Word("content-").bits: return second == Word("length").bits && count == 14 ? framing(.contentLength) : .plain
    case Word("transfer").bits:
      let matches = second == Word("-encodin").bits && last == UInt8(ascii: "g") && count == 17
      return matches ? framing(.transferEncoding) : .plain
    case Word("keep-ali").bits: return second == Word("ve").bits && count == 10 ? .hopByHop : .plain
    case Word("http2-se").bits: return second == Word("ttings").bits && count == 14 ? .hopByHop : .plain
    case Word("x-client").bits: return second & 0xff == UInt64(ASCII.dash) ? .identity : .plain
    case Word("ssl-clie").bits: return Word(second).first(3) == Word("nt-").bits ? .identity : .plain
    case Word("x-forwar").bits: return Word(second).first(4) == Word("ded-").bits ? .identity : .plain
    // RFC 9440: Client-Cert and Client-Cert-Chain.
    case Word("client-c").bits: return Word(second).first(3) == Word("ert").bits ? .identity : .plain
    case Word("x-real-i").bits: return second == Word("p").bits && count == 9 ? .identity : .plain
    case Word("x-reques").bits: return second == Word("t-id").bits && count == 12 ? .requestID : .plain
    case Word("forwarde").bits: return second == Word("d").bits && count == 9 ? .identity : .plain
    default:
      let six = Word(first).first(6)
      if six == Word("x-ssl-").bits { return .identity }
      // `Proxy` itself too: CGI makes HTTP_PROXY of it, which clients take for their proxy's address.
      return six == Word("proxy-").bits ? .hopByHop : .plain
    }
  }

  @inline(__always) private func framing(_ kind: FieldKind) -> FieldKind { disguised ? .disguisedFraming : kind }
}
