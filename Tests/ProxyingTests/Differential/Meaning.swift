import Foundation

/// What a reader takes a request for. All texts are Latin-1, a character for each byte.
struct Meaning: Codable, Equatable, Sendable, CustomStringConvertible {
  var method: String
  /// Path and query as they stand in the request line.
  var target: String
  /// By name as CGI folds it; values of the same name as one list, in order of the alphabet, since readers that join
  /// them do so in their own order.
  private(set) var fields: [String: [String]] = [:]
  var body: String

  init(method: String, target: String, fields: [(String, String)], body: [UInt8]) {
    self.method = method
    self.target = target
    self.body = latin1(body)
    for (name, value) in fields {
      let folded = String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
      if Self.ofOneHop.contains(folded) { continue }
      let parts = value.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
      self.fields[folded] = ((self.fields[folded] ?? []) + parts).sorted()
    }
  }

  /// Each hop frames and keeps its connections as it likes; and HTTP_VERSION is a variable of CGI's own.
  private static let ofOneHop: Set = ["CONTENT_LENGTH", "TRANSFER_ENCODING", "CONNECTION", "VERSION"]

  var description: String {
    let lines = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "\(method) \(target) \(lines.joined(separator: " ")) body=\(body.debugDescription)"
  }
}

/// As it crosses a header of an answer: names and values as the reader has them.
struct SpokenMeaning: Codable {
  var method: String
  var target: String
  var fields: [[String]]
  var body: String

  var meaning: Meaning {
    Meaning(
      method: method, target: target, fields: fields.map { ($0.first ?? "", $0.last ?? "") },
      body: body.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
  }
}

/// A request as a simple-minded reader takes it: split at CR LF and at the first colon, its body by whichever framing
/// field is there. Written without the parser under test.
enum PlainReading {
  case partial
  case malformed(String)
  /// With so many bytes in all.
  case whole(SpokenMeaning, Int)

  init(_ bytes: [UInt8]) {
    guard let end = bytes.firstRange(of: [13, 10, 13, 10]) else {
      self = .partial
      return
    }
    let lines = latin1(Array(bytes[..<end.lowerBound])).split(
      separator: "\r\n" as Character, omittingEmptySubsequences: false)
    let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
    var fields: [(String, String)] = []
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else {
        self = .malformed("line \(line)")
        return
      }
      fields.append((String(line[..<colon]), trimmed(line[line.index(after: colon)...])))
    }
    guard words.count == 3, words[2] == "HTTP/1.1" else {
      self = .malformed("request line \(lines[0])")
      return
    }
    switch PlainBody(Array(bytes[end.upperBound...]), framedBy: fields) {
    case .partial: self = .partial
    case .malformed(let why): self = .malformed(why)
    case .whole(let body, let count):
      let spoken = SpokenMeaning(
        method: String(words[0]), target: String(words[1]), fields: fields.map { [$0.0, $0.1] }, body: latin1(body))
      self = .whole(spoken, end.upperBound + count)
    }
  }
}

private enum PlainBody {
  case partial
  case malformed(String)
  case whole([UInt8], Int)

  init(_ bytes: [UInt8], framedBy fields: [(String, String)]) {
    func values(_ name: String) -> [String] { fields.filter { $0.0.lowercased() == name }.map(\.1) }
    switch (values("content-length"), values("transfer-encoding")) {
    case ([], []): self = .whole([], 0)
    case (let lengths, []) where lengths.count == 1:
      guard let length = Int(lengths[0]), length >= 0 else {
        self = .malformed("length \(lengths)")
        return
      }
      self = bytes.count < length ? .partial : .whole(Array(bytes[..<length]), length)
    case ([], ["chunked"]): self = PlainBody(chunked: bytes)
    case (let lengths, let codings): self = .malformed("framed by \(lengths) and \(codings)")
    }
  }

  private init(chunked bytes: [UInt8]) {
    var body: [UInt8] = []
    var at = 0
    while true {
      guard let end = bytes[at...].firstRange(of: [13, 10]) else {
        self = .partial
        return
      }
      let line = latin1(Array(bytes[at..<end.lowerBound]))
      guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0 else {
        self = .malformed("chunk size \(line)")
        return
      }
      at = end.upperBound
      guard bytes.count >= at + size + 2 else {
        self = .partial
        return
      }
      guard bytes[at + size] == 13, bytes[at + size + 1] == 10 else {
        self = size > 0 ? .malformed("no end of chunk") : .malformed("trailers")
        return
      }
      body += bytes[at..<(at + size)]
      at += size + 2
      if size == 0 {
        self = .whole(body, at)
        return
      }
    }
  }
}

func latin1(_ bytes: [UInt8]) -> String {
  var text = String.UnicodeScalarView()
  text.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
  return String(text)
}

private func trimmed(_ text: some StringProtocol) -> String {
  text.trimmingCharacters(in: CharacterSet(charactersIn: " \t"))
}
