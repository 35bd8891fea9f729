import Foundation
import Testing

@testable import Authority

@Suite struct NameTests {
  @Test(arguments: ["agent1.example.org", "web-1_a", "0", "_x", String(repeating: "a", count: 230)])
  func certnamesOfPuppetAreTaken(text: String) throws {
    #expect(try Certname(text).text == text)
  }

  @Test(arguments: [
    "", ".", "..", ".hidden", "-rf", "Agent1", "a/b", "../x", "a b", "a\n", "a\0", "ä", "ca", "a%2fb",
    String(repeating: "a", count: 231),
  ])
  func othersAreRefused(text: String) {
    #expect(throws: AuthorityFailure.self) { try Certname(text) }
  }

  @Test(arguments: ["puppet", "puppet.example.org", "*.example.org", "xn--bcher-kva.example"])
  func hostNamesAreNames(text: String) throws {
    #expect(try AlternativeName(text) == .dns(text))
  }

  @Test func addressesAreAddresses() throws {
    #expect(try AlternativeName("192.0.2.1") == .address([192, 0, 2, 1], text: "192.0.2.1"))
    #expect(
      try AlternativeName("::1") == .address([UInt8](repeating: 0, count: 15) + [1], text: "::1"))
  }

  @Test(arguments: ["", "a..b", "-a", "a b", "*", "*.org*", "192.0.2.256", "1.2.3", "a/b", "https://x", ":::"])
  func neitherIsRefused(text: String) {
    #expect(throws: AuthorityFailure.self) { try AlternativeName(text) }
  }
}

@Suite struct InventoryTests {
  static let sample = """
    0x0002 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z agent1.example valid
    0x0003 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z agent2.example valid
    0x0002 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z agent1.example revoked:2026-12-01T08:30:00Z

    """

  @Test func linesReadBackAndTheLastOneOfASerialHolds() throws {
    let inventory = try Inventory(Self.sample, path: "inventory")
    #expect(inventory.text == Self.sample)
    #expect(inventory.entries.map(\.serial) == [2, 3])
    let areRevoked = inventory.entries.map { $0.revoked != nil }
    #expect(areRevoked == [true, false])
  }

  @Test(arguments: [
    "garbage", "0x0002 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z a",
    "0x0002 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z a perhaps",
    "2 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z a valid",
    "0x0002 yesterday 2031-11-22T10:00:00Z a valid", "0x0002 2026-11-22T10:00:00Z 2031-11-22T10:00:00Z ../a valid",
  ])
  func aBrokenLineStopsItAndIsNamed(line: String) {
    let failure = #expect(throws: AuthorityFailure.self) {
      try Inventory(Self.sample + line + "\n", path: "ca/inventory")
    }
    #expect(failure?.description.hasPrefix("ca/inventory:4:") == true)
  }

  @Test func theTableShowsWhatAPersonAsksFor() throws {
    try withAuthority { authority, _ in
      let now = Date(timeIntervalSince1970: 1_900_000_000)
      try authority.issue(named: "agent1.example", now: now)
      try authority.issue(named: "b", now: now)
      _ = try authority.revoke(Certname("b"), now: now)
      let lines = try authority.contents(now: now).table.split(separator: "\n").map(String.init)
      #expect(lines[0].hasPrefix("CN=Puppet CA: test, good until 20"))
      #expect(
        Array(lines[1...]) == [
          "NAME            SERIAL  STATUS   UNTIL",
          "agent1.example  0x0002  valid    2035-03-16",
          "b               0x0003  revoked  2035-03-16 (revoked 2030-03-17)",
        ])
    }
  }
}
