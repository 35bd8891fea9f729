import Testing

@testable import HTTPWire

/// A chunked body taken apart by `scan`, from pieces that end at `ends`.
struct ChunkOutcome {
  enum End: Equatable {
    case more, ended(Int), invalid(ChunkRefusal)
  }

  var payload: [UInt8] = []
  /// The bytes that a relay without trailers passes on.
  var relayed: [UInt8] = []
  var end = End.more

  /// How much was relayed before a body was refused depends on how it was cut; nothing else does.
  func isSame(as other: ChunkOutcome) -> Bool {
    guard end == other.end, payload == other.payload else { return false }
    if case .invalid = end { return true }
    return relayed == other.relayed
  }

  init(_ bytes: [UInt8], ends: [Int]) {
    var scanner = ChunkScanner()
    var at = 0
    for end in ends {
      while self.end == .more, at <= end {
        let step = scanner.scan(bytes.span.extracting(at..<end), limits: ChunkLimits())
        if step == .needMore { break }
        at += take(step, bytes[at...])
        if case .ended = self.end { self.end = .ended(at) }
      }
    }
  }

  private mutating func take(_ step: ChunkStep, _ bytes: ArraySlice<UInt8>) -> Int {
    switch step {
    case .framing(let count):
      relayed += bytes.prefix(count)
      return count
    case .payload(let count):
      payload += bytes.prefix(count)
      relayed += bytes.prefix(count)
      return count
    case .trailer(let count): return count
    case .end(let count):
      relayed += bytes.prefix(count)
      end = .ended(count)
      return count
    case .needMore: return 0
    case .invalid(let refusal):
      end = .invalid(refusal)
      return 0
    }
  }
}

@Suite struct ChunkCorpusTests {
  @Test(arguments: Corpus.validChunks)
  func validBodyIsTakenApart(_ body: CorpusCase) throws {
    let outcome = ChunkOutcome(body.bytes, ends: [body.bytes.count])
    #expect(text(outcome.payload) == body["payload"])
    #expect(outcome.end == .ended(body.bytes.count - (try #require(Int(body["rest"])))))
  }

  @Test(arguments: Corpus.invalidChunks)
  func invalidBodyIsRefused(_ body: CorpusCase) {
    guard case .invalid(let refusal) = ChunkOutcome(body.bytes, ends: [body.bytes.count]).end else {
      Issue.record("accepted")
      return
    }
    #expect("\(refusal)" == body["cause"])
    #expect(refusal.status == Int(body["status"]))
  }

  @Test(arguments: Corpus.validChunks + Corpus.invalidChunks)
  func howTheBytesWereCutChangesNothing(_ body: CorpusCase) {
    let count = body.bytes.count
    let whole = ChunkOutcome(body.bytes, ends: [count])
    #expect(ChunkOutcome(body.bytes, ends: Array(0...count)).isSame(as: whole))
    for length in cutLengths(count) {
      let cut = ChunkOutcome(body.bytes, ends: [length, count])
      #expect(cut.isSame(as: whole), "at \(length)")
      let part = ChunkOutcome(body.bytes, ends: [length])
      #expect(part.end == .more || part.end == whole.end)
    }
  }

  @Test(arguments: Corpus.validChunks + Corpus.invalidChunks)
  func followingSaysTheSame(_ body: CorpusCase) {
    let whole = ChunkOutcome(body.bytes, ends: [body.bytes.count])
    var scanner = ChunkScanner()
    switch scanner.follow(body.bytes.span, limits: ChunkLimits()) {
    case .more: #expect(whole.end == .more)
    case .ended(let count): #expect(whole.end == .ended(count))
    case .invalid(let refusal): #expect(whole.end == .invalid(refusal))
    }
  }

  @Test(arguments: Corpus.validChunks)
  func aBodyWithoutItsTrailersIsStillWhole(_ body: CorpusCase) {
    let outcome = ChunkOutcome(body.bytes, ends: [body.bytes.count])
    let again = ChunkOutcome(outcome.relayed, ends: [outcome.relayed.count])
    #expect(again.payload == outcome.payload)
    #expect(again.end == .ended(outcome.relayed.count))
  }

  @Test func theFramingCostsWhatTheLimitsSay() {
    let limits = ChunkLimits(maxExtensionBytes: 3, maxTrailerBytes: 8, maxTrailerFields: 2)
    let bodies: [(String, ChunkProgress)] = [
      ("1;abc\r\nx\r\n0;abc\r\n\r\n", .ended(19)),
      ("1;abcd\r\n", .invalid(.extensionTooLong)),
      ("0\r\na:\r\nb:\r\n\r\n", .ended(13)),
      ("0\r\na:b\r\nc:de\r\n", .invalid(.trailersTooLarge)),
      ("0\r\na:\r\nb:\r\nc", .invalid(.trailersTooLarge)),
    ]
    for (body, end) in bodies {
      var scanner = ChunkScanner()
      let bytes = Array(body.utf8)
      let progress = scanner.follow(bytes.span, limits: limits)
      #expect(progress == end, "\(body)")
    }
  }

  @Test func aHugeSizeIsCountedWithoutOverflow() {
    var scanner = ChunkScanner()
    let size = Array("7fffffffffffffff\r\n".utf8)
    let progress = scanner.follow(size.span, limits: ChunkLimits())
    #expect(progress == .more)
    let step = scanner.scan(size.span, limits: ChunkLimits())
    #expect(step == .payload(size.count))
  }
}
