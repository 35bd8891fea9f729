/// The header fields of one head: found, checked and weighed in one pass. What must not be relayed is remembered as
/// cuts, so that writing the head on is copying what lies between them.
struct FieldSection: BitwiseCopyable {
  enum Sender { case agent, worker }

  static let maxNameBytes = 256
  /// Fields that Connection may name besides the ones that never pass.
  static let maxConnectionOptions = 8

  /// Where the first field line starts.
  private(set) var start = 0
  /// Where the line being parsed starts; once complete, where the empty line starts.
  private(set) var line = 0
  /// How far a value without an end was searched.
  private var searched = 0
  private var fields = 0

  private(set) var host = ByteRange()
  private(set) var hasHost = false
  private(set) var contentLength: Int?
  private(set) var isChunked = false
  private(set) var saysClose = false
  private(set) var saysKeepAlive = false
  private(set) var expectsContinue = false

  /// Runs of lines that stay behind, in order, adjacent ones joined.
  private(set) var cuts = InlineArray<12, ByteRange>(repeating: ByteRange())
  private(set) var cutCount = 0
  private(set) var options = InlineArray<8, ByteRange>(repeating: ByteRange())
  private(set) var optionCount = 0
  /// True where `cuts` does not tell all, and each line must be looked at again.
  private(set) var needsSecondLook = false

  init() {}

  /// False where the target's own authority takes the place of the Host field.
  private(set) var keepsHost = true

  mutating func begin(at offset: Int, keepsHost: Bool = true) {
    self.keepsHost = keepsHost
    start = offset
    line = offset
    searched = offset
  }

  /// True once the empty line was found; its two bytes are at `line`.
  mutating func parse(
    _ bytes: Span<UInt8>, from sender: Sender, maxFields: Int
  ) throws(HeadRefusal) -> Bool {
    while line < bytes.count {
      if bytes[line] == ASCII.carriageReturn { return try bytes.isLineEnd(at: line) }
      var name = FieldName()
      guard try name.parse(bytes, at: line) else { return false }
      let end = bytes.endOfText(from: max(name.end &+ 1, searched))
      searched = end
      guard try bytes.isLineEnd(at: end) else { return false }
      guard fields < maxFields else { throw .tooManyFields }
      fields &+= 1
      if name.kind != .plain { try weigh(name, valueEnd: end, bytes, from: sender) }
      line = end &+ 2
    }
    return false
  }

  private mutating func weigh(
    _ name: FieldName, valueEnd: Int, _ bytes: Span<UInt8>, from sender: Sender
  ) throws(HeadRefusal) {
    let value = bytes.trimmed(name.end &+ 1, valueEnd)
    let wholeLine = ByteRange(line, valueEnd &+ 2)
    switch (name.kind, sender) {
    case (.plain, _), (.host, .worker), (.expect, .worker), (.identity, .worker): break
    case (.host, .agent):
      try takeHost(bytes, value)
      if !keepsHost { cut(wholeLine) }
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
      expectsContinue = true
      cut(wholeLine)
    case (.hopByHop, _), (.identity, .agent): cut(wholeLine)
    case (.disguisedFraming, _): throw .disguisedFraming
    }
  }

  private mutating func takeHost(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadRefusal) {
    if hasHost { throw .duplicateHost }
    guard value.isEmpty || bytes.isAuthority(value) else { throw .badHost }
    hasHost = true
    host = value
  }

  private mutating func takeLength(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadRefusal) {
    // Equal ones too: the next reader may count them differently.
    if contentLength != nil { throw .duplicateLength }
    contentLength = try bytes.decimal(value)
  }

  private mutating func takeEncoding(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadRefusal) {
    if isChunked { throw .duplicateEncoding }
    guard bytes.matches(value, "chunked") else { throw bytes.encodingProblem(value) }
    isChunked = true
  }

  private mutating func takeConnection(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadRefusal) {
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
    if bytes.matches(option, "close") {
      saysClose = true
    } else if bytes.matches(option, "keep-alive") {
      saysKeepAlive = true
    } else {
      switch FoldedName(folding: bytes, Int(option.start), Int(option.end)).kind {
      // They never pass, or framing and routing stand on them, which no agent may switch off.
      case .host, .contentLength, .transferEncoding, .connection, .expect, .hopByHop, .disguisedFraming: break
      case .plain, .identity:
        guard optionCount < options.count else { throw .tooManyConnectionOptions }
        options[optionCount] = option
        optionCount &+= 1
        needsSecondLook = true
      }
    }
  }

  private mutating func cut(_ run: ByteRange) {
    if cutCount > 0, cuts[cutCount &- 1].end == run.start {
      cuts[cutCount &- 1].end = run.end
    } else if cutCount < cuts.count {
      cuts[cutCount] = run
      cutCount &+= 1
    } else {
      needsSecondLook = true
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
    let firstWord = bytes.word(at: start)
    var at = start
    var hits = firstWord.notPlainName
    while hits == 0 {
      at &+= 8
      hits = bytes.word(at: at).notPlainName
    }
    at &+= hits.trailingZeroBitCount &>> 3
    guard at < bytes.count, bytes[at] == ASCII.colon, at > start, at &- start <= FieldSection.maxNameBytes else {
      return try parseOdd(bytes, at: start)
    }
    end = at
    kind = FoldedName(plain: bytes, start, at, firstWord: firstWord).kind
    return true
  }

  /// Names with other bytes than letters, digits and `-`, names without an end, and what is no name.
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
