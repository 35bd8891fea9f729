import Foundation
import Pool
import Settings
import Testing

/// etc/masterpool.yaml, which people start from.
@Suite struct SampleTests {
  let text: String

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    text = try String(contentsOf: root.appending(path: "etc/masterpool.yaml"), encoding: .utf8)
  }

  @Test func isTakenWithoutAProblem() throws {
    let settings = try Settings.read(text: text, file: "masterpool.yaml", surroundings: FakeMachine())
    #expect(settings.pools.map(\.name.rawValue) == ["masters"])
    #expect(settings.remarks == [])
  }

  @Test(arguments: Vocabulary.file.allPaths.filter { !$0.hasSuffix("*") })
  func namesEveryKey(path: String) throws {
    let key = try #require(path.split(separator: ".").last)
    let named = text.split(separator: "\n").contains { line in
      line.drop { " #-".contains($0) }.hasPrefix("\(key):") || line.contains("{\(key):")
    }
    #expect(named, "\(path) is not in the sample")
  }

  /// With every comment that is a setting made one, it is still the same file.
  @Test func saysOfEachKeyWhatTheReaderTakes() throws {
    let keys = Set(Vocabulary.file.allPaths.compactMap { $0.split(separator: ".").last.map(String.init) })
    let full = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { line in
        guard let setting = line.wholeMatch(of: #/(\s*)# (([a-z_]+): .*)/#)?.output, keys.contains(String(setting.3))
        else { return String(line) }
        return "\(setting.1)\(setting.2)"
      }
      .filter { !$0.contains("command: [") }
    let problems: [Problem]
    do throws(Problems) {
      let settings = try Settings.read(
        text: full.joined(separator: "\n"), file: "masterpool.yaml", surroundings: FakeMachine())
      problems = []
      #expect(settings.pools.first?.launch.command.contains("--codedir") == true)
      #expect(settings.pools.first?.launch.workingDirectory == "{slot}")
      #expect(settings.pools.first?.launch.cache.wipe == ["cache"])
    } catch {
      problems = error.all
    }
    #expect(problems == [])
  }

  /// What the sample calls a default is one: without these sections the settings are the same.
  @Test func givesTheDefaultsOfTheProxy() throws {
    let settings = try Settings.read(text: text, file: "masterpool.yaml", surroundings: FakeMachine())
    #expect(settings.proxy == ProxyLimits())
    let policy = try #require(settings.pools.first?.policy)
    var expected = PoolPolicy(size: 4)
    expected.recycle.memory = .mebibytes(600)
    expected.recycle.memoryLimit = .mebibytes(1024)
    #expect(policy == expected)
  }
}
