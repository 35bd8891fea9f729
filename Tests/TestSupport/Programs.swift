import Foundation

/// The programs that this package builds.
public enum Programs {
  public static var masterpool: String { path("masterpool") }
  /// The same under another version.
  public static var nextMasterpool: String { path("masterpool-next") }
  public static var stubMaster: String { path("stub-master") }
  /// Where they are.
  public static var folder: String { String(masterpool.dropLast("/masterpool".count)) }

  /// Beside the test bundle, or where MASTERPOOL_BIN_DIR says.
  private static func path(_ name: String) -> String {
    if let folder = ProcessInfo.processInfo.environment["MASTERPOOL_BIN_DIR"] { return "\(folder)/\(name)" }
    var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let candidates =
      [folder]
      + CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map { argument in
        URL(fileURLWithPath: argument).deletingLastPathComponent()
      }
    for candidate in candidates
    where FileManager.default.isExecutableFile(atPath: candidate.appendingPathComponent(name).path) {
      folder = candidate
      break
    }
    return folder.appendingPathComponent(name).path
  }
}
