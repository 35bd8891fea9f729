import Foundation
import Settings
import Testing

/// Golden/good/NAME.yaml is read and its summary is NAME.txt; Golden/bad/NAME.yaml is refused with the problems in
/// NAME.txt, each in its line.
///
/// With MASTERPOOL_WRITE_GOLDEN set the texts are written instead, for a person to read before they are committed.
@Suite struct GoldenTests {
  @Test(arguments: Golden.all("good")) func isReadAsWritten(_ golden: Golden) throws {
    let bytes = try golden.bytes
    let answer: String
    do throws(Problems) {
      answer = summary(of: try Settings.read(bytes: bytes, file: golden.file, surroundings: FakeMachine()))
    } catch {
      Issue.record("\(golden) is refused: \(error)")
      return
    }
    try golden.compare(answer)
  }

  @Test(arguments: Golden.all("bad")) func isRefusedForExactlyTheseProblems(_ golden: Golden) throws {
    let bytes = try golden.bytes
    let problems: Problems
    do throws(Problems) {
      _ = try Settings.read(bytes: bytes, file: golden.file, surroundings: FakeMachine())
      Issue.record("\(golden) is taken")
      return
    } catch {
      problems = error
    }
    #expect(!problems.all.isEmpty)
    try golden.compare(problems.description)
  }

  @Test func thereAreEnoughOfBoth() {
    #expect(Golden.all("good").count >= 10)
    #expect(Golden.all("bad").count >= 50)
  }
}

struct Golden: Sendable, CustomTestStringConvertible, CustomStringConvertible {
  var folder: String
  var name: String
  /// As the problems are to call it.
  var file: String { "\(name).yaml" }
  var description: String { "\(folder)/\(file)" }
  var testDescription: String { description }

  static func all(_ folder: String) -> [Golden] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root + "/" + folder)) ?? []
    return names.filter { $0.hasSuffix(".yaml") }.sorted().map {
      Golden(folder: folder, name: String($0.dropLast(5)))
    }
  }

  /// The sources' own folder, since that is where new texts are to be written.
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().path + "/Golden"

  var bytes: [UInt8] {
    get throws { Array(try Data(contentsOf: URL(filePath: "\(Golden.root)/\(folder)/\(file)"))) }
  }

  func compare(_ answer: String) throws {
    let url = URL(filePath: "\(Golden.root)/\(folder)/\(name).txt")
    if ProcessInfo.processInfo.environment["MASTERPOOL_WRITE_GOLDEN"] != nil {
      try Data((answer + "\n").utf8).write(to: url)
    }
    let expected = try String(contentsOf: url, encoding: .utf8)
    #expect(answer + "\n" == expected, "\(self)")
  }
}
