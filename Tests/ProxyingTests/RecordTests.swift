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
  ) {
    var generator = SystemRandomNumberGenerator()
    let der = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let base64 = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    let pem = "-----BEGIN CERTIFICATE-----\n" + (base64.isEmpty ? "" : base64 + "\n") + "-----END CERTIFICATE-----\n"
    let allowed = CharacterSet(charactersIn: "-").union(.alphanumerics)
    let text = der.withUnsafeBufferPointer { EscapedPEM.text(of: $0) }
    #expect(text == pem.addingPercentEncoding(withAllowedCharacters: allowed))
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
