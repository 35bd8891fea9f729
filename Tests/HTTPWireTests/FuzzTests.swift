import Seeded
import Testing

@testable import HTTPWire

/// Mutants of the corpus: none of them traps, and what is let through can be read in one way only.
@Suite struct FuzzTests {
  @Test func whatIsForwardedMeansTheSameToTheNextReader() throws {
    let seed = fuzzSeed()
    let seeds = (mostly(Corpus.validRequests) + Corpus.invalidRequests).map(\.bytes).filter { $0.count < 4096 }
    var mutator = Mutator(random: SeededGenerator(seed: seed), seeds: seeds)
    var accepted = 0
    for round in 0..<8000 {
      let bytes = mutator.next()
      let context: Comment = "seed \(seed), round \(round): \(text(bytes).debugDescription)"
      var head = RequestHead()
      guard case .complete = head.parse(bytes) else { continue }
      accepted += 1
      let forwarded = try #require(forward(head, bytes), context)
      try expectOneReading(forwarded, of: head, bytes, context)
      try expectSameAgain(forwarded, of: head, context)
    }
    #expect(accepted > 500, "too few mutants are let through to say anything")
  }

  /// So that enough of the mutants are let through.
  private func mostly(_ cases: [CorpusCase]) -> [CorpusCase] { Array(repeating: cases, count: 8).flatMap(\.self) }

  private func expectOneReading(_ forwarded: [UInt8], of head: RequestHead, _ bytes: [UInt8], _ context: Comment)
    throws
  {
    let plain = try #require(PlainHead(forwarded), context)
    let target = text(Array(bytes[head.target]))
    #expect(plain.requestLine.count == 3, context)
    #expect(plain.requestLine.first == text(Array(bytes[head.methodName])), context)
    #expect(plain.requestLine.last == "HTTP/1.1", context)
    let origin = plain.requestLine.dropFirst().first ?? ""
    #expect(target.hasSuffix(origin) || origin == "/" || target.hasSuffix(origin.dropFirst()), context)
    #expect(origin.hasPrefix("/") || origin == "*", context)
    #expect(plain.values("HOST") == [text(Array(bytes[head.host]))], context)
    let identity = ["X_CLIENT_", "X_SSL_", "SSL_CLIENT_", "X_FORWARDED_", "X_REAL_IP", "FORWARDED", "CLIENT_CERT"]
    let ours = plain.fields.suffix(2).map { "\($0.name): \($0.value)\r\n" }.joined()
    #expect(ours == text(Corpus.identity), context)
    for field in plain.fields.dropLast(2) {
      let name = PlainHead.folded(field.name)
      let isIdentity = identity.contains {
        name.hasPrefix($0) && ($0.hasSuffix("_") || name == $0 || $0 == "CLIENT_CERT")
      }
      #expect(!isIdentity, context)
      let isHop = ["CONNECTION", "KEEP_ALIVE", "PROXY_CONNECTION", "TE", "UPGRADE", "PROXY", "EXPECT"].contains(name)
      #expect(!isHop, context)
    }
    switch head.framing {
    case .none, .untilClose:
      #expect(plain.values("CONTENT_LENGTH") + plain.values("TRANSFER_ENCODING") == [], context)
    case .length(let length):
      #expect(plain.values("CONTENT_LENGTH") == ["\(length)"] && plain.values("TRANSFER_ENCODING") == [], context)
    case .chunked:
      #expect(plain.values("TRANSFER_ENCODING") == ["chunked"] && plain.values("CONTENT_LENGTH") == [], context)
    }
  }

  /// A second proxy of the same kind understands and forwards exactly the same.
  private func expectSameAgain(_ forwarded: [UInt8], of head: RequestHead, _ context: Comment) throws {
    var again = RequestHead()
    let progress = again.parse(forwarded, limits: HeadLimits(maxBytes: 40_000, maxFields: 110))
    #expect(progress == .complete, context)
    #expect(again.byteCount == forwarded.count, context)
    #expect(again.method == head.method && again.framing == head.framing && again.keepAlive, context)
    #expect(text(forward(again, forwarded) ?? []) == text(forwarded), context)
  }

  @Test func howMutantsAreCutChangesNothing() {
    let seed = fuzzSeed()
    let seeds = (Corpus.validRequests + Corpus.invalidRequests).map(\.bytes).filter { $0.count < 1024 }
    var mutator = Mutator(random: SeededGenerator(seed: seed), seeds: seeds)
    for round in 0..<2000 {
      let bytes = mutator.next()
      let whole = RequestOutcome(bytes, ends: [bytes.count])
      let cut = RequestOutcome(bytes, ends: Array(0...bytes.count))
      #expect(cut == whole, "seed \(seed), round \(round): \(text(bytes).debugDescription)")
    }
  }

  @Test func mutantResponsesAreForwardedWholeOrRefused() throws {
    let seed = fuzzSeed()
    let seeds = (mostly(Corpus.validResponses) + Corpus.invalidResponses).map(\.bytes).filter { $0.count < 4096 }
    var mutator = Mutator(random: SeededGenerator(seed: seed), seeds: seeds)
    for round in 0..<3000 {
      let bytes = mutator.next()
      let context: Comment = "seed \(seed), round \(round): \(text(bytes).debugDescription)"
      let method = Method.allCases[round % Method.allCases.count]
      guard case .accepted(let found) = ResponseOutcome(bytes, to: method, ends: [bytes.count]) else { continue }
      let plain = try #require(PlainHead(found.forwarded), context)
      #expect(plain.requestLine.first == "HTTP/1.1", context)
      #expect(plain.requestLine.dropFirst().first == "\(found.status)", context)
      #expect(plain.values("CONTENT_LENGTH").count + plain.values("TRANSFER_ENCODING").count <= 1, context)
      if case .chunked = found.framing { #expect(plain.values("TRANSFER_ENCODING") == ["chunked"], context) }
      let saysClose = plain.values("CONNECTION") == ["close"]
      #expect(saysClose != found.keepAlive || found.status < 200, context)
    }
  }

  @Test func mutantBodiesEndWhereAnotherReaderSeesTheirEnd() {
    let seed = fuzzSeed()
    let seeds = (mostly(Corpus.validChunks) + Corpus.invalidChunks).map(\.bytes).filter { $0.count < 1024 }
    var mutator = Mutator(random: SeededGenerator(seed: seed), seeds: seeds)
    var ended = 0
    for round in 0..<6000 {
      let bytes = mutator.next()
      let context: Comment = "seed \(seed), round \(round): \(text(bytes).debugDescription)"
      let whole = ChunkOutcome(bytes, ends: [bytes.count])
      #expect(ChunkOutcome(bytes, ends: Array(0...bytes.count)).isSame(as: whole), context)
      guard case .ended(let count) = whole.end else { continue }
      ended += 1
      let plain = plainDechunk(bytes)
      #expect(plain?.payload == whole.payload, context)
      #expect(plain?.count == count, context)
    }
    #expect(ended > 300, "too few mutants are let through to say anything")
  }
}
