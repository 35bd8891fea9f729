import Foundation
import Pool
import Settings
import Testing

/// Golden/good/NAME.yaml, with the drop-ins in NAME.d where there are any, is read and its summary is NAME.txt; Golden/bad/NAME.yaml is refused with the problems in
/// NAME.txt, each in its line.
///
/// With MASTERPOOL_WRITE_GOLDEN set the texts are written instead, for a person to read before they are committed.
@Suite struct GoldenTests {
  @Test(arguments: Golden.all("good")) func isReadAsWritten(_ golden: Golden) throws {
    let answer: String
    do throws(Problems) {
      answer = summary(of: try golden.read())
    } catch {
      Issue.record("\(golden) is refused: \(error)")
      return
    }
    try golden.compare(answer)
  }

  @Test(arguments: Golden.all("bad")) func isRefusedForExactlyTheseProblems(_ golden: Golden) throws {
    let problems: Problems
    do throws(Problems) {
      _ = try golden.read()
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

  /// With its drop-ins.
  func read() throws(Problems) -> Settings {
    var texts: [SettingsText] = []
    var problems: [Problem] = []
    for name in [file] + dropIns {
      do throws(Problems) {
        let bytes = FileManager.default.contents(atPath: "\(Golden.root)/\(folder)/\(name)").map(Array.init) ?? []
        texts.append(try SettingsText(bytes: bytes, file: name))
      } catch {
        problems += error.all
      }
    }
    guard problems.isEmpty else { throw Problems(problems) }
    return try Settings.read(texts, surroundings: FakeMachine())
  }

  private var dropIns: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(Golden.root)/\(folder)/\(name).d")) ?? []
    return names.filter(Settings.isDropIn).sorted().map { "\(name).d/\($0)" }
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
