import Seeded
import Testing

@testable import HTTPWire

private typealias Progress = ProxyHeader.Progress

private func parse(_ bytes: [UInt8]) -> Progress { ProxyHeader.parse(bytes.span) }
private func parse(_ text: String) -> Progress { parse(Array(text.utf8)) }

private let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

/// A header of version 2: command, family and protocol, and what follows them.
private func v2(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
  let length = length ?? rest.count
  return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xff)] + rest
}

private func v2(_ family: UInt8, _ rest: [UInt8]) -> [UInt8] { v2(0x21, family, rest) }

/// 192.0.2.1:4660 to 192.0.2.2:8140
private let v4Block: [UInt8] = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 0x1f, 0xcc]
private let v4Source = ProxyHeader.Source.v4(0xc000_0201)
/// From 2001:db8::7
private let v6Block: [UInt8] =
  [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [7] + [UInt8](repeating: 1, count: 16) + [0, 1, 0, 2]
private let v6Source = ProxyHeader.Source.v6(high: 0x2001_0db8_0000_0000, low: 7)

@Suite struct ProxyHeaderTests {
  @Test(arguments: [
    ("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", v4Source),
    ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", .v4(.max)),
    ("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", .v4(0)),
    ("PROXY TCP6 2001:db8::7 ::1 1 2\r\n", v6Source),
    ("PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 2\r\n", v6Source),
    ("PROXY TCP6 :: 1:2:3:4:5:6:7:: 1 2\r\n", .v6(high: 0, low: 0)),
    ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", .v6(high: 0, low: 0xffff_c000_0201)),
    (
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      .v6(high: .max, low: .max)
    ),
    ("PROXY UNKNOWN\r\n", .unknown),
    ("PROXY UNKNOWN ffff:f...f:ffff anything at all\r\n", .unknown),
  ])
  func takesLines(_ line: String, _ source: ProxyHeader.Source) {
    let bytes = Array(line.utf8)
    for rest in [[], Array("GET / HTTP/1.1\r\n".utf8), [0x16, 0x03, 0x01]] {
      #expect(parse(bytes + rest) == .complete(source, byteCount: bytes.count))
    }
    for count in 0..<bytes.count { #expect(parse(Array(bytes[..<count])) == .incomplete) }
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n", ProxyHeader.Refusal.missing), ("\u{16}\u{3}\u{1}", .missing), ("proxy TCP4", .missing),
    (" PROXY", .missing), ("PROXYTCP4", .missing), ("\r\n\r\nPROXY", .missing),
    ("PROXY\r\n", .missing), ("PROXY \r\n", .malformedLine), ("PROXY TCP5 1 2 3 4\r\n", .malformedLine),
    ("PROXY UNKNOWNS\r\n", .malformedLine), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", .malformedLine),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", .malformedLine), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", .malformedLine),
    ("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", .malformedLine), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", .malformedLine),
    ("PROXY TCP4\r\n", .malformedLine), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", .badAddress),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", .badAddress), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n", .badAddress),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", .badAddress), ("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", .badAddress),
    ("PROXY TCP4 1.2.3.4.5 1.2.3.4 1 2\r\n", .badAddress), ("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", .badAddress),
    ("PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", .badAddress), ("PROXY TCP4 ::1 1.2.3.4 1 2\r\n", .badAddress),
    ("PROXY TCP4 1.2.3.4 x 1 2\r\n", .badAddress), ("PROXY TCP6 1.2.3.4 ::1 1 2\r\n", .badAddress),
    ("PROXY TCP6 ::1::2 ::1 1 2\r\n", .badAddress), ("PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n", .badAddress),
    ("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n", .badAddress), ("PROXY TCP6 :1 ::1 1 2\r\n", .badAddress),
    ("PROXY TCP6 1:2:3:4:5:6:7:8:: ::1 1 2\r\n", .badAddress), ("PROXY TCP6 12345:: ::1 1 2\r\n", .badAddress),
    ("PROXY TCP6 1: ::1 1 2\r\n", .badAddress), ("PROXY TCP6 ::1%eth0 ::1 1 2\r\n", .badAddress),
    ("PROXY TCP6 1:2:3:4:5:6:7:1.2.3.4 ::1 1 2\r\n", .badAddress), ("PROXY TCP6 ::: ::1 1 2\r\n", .badAddress),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2" + String(repeating: "9", count: 100), .tooLong),
  ])
  func refusesOtherLines(_ line: String, _ refusal: ProxyHeader.Refusal) {
    #expect(parse(line) == .refused(refusal))
  }

  @Test func takesTheBinaryForm() {
    let cases: [([UInt8], ProxyHeader.Source)] = [
      (v2(0x11, v4Block), v4Source),
      (v2(0x21, v6Block), v6Source),
      // Fields behind the addresses: ALPN, an empty one, an unknown one.
      (v2(0x11, v4Block + [1, 0, 2, 0x68, 0x32, 4, 0, 0, 0xea, 0, 3, 1, 2, 3]), v4Source),
      (v2(0x20, 0, []), .unknown),
      (v2(0x20, 0x11, v4Block), .unknown),
      // The balancer's own check says nothing, whatever it says.
      (v2(0x20, 0xff, [9, 9, 9]), .unknown),
      (v2(0x21, 0x00, [1, 2, 3]), .unknown),
      (v2(0x21, 0x12, v4Block), .unknown),
      (v2(0x21, 0x22, v6Block), .unknown),
      (v2(0x21, 0x31, [UInt8](repeating: 0x2f, count: 216)), .unknown),
      (v2(0x21, 0x11, v4Block + field(4, [UInt8](repeating: 0, count: 4096 - 16 - 12 - 3))), v4Source),
    ]
    for (bytes, source) in cases {
      #expect(parse(bytes) == .complete(source, byteCount: bytes.count))
      #expect(parse(bytes + [0x16, 3, 1]) == .complete(source, byteCount: bytes.count))
      for count in 0..<min(bytes.count, 300) { #expect(parse(Array(bytes[..<count])) == .incomplete) }
    }
  }

  @Test func refusesOtherBinaryForms() {
    let cases: [([UInt8], ProxyHeader.Refusal)] = [
      (signature.dropLast() + [0x0b], .missing),
      (signature + [0x11], .unknownVersion), (signature + [0x31], .unknownVersion),
      (signature + [0x22], .unknownCommand),
      (v2(0x21, 0x41, v4Block), .unknownFamily), (v2(0x21, 0x13, v4Block), .unknownFamily),
      (v2(0x21, 0x11, Array(v4Block.dropLast())), .truncated), (v2(0x21, 0x21, v4Block), .truncated),
      (v2(0x21, 0x31, v6Block), .truncated),
      (v2(0x21, 0x11, v4Block, length: 4081), .tooLong), (v2(0x20, 0x00, [], length: 65535), .tooLong),
      (v2(0x21, 0x11, v4Block + [1]), .badField), (v2(0x21, 0x11, v4Block + [1, 0]), .badField),
      (v2(0x21, 0x11, v4Block + [1, 0, 2, 0]), .badField), (v2(0x21, 0x11, v4Block + [1, 0xff, 0xff, 0]), .badField),
      (v2(0x21, 0x11, v4Block + field(3, [1, 2, 3])), .badField),
      (v2(0x21, 0x11, v4Block + field(3, [1, 2, 3, 4])), .badChecksum),
    ]
    for (bytes, refusal) in cases { #expect(parse(bytes) == .refused(refusal), "\(refusal): \(bytes)") }
  }

  /// The checksum as HAProxy 2.6 writes it with proxy-v2-options crc32c: CRC32c of `123456789` is 0xe3069283.
  @Test func checksAChecksum() {
    var sum: UInt32 = ~0
    let unsigned = v2(0x21, 0x11, v4Block + field(3, [0, 0, 0, 0]))
    for byte in unsigned { sum = crc32c(sum, byte) }
    #expect(~Array("123456789".utf8).reduce(~0, crc32c) == 0xe306_9283)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: ~sum >> UInt32(24 - 8 * $0)) }
    let signed = v2(0x21, 0x11, v4Block + field(3, bytes))
    #expect(parse(signed) == .complete(v4Source, byteCount: signed.count))
    for index in 16..<28 {
      var damaged = signed
      damaged[index] ^= 0x10
      #expect(parse(damaged) == .refused(.badChecksum))
    }
  }

  private func field(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
    [type, UInt8(value.count >> 8), UInt8(value.count & 0xff)] + value
  }

  private func crc32c(_ sum: UInt32, _ byte: UInt8) -> UInt32 {
    (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82f6_3b78 }
  }

  /// Whatever comes, it never falls, and never takes more than is there.
  @Test func bearsWhatever() {
    var generator = SeededGenerator(seed: fuzzSeed())
    let whole = [v2(0x11, v4Block), v2(0x21, v6Block), Array("PROXY TCP6 ::1 ::2 1 2\r\n".utf8)]
    for round in 0..<20_000 {
      var bytes = whole[round % whole.count]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes = Array(bytes[..<Int.random(in: 0...bytes.count, using: &generator)])
      if case .complete(_, let count) = parse(bytes) { #expect(count <= bytes.count) }
    }
  }
}
