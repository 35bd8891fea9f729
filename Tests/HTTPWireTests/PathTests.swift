import Seeded
import Testing

@testable import HTTPWire

@Suite struct PathTests {
  private func normalize(_ target: [UInt8], room: Int = 1000) -> (PathVerdict, [UInt8]) {
    var verdict = PathVerdict.path(0)
    let path = [UInt8](capacity: room) { verdict = normalizePath(target.span, into: &$0) }
    return (verdict, path)
  }

  @Test(arguments: [
    ("/", "/"), ("/?", "/"), ("/a", "/a"), ("/a/", "/a/"), ("/a?b=/../c", "/a"), ("*", "*"),
    ("/%61%2D%7E", "/a-~"), ("/caf%c3%a9", "/café"), ("/a%20b", "/a b"), ("/a%3f%23b", "/a?#b"),
    ("/100%25", "/100%"), ("/%25%", nil), ("/%25a", "/%a"), ("/%25ag", "/%ag"), ("/%25%25", "/%%"),
    ("/%2525", nil), ("/%25%32%35", nil), ("/%25%2541", nil), ("/%25%6", nil), ("/a%25/41", "/a%/41"),
    ("/.a", "/.a"), ("/a.", "/a."), ("/...", "/..."), ("/..a/b..", "/..a/b.."), ("/a;..", "/a;.."), ("/a/;", "/a/;"),
    ("/.;", nil), ("/..;/", nil), ("/a/;/b", nil), ("/%2e", nil), ("/a/%2E.", nil), ("/./", nil),
    ("//", nil), ("/a//", nil), ("/a/%2f", nil), ("/a\\b", nil), ("/a%5Cb", nil), ("/%", nil), ("/%0", nil),
    ("/%0g", nil),
    ("/%00", nil), ("/%1f", nil), ("/%7F", nil), ("/%80", nil), ("/%c3", nil), ("/%c0%ae", nil),
    ("/%f5%80%80%80", nil),
    ("http://a.example/b?c", "/b"), ("https://a.example:1?c", "/"), ("http://a.example", "/"),
    ("HTTP://[::1]/a", "/a"),
    ("http://a.example//b", nil), ("http:/a", nil), ("ftp://a/b", nil), ("a/b", nil), ("**", nil), ("", "/"),
  ])
  func isDecodedOnceOrRefused(target: String, path: String?) {
    let (verdict, bytes) = normalize(Array(target.utf8))
    if let path {
      #expect(text(bytes) == path)
      #expect(verdict == .path(path.utf8.count))
    } else if case .path = verdict {
      Issue.record("accepted as \(text(bytes))")
    }
  }

  @Test func whatDoesNotFitIsTooLong() {
    #expect(normalize(Array("/abc".utf8), room: 4).0 == .refused(.tooLong))
    #expect(normalize(Array("/abc".utf8), room: 5).0 == .path(4))
    #expect(normalize(Array("*".utf8), room: 0).0 == .refused(.tooLong))
  }

  @Test func anAcceptedPathHasOneMeaning() {
    let seed = fuzzSeed()
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "/", ".", "..", "a", "%", "%2e", "%2f", "%25", "2", "f", "5c", ";", "%3b", "?", "\\", "%c3", "%a9", "é",
    ]
    var accepted = 0
    for _ in 0..<8000 {
      let count = Int.random(in: 0..<9, using: &random)
      let target = "/" + (0..<count).compactMap { _ in pieces.randomElement(using: &random) }.joined()
      let (verdict, bytes) = normalize(Array(target.utf8))
      guard case .path = verdict else { continue }
      accepted += 1
      let context: Comment = "seed \(seed): \(target)"
      let path = String(validating: bytes, as: UTF8.self) ?? "not UTF-8"
      let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
      #expect(path.hasPrefix("/") && !path.contains("\\"), context)
      #expect(!segments.dropLast().contains(""), context)
      for segment in segments {
        let name = segment.prefix { $0 != ";" }
        #expect(name != "." && name != "..", context)
      }
      #expect(!path.contains(/%[0-9A-Fa-f]{2}/), context)
      #expect(Array(path.utf8) == plainDecode(target), context)
    }
    #expect(accepted > 400)
  }

  private func plainDecode(_ target: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(target.utf8.prefix { $0 != UInt8(ascii: "?") })[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), let decoded = UInt8(digits, radix: 16) {
        bytes.append(decoded)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}
