import Seeded
import Settings
import Testing

/// Files damaged at random, from a fixed seed: the reader says what is wrong or takes them, and never falls.
@Suite struct DamageTests {
  static let roundsPerFile = 25

  @Test(arguments: Golden.all("good") + Golden.all("bad"))
  func anyDamageIsTakenOrExplained(_ golden: Golden) throws {
    var chance = SeededGenerator(seed: golden.name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    let whole = try golden.bytes
    for round in 0..<Self.roundsPerFile {
      let damaged = damage(whole, &chance)
      do throws(Problems) {
        let settings = try Settings.read(bytes: damaged, file: golden.file, surroundings: FakeMachine())
        #expect(!settings.listen.isEmpty && !settings.pools.isEmpty && !summary(of: settings).isEmpty)
      } catch {
        check(error, lines: damaged.count { $0 == UInt8(ascii: "\n") } + 1, "\(golden) in round \(round)")
      }
    }
  }

  private func check(_ problems: Problems, lines: Int, _ name: String) {
    #expect(!problems.all.isEmpty, "\(name): refused for nothing")
    let places = problems.all.map { [$0.line, $0.column] }
    let ordered = places.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(places == ordered, "\(name): not in the file's order")
    for problem in problems.all {
      let text = problem.description
      #expect(problem.line >= 1 && problem.column >= 1, "\(name): \(text)")
      let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 }
      #expect(isPlain, "\(name): \(text.debugDescription)")
      #expect(text.utf8.count < 2000, "\(name): \(text)")
      #expect(!problem.what.isEmpty && !problem.instead.isEmpty, "\(name): \(text)")
    }
  }

  private func damage(_ bytes: [UInt8], _ chance: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    let odd: [[UInt8]] =
      [
        "\t", "\u{1}", "{", "}", "[", "]", ":", ": ", "- ", "\"", "'", "#", "&a ", "*a ", "!x ", "<<: ", "? ", "%",
        "|\n",
        ">\n", "\n", "\r", "\u{85}", "\u{2028}", "é", "👩‍👩‍👧", "-", "999999999999999999999", "~", "null", "---\n",
        "...\n",
        "\u{FEFF}", "\u{E000}",
      ].map { Array($0.utf8) } + [[0xFF], [0], [0xC3]]
    for _ in 0...Int.random(in: 0...3, using: &chance) {
      let at = Int.random(in: 0...bytes.count, using: &chance)
      switch Int.random(in: 0..<5, using: &chance) {
      case 0: bytes.insert(contentsOf: odd.randomElement(using: &chance) ?? [], at: at)
      case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 0...12, using: &chance)))
      case 2: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 40)], at: at)
      case 3: bytes.removeLast(bytes.count - at)
      default: if at < bytes.count { bytes[at] = UInt8.random(in: 0x20...0x7E, using: &chance) }
      }
    }
    return bytes
  }
}
