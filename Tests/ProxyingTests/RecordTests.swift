import CLinux
import Foundation
import Testing

@testable import Proxying

@Suite struct RecordTests {
  /// A loop has one of these for each connection, idle ones too: what makes it larger makes ten thousand of them larger.
  @Test func aConnectionsRecordStaysSmall() {
    #expect(MemoryLayout<Connection>.stride <= 1536, "\(MemoryLayout<Connection>.stride)")
  }

  @Test(arguments: [0, 1, 2, 3, 47, 48, 49, 50, 96, 1000]) func aCertificateIsWrittenAsItsPEMPercentEncoded(
    _ count: Int
  ) throws {
    var generator = SystemRandomNumberGenerator()
    let der = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let base64 = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    let pem = "-----BEGIN CERTIFICATE-----\n" + (base64.isEmpty ? "" : base64 + "\n") + "-----END CERTIFICATE-----\n"
    let allowed = CharacterSet(charactersIn: "-").union(.alphanumerics)
    let expected = try #require(pem.addingPercentEncoding(withAllowedCharacters: allowed))
    #expect(written(der, room: 4096) == expected)
    #expect(written(der, room: expected.utf8.count) == expected)
    #expect(written(der, room: expected.utf8.count - 1) == nil)
  }

  private func written(_ der: [UInt8], room size: Int) -> String? {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { room in
      let count = der.withUnsafeBufferPointer { EscapedPEM.write($0, into: room) }
      return count.map { String(decoding: room[..<$0], as: UTF8.self) }
    }
  }

  @Test func largeBlocksAreKeptForTheNextUse() throws {
    let block = try #require(clinux_take_block(17000, nil, 0))
    clinux_give_block(block, nil, 0)
    #expect(clinux_take_block(16500, nil, 0) == block)
    let grown = try #require(clinux_resize_block(block, 40000, nil, 0))
    clinux_give_block(grown, nil, 0)
    #expect(clinux_take_block(0, nil, 0) == nil)
    clinux_drop_blocks()
  }
}
