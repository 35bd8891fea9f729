/// The header fields of one head: found, checked and weighed in one pass. What must not be relayed is remembered as
/// cuts, so that writing the head on is copying what lies between them.
struct FieldSection: BitwiseCopyable {
  enum Sender { case agent, worker }

  static let maxNameBytes = 256
  /// Fields that Connection may name besides the ones that never pass.
  static let maxConnectionOptions = 8

  /// What was found so far: small, so that beginning anew is cheap.
  struct Findings: BitwiseCopyable {
    /// Where the first field line starts.
    fileprivate(set) var start = 0
    /// Where the line being parsed starts; once complete, where the empty line starts.
    fileprivate(set) var line = 0
    /// How far a value without an end was searched.
    fileprivate var searched = 0
    fileprivate var fields = 0
    /// False where the target's own authority takes the place of the Host field.
    fileprivate(set) var keepsHost = true
    fileprivate(set) var host: ByteRange?
    fileprivate(set) var contentLength: Int?
    fileprivate(set) var isChunked = false
    fileprivate(set) var saysClose = false
    fileprivate(set) var saysKeepAlive = false
    fileprivate(set) var expectsContinue = false
    fileprivate(set) var hasDate = false
    /// The one X-Request-ID, if there is just one and it is well formed; else empty.
    fileprivate(set) var requestID = ByteRange()
    fileprivate var requestIDs = 0
    fileprivate(set) var cutCount = 0
    fileprivate(set) var optionCount = 0
    /// True where `cuts` does not tell all, and each line must be looked at again.
    fileprivate(set) var needsSecondLook = false

    fileprivate init() {}
  }

  private(set) var found = Findings()
  /// Runs of lines that stay behind, in order, adjacent ones joined; the first `cutCount` hold.
  private(set) var cuts = InlineArray<12, ByteRange>(repeating: ByteRange())
  /// What Connection names besides the ones that never pass; the first `optionCount` hold.
  private(set) var options = InlineArray<8, ByteRange>(repeating: ByteRange())

  init() {}

  mutating func begin(at offset: Int, keepsHost: Bool = true) {
    found = Findings()
    found.start = offset
    found.line = offset
    found.keepsHost = keepsHost
  }

  /// True once the empty line was found; its two bytes are at `found.line`.
  mutating func parse(
    _ bytes: Span<UInt8>, from sender: Sender, maxFields: Int
  ) throws(HeadRefusal) -> Bool {
    while found.line < bytes.count {
      if bytes[found.line] == ASCII.carriageReturn { return try bytes.isLineEnd(at: found.line) }
      var name = FieldName()
      guard try name.parse(bytes, at: found.line) else { return false }
      let end = bytes.endOfText(from: found.searched > name.end ? found.searched : name.end &+ 1)
      guard try bytes.isLineEnd(at: end) else {
        found.searched = end
        return false
      }
      guard found.fields < maxFields else { throw .tooManyFields }
      found.fields &+= 1
      if name.kind != .plain { try weigh(name, valueEnd: end, bytes, from: sender) }
      found.line = end &+ 2
    }
    return false
  }

  private mutating func weigh(
    _ name: FieldName, valueEnd: Int, _ bytes: Span<UInt8>, from sender: Sender
  ) throws(HeadRefusal) {
    let value = bytes.trimmed(name.end &+ 1, valueEnd)
    let wholeLine = ByteRange(found.line, valueEnd &+ 2)
    switch (name.kind, sender) {
    case (.plain, _), (.host, .worker), (.expect, .worker), (.identity, .worker), (.requestID, .worker): break
    case (.date, _): found.hasDate = true
    case (.host, .agent):
      try takeHost(bytes, value)
      if !found.keepsHost { cut(wholeLine) }
    case (.contentLength, _):
      try takeLength(bytes, value)
      cut(wholeLine)
    case (.transferEncoding, _):
      try takeEncoding(bytes, value)
      cut(wholeLine)
    case (.connection, _):
      try takeConnection(bytes, value)
      cut(wholeLine)
    case (.expect, .agent):
      guard bytes.matches(value, "100-continue") else { throw .unknownExpectation }
      found.expectsContinue = true
      cut(wholeLine)
    case (.requestID, .agent):
      takeRequestID(bytes, ByteRange(found.line, name.end), value)
      cut(wholeLine)
    case (.hopByHop, _), (.identity, .agent): cut(wholeLine)
    case (.disguisedFraming, _): throw .disguisedFraming
    }
  }

  private mutating func takeHost(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadRefusal) {
    if found.host != nil { throw .duplicateHost }
    guard value.isEmpty || bytes.isAuthority(value) else { throw .badHost }
    found.host = value
  }

