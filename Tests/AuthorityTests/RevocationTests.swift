import Foundation
import Testing

@testable import Authority

@Suite struct RevocationTests {
  @Test func revokingTwiceSaysSoAndChangesNothing() throws {
    try withAuthority { authority, path in
      try authority.issue(named: "web1")
      let time = Date(timeIntervalSince1970: 1_900_000_000)
      #expect(try authority.revoke(Certname("web1"), now: time) == .now(serials: [2]))
      let (list, inventory) = (try text("\(path)/crl.pem"), try text("\(path)/inventory"))
      #expect(try authority.revoke(Certname("web1")) == .already(serials: [2], since: time))
      #expect(try text("\(path)/crl.pem") == list)
      #expect(try text("\(path)/inventory") == inventory)
    }
  }

  @Test func anUnknownNameIsRefused() throws {
    try withAuthority { authority, _ in
      #expect(throws: AuthorityFailure.self) { try authority.revoke(Certname("nobody")) }
    }
  }

  @Test func aRevocationThatWasCutOffIsCompleted() throws {
    try withAuthority { authority, path in
      try authority.issue(named: "web1")
      let before = try text("\(path)/inventory")
      _ = try authority.revoke(Certname("web1"))
      // As if it had died between the list and the inventory.
      try before.write(toFile: "\(path)/inventory", atomically: true, encoding: .utf8)
      #expect(try authority.revoke(Certname("web1")) == .now(serials: [2]))
      #expect(try authority.contents().certificates.map(\.status) == [.revoked])
    }
  }

  @Test func aLostListIsMadeAnewFromTheInventory() throws {
    try withAuthority { authority, path in
      for name in ["a", "b"] {
        try authority.issue(named: name)
        _ = try authority.revoke(Certname(name))
      }
      let number = try #require(try authority.presentList()?.number)
      try FileManager.default.removeItem(atPath: "\(path)/crl.pem")
      _ = try authority.revoke(Certname("a"))
      let list = try #require(try authority.presentList())
      #expect(list.revocations.map(\.serial) == [2, 3])
      #expect(list.number > number)
    }
  }

  @Test(arguments: [1_790_000_000.0, 2_600_000_000], [[], [2], [2, 300, 70_000]] as [[UInt64]])
  func aListReadsBackAsItWasWritten(time: Double, serials: [UInt64]) throws {
    let date = Date(timeIntervalSince1970: time)
    let list = RevocationList(
      number: 200, issued: date,
      revocations: serials.map { RevocationList.Revocation(serial: $0, date: date.addingTimeInterval(-5)) })
    try withAuthority { authority, _ in
      let pem = try list.signed(by: authority.issuer())
      #expect(try RevocationList(pem: pem) == list)
    }
  }

  @Test func numbersOnlyGrow() throws {
    try withAuthority { authority, _ in
      var last = try #require(try authority.presentList()).number
      for name in ["a", "b", "c"] {
        try authority.issue(named: name)
        _ = try authority.revoke(Certname(name))
        let number = try #require(try authority.presentList()).number
        #expect(number > last)
        last = number
      }
    }
  }
}
