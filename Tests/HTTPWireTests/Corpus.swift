import FoundationEssentials
import Testing

@testable import HTTPWire

/// The raw messages under `Corpus/` and what is expected of each; `Corpus/README.md` says how they are written.
enum Corpus {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

  static let validRequests = cases("requests/valid")
  static let invalidRequests = cases("requests/invalid")
  static let validResponses = cases("responses/valid")
  static let invalidResponses = cases("responses/invalid")
  static let validChunks = cases("chunks/valid")
  static let invalidChunks = cases("chunks/invalid")

  static let limits = HeadLimits(maxBytes: 32768)
  static let identity = Array("X-Client-Verify: SUCCESS\r\nX-Client-DN: CN=agent01.example.com\r\n".utf8)

  private static func cases(_ path: String) -> [CorpusCase] {
    let folder = folder.appending(path: path)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
    return names.filter { $0.hasSuffix(".http") }.sorted().map { CorpusCase(folder, String($0.dropLast(5))) }
  }
}

struct CorpusCase: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]
  private let fields: [String: String]
  /// The head under `forwarded:`, with CR LF.
  let forwarded: [UInt8]

  init(_ folder: URL, _ name: String) {
    self.name = name
    bytes = CorpusCase.read(folder.appending(path: "\(name).http"))
    let expectation = CorpusCase.read(folder.appending(path: "\(name).expect"))
    let marker = Array("forwarded:\n".utf8)
    let split = expectation.firstRange(of: marker)
    let text = String(decoding: expectation[..<(split?.lowerBound ?? expectation.endIndex)], as: UTF8.self)
    fields = Dictionary(
      text.split(separator: "\n").map { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        return (String(parts[0]), parts.count > 1 ? String(parts[1].dropFirst()) : "")
      }, uniquingKeysWith: { $1 })
    forwarded = expectation[(split?.upperBound ?? expectation.endIndex)...].flatMap { $0 == 10 ? [13, 10] : [$0] }
  }

  var testDescription: String { name }

  subscript(key: String) -> String { fields[key] ?? "" }

  private static func read(_ url: URL) -> [UInt8] {
    (try? Data(contentsOf: url)).map { Array($0) } ?? []
  }
}

/// Lengths at which to cut a message: each one, but for the few huge ones.
func cutLengths(_ count: Int) -> [Int] {
  count <= 2048 ? Array(0..<count) : Array(0..<1024) + stride(from: 1024, to: count, by: 509)
}

/// Runs `body` with an output of `capacity` bytes, and returns what was written, or nil where `body` says false.
func written(capacity: Int = 80_000, _ body: (inout OutputSpan<UInt8>) -> Bool) -> [UInt8]? {
  var fits = false
  let bytes = [UInt8](capacity: capacity) { output in fits = body(&output) }
  return fits ? bytes : nil
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
