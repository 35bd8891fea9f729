import Glibc
import Testing

@testable import Supervision

@Suite struct ProcessTableTests {
  static let tail = "1 77 77 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 99 100"

  @Test(arguments: ["sh", "a) R 9 9", "(((", "with space", ")", ""])
  func aNameCannotForgeFields(_ name: String) throws {
    let entry = try #require(ProcessTable.Entry(stat: Array("77 (\(name)) S \(Self.tail)".utf8)))
    #expect(entry.pid == 77 && entry.parent == 1 && entry.group == 77 && !entry.isZombie)
    #expect(entry.startTime == 4242)
  }

  @Test(arguments: ["", "77", "77 (sh", "77 (sh) S 1 77", "x (sh) S \(tail)", "77 )sh( S \(tail)"])
  func whatIsNoSuchLineIsNone(_ text: String) {
    #expect(ProcessTable.Entry(stat: Array(text.utf8)) == nil)
  }

  @Test func zombiesAreKnown() throws {
    #expect(try #require(ProcessTable.Entry(stat: Array("77 (sh) Z \(Self.tail)".utf8))).isZombie)
  }

  @Test func weAreThere() throws {
    let own = try #require(ProcessTable.entry(of: getpid()))
    #expect(own.parent == getppid() && own.group == getpgid(0))
    #expect(ProcessTable.pids().contains(getpid()))
    #expect(ProcessTable.entry(of: Int32.max) == nil)
  }

  @Test(arguments: [
    ("0", 0), ("2147483647", 2_147_483_647), ("2147483648", nil), ("", nil), ("-1", nil), ("1x", nil),
  ])
  func numbersNeverTrap(_ text: String, _ value: Int32?) {
    #expect(Int32(decimal: text.utf8) == value)
  }
}
