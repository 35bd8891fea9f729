/// What the framing of one chunked body may cost, its payload aside.
public struct ChunkLimits: BitwiseCopyable, Hashable, Sendable {
  /// Of one chunk.
  public let maxExtensionBytes: Int
  /// Of all trailer fields.
  public let maxTrailerBytes: Int
  public let maxTrailerFields: Int

  public init(maxExtensionBytes: Int = 256, maxTrailerBytes: Int = 32 << 10, maxTrailerFields: Int = 100) {
    self.maxExtensionBytes = maxExtensionBytes
    self.maxTrailerBytes = maxTrailerBytes
    self.maxTrailerFields = maxTrailerFields
  }
}

/// Follows chunked framing (RFC 9112 §7.1) through the bytes of a body as they pass, however they are cut. A trivial
/// value; one for each body, asked with the same limits from its start to its end. Limits on the whole body are the
/// caller's.
///
/// To relay the bytes untouched, ask `follow`. To take the payload out, call `scan` on what is left until it says
/// `needMore`, `end` or `invalid`, and keep what it calls `payload`.
public struct ChunkScanner: BitwiseCopyable, Sendable {
  private enum State: UInt8, BitwiseCopyable {
    case size, extensions, sizeEnd
    case payload, payloadEnd, payloadEndFeed
    case trailerStart, trailerName, trailerValue, trailerEnd, lastFeed
    case ended, failed
  }

  private var state = State.size
  private var refusal = ChunkRefusal.badSize
  private var digits: UInt8 = 0
  /// Payload bytes of the current chunk that are still to come.
  private var remaining = 0
  /// Of the current chunk's extensions, or of all trailers.
  private var counted = 0
  private var trailers = 0
  private var name = FoldedName()

  public init() {}

  /// True once the whole body was seen.
  public var isEnded: Bool { state == .ended }

  /// What the bytes at the start of `bytes` are.
  public mutating func scan(_ bytes: Span<UInt8>, limits: ChunkLimits) -> ChunkStep {
    if state == .failed { return .invalid(refusal) }
    if state == .ended { return .end(0) }
    if bytes.count == 0 { return .needMore }
    if state == .payload {
      let count = min(remaining, bytes.count)
      remaining &-= count
      if remaining == 0 { state = .payloadEnd }
      return .payload(count)
    }
    do throws(ChunkRefusal) {
      return try scanFraming(bytes, limits)
    } catch {
      state = .failed
      refusal = error
      return .invalid(error)
    }
  }

  /// How many of `bytes` belong to the body, for relaying them as they are.
  public mutating func follow(_ bytes: Span<UInt8>, limits: ChunkLimits) -> ChunkProgress {
    var at = 0
    while true {
      switch scan(bytes.extracting(at..<bytes.count), limits: limits) {
      case .framing(let count), .payload(let count), .trailer(let count): at &+= count
      case .needMore: return .more
      case .end(let count): return .ended(at &+ count)
      case .invalid(let refusal): return .invalid(refusal)
      }
    }
  }

  /// Up to where payload starts, trailers start or end, or the body ends.
  private mutating func scanFraming(_ bytes: Span<UInt8>, _ limits: ChunkLimits) throws(ChunkRefusal) -> ChunkStep {
    let isTrailer = isTrailer(next: bytes[0])
    var at = 0
    while at < bytes.count, self.isTrailer(next: bytes[at]) == isTrailer {
      try take(bytes[at], limits)
      at &+= 1
      if state == .payload { return .framing(at) }
      if state == .ended { return .end(at) }
    }
    return isTrailer ? .trailer(at) : .framing(at)
  }

  private func isTrailer(next byte: UInt8) -> Bool {
    switch state {
    case .trailerStart: byte != ASCII.carriageReturn
    case .trailerName, .trailerValue, .trailerEnd: true
    case .size, .extensions, .sizeEnd, .payload, .payloadEnd, .payloadEndFeed, .lastFeed, .ended, .failed: false
    }
  }

  private mutating func take(_ byte: UInt8, _ limits: ChunkLimits) throws(ChunkRefusal) {
    switch state {
    case .size: try takeSize(byte)
    case .extensions: try takeExtension(byte, limits)
    case .sizeEnd:
      try expect(ASCII.lineFeed, byte)
      beginChunk()
    case .payloadEnd:
      guard byte == ASCII.carriageReturn else { throw .payloadOverrun }
      state = .payloadEndFeed
    case .payloadEndFeed:
      guard byte == ASCII.lineFeed else { throw .payloadOverrun }
      state = .size
    case .trailerStart: try takeTrailerStart(byte, limits)
    case .trailerName: try takeTrailerName(byte, limits)
    case .trailerValue: try takeTrailerValue(byte, limits)
    case .trailerEnd:
      try expect(ASCII.lineFeed, byte)
      state = .trailerStart
    case .lastFeed:
      try expect(ASCII.lineFeed, byte)
      state = .ended
    case .payload, .ended, .failed: break
    }
  }