  private mutating func takeLength(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadRefusal) {
    // Equal ones too: the next reader may count them differently.
    if found.contentLength != nil { throw .duplicateLength }
    found.contentLength = try bytes.decimal(value)
  }

  private mutating func takeEncoding(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadRefusal) {
    if found.isChunked { throw .duplicateEncoding }
    guard bytes.matches(value, "chunked") else { throw bytes.encodingProblem(value) }
    found.isChunked = true
  }

  /// A name that a worker would take for the same counts as one, but is not kept.
  private mutating func takeRequestID(_ bytes: Span<UInt8>, _ name: ByteRange, _ value: ByteRange) {
    found.requestIDs &+= 1
    let isFit = found.requestIDs == 1 && bytes.matches(name, "x-request-id")
    found.requestID = isFit && RequestID.isWellFormed(bytes.extracting(value)) ? value : ByteRange()
  }

  private mutating func takeConnection(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadRefusal) {
    if takeLoneOption(bytes, value) { return }
    var at = Int(value.start)
    let end = Int(value.end)
    while at < end {
      let tokenEnd = min(bytes.endOfToken(from: at), end)
      if tokenEnd > at { try takeOption(bytes, ByteRange(at, tokenEnd)) }
      at = tokenEnd
      while at < end, ASCII.isBlank(bytes[at]) { at &+= 1 }
      guard at == end || bytes[at] == ASCII.comma else { throw .badConnection }
      at &+= 1
      while at < end, ASCII.isBlank(bytes[at]) { at &+= 1 }
    }
  }

  private mutating func takeOption(_ bytes: Span<UInt8>, _ option: ByteRange) throws(HeadRefusal) {
    if takeLoneOption(bytes, option) { return }
    switch FoldedName(folding: bytes, Int(option.start), Int(option.end)).kind {
    // They never pass, or framing and routing stand on them, which no agent may switch off.
    case .host, .contentLength, .transferEncoding, .connection, .expect, .hopByHop, .requestID, .disguisedFraming:
      break
    case .plain, .identity, .date:
      guard found.optionCount < options.count else { throw .tooManyConnectionOptions }
      options[found.optionCount] = option
      found.optionCount &+= 1
      found.needsSecondLook = true
    }
  }

  private mutating func takeLoneOption(_ bytes: Span<UInt8>, _ option: ByteRange) -> Bool {
    if bytes.matches(option, "keep-alive") {
      found.saysKeepAlive = true
    } else if bytes.matches(option, "close") {
      found.saysClose = true
    } else {
      return false
    }
    return true
  }

  private mutating func cut(_ run: ByteRange) {
    if found.cutCount > 0, cuts[found.cutCount &- 1].end == run.start {
      cuts[found.cutCount &- 1].end = run.end
    } else if found.cutCount < cuts.count {
      cuts[found.cutCount] = run
      found.cutCount &+= 1
    } else {
      found.needsSecondLook = true
    }
  }
}

/// A field line's name, from its first byte to its colon.
struct FieldName {
  /// Where the colon is.
  private(set) var end = 0
  private(set) var kind = FieldKind.plain

  /// False where the name has no end yet.
  @inline(__always)
  mutating func parse(_ bytes: Span<UInt8>, at start: Int) throws(HeadRefusal) -> Bool {
    guard let sixteen = Sixteen(bytes, at: start) else { return try parseOdd(bytes, at: start) }
    end = start &+ (sixteen.firstNotPlainName ?? 16)
    guard end < bytes.count, bytes[end] == ASCII.colon, end > start else { return try parseOdd(bytes, at: start) }
    let first = bytes.word(at: start).lowercased.first(end &- start)
    if FoldedName.mayMatter(first) { kind = FoldedName(plain: bytes, start, end, first: first).kind }
    return true
  }

  /// Names that are long, last, unended or hold other bytes than letters, digits and `-`; and what is no name.
  private mutating func parseOdd(_ bytes: Span<UInt8>, at start: Int) throws(HeadRefusal) -> Bool {
    end = bytes.endOfToken(from: start)
    guard end &- start <= FieldSection.maxNameBytes else { throw .fieldNameTooLong }
    guard end < bytes.count else { return false }
    let stop = bytes[end]
    guard stop == ASCII.colon, end > start else {
      if ASCII.isBlank(stop) { throw end > start ? .spaceBeforeColon : .foldedField }
      if stop == ASCII.colon { throw .emptyFieldName }
      if stop == ASCII.lineFeed { throw .bareLineFeed }
      if stop == ASCII.carriageReturn { throw .missingColon }
      throw stop < 0x20 || stop == 0x7f ? .controlByte : .badFieldName
    }
    kind = FoldedName(folding: bytes, start, end).kind
    return true
  }
}