  private func expect(_ wanted: UInt8, _ byte: UInt8) throws(ChunkRefusal) {
    if byte != wanted { throw .badLineEnd }
  }

  private mutating func takeSize(_ byte: UInt8) throws(ChunkRefusal) {
    if let value = ASCII.hexValue(byte) {
      // Below 2^59 before the shift: the size stays an Int.
      guard digits < 16, remaining < 1 &<< 59 else { throw .sizeTooLarge }
      digits &+= 1
      remaining = remaining &<< 4 | Int(value)
    } else if digits > 0, byte == ASCII.semicolon || byte == ASCII.carriageReturn {
      state = byte == ASCII.semicolon ? .extensions : .sizeEnd
      counted = 0
    } else {
      throw byte == ASCII.lineFeed && digits > 0 ? .badLineEnd : .badSize
    }
  }

  private mutating func takeExtension(_ byte: UInt8, _ limits: ChunkLimits) throws(ChunkRefusal) {
    if byte == ASCII.carriageReturn {
      state = .sizeEnd
      return
    }
    try checkText(byte)
    counted &+= 1
    guard counted <= limits.maxExtensionBytes else { throw .extensionTooLong }
  }

  private func checkText(_ byte: UInt8) throws(ChunkRefusal) {
    if byte == ASCII.lineFeed { throw .badLineEnd }
    if (byte < 0x20 && byte != ASCII.tab) || byte == 0x7f { throw .controlByte }
  }

  private mutating func beginChunk() {
    state = remaining == 0 ? .trailerStart : .payload
    digits = 0
    counted = 0
  }

  private mutating func takeTrailerStart(_ byte: UInt8, _ limits: ChunkLimits) throws(ChunkRefusal) {
    if byte == ASCII.carriageReturn {
      state = .lastFeed
      return
    }
    trailers &+= 1
    guard trailers <= limits.maxTrailerFields else { throw .trailersTooLarge }
    name = FoldedName()
    state = .trailerName
    try takeTrailerName(byte, limits)
  }

  private mutating func takeTrailerName(_ byte: UInt8, _ limits: ChunkLimits) throws(ChunkRefusal) {
    try countTrailer(limits)
    if ASCII.isToken(byte) {
      name.append(byte)
      return
    }
    guard byte == ASCII.colon, name.count > 0 else { throw .badTrailer }
    // RFC 9110 §6.5.1: what frames, routes or identifies a message may not come after it.
    guard name.kind == .plain || name.kind == .date else { throw .forbiddenTrailer }
    state = .trailerValue
  }

  private mutating func takeTrailerValue(_ byte: UInt8, _ limits: ChunkLimits) throws(ChunkRefusal) {
    try countTrailer(limits)
    if byte == ASCII.carriageReturn {
      state = .trailerEnd
    } else {
      try checkText(byte)
    }
  }

  private mutating func countTrailer(_ limits: ChunkLimits) throws(ChunkRefusal) {
    counted &+= 1
    guard counted <= limits.maxTrailerBytes else { throw .trailersTooLarge }
  }
}

/// What the first bytes of a span are; each count starts at the span's first byte.
public enum ChunkStep: BitwiseCopyable, Equatable, Sendable {
  /// Chunk sizes and line ends.
  case framing(Int)
  case payload(Int)
  /// Trailer fields, which a body that is relayed without them still is whole.
  case trailer(Int)
  /// The body's last bytes (none where it ended before); what follows belongs to the next message.
  case end(Int)
  /// The span is used up.
  case needMore
  case invalid(ChunkRefusal)
}

/// What `follow` found.
public enum ChunkProgress: BitwiseCopyable, Equatable, Sendable {
  /// All bytes belong to the body, which goes on.
  case more
  /// So many belong to the body, which is over.
  case ended(Int)
  case invalid(ChunkRefusal)
}

/// Why a chunked body was refused: an agent gets 400, a worker's answer is cut off.
public enum ChunkRefusal: UInt8, Error, BitwiseCopyable, Sendable, CaseIterable {
  case badSize, sizeTooLarge, extensionTooLong, badLineEnd, controlByte, payloadOverrun
  case badTrailer, forbiddenTrailer, trailersTooLarge

  public var status: Int {
    switch self {
    case .badSize, .badLineEnd, .controlByte, .payloadOverrun, .extensionTooLong, .badTrailer, .forbiddenTrailer: 400
    case .sizeTooLarge: 413
    case .trailersTooLarge: 431
    }
  }

  public var explanation: String {
    switch self {
    case .badSize: "A chunk's size is not a hexadecimal number."
    case .sizeTooLarge: "A chunk's size is beyond any limit."
    case .extensionTooLong: "A chunk's extensions are longer than the limit."
    case .badLineEnd: "A line of the chunked framing does not end in CR LF."
    case .controlByte: "The chunked framing holds a control byte."
    case .payloadOverrun: "A chunk is longer than its size says."
    case .badTrailer: "A trailer field is malformed."
    case .forbiddenTrailer: "A trailer field may not frame, route or identify a message."
    case .trailersTooLarge: "The trailer fields are more or longer than the limit."
    }
  }
}
