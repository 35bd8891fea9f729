import Control
import Foundation
import Pool

/// What the shell offers: asked of the running supervisor, and nothing where none answers at once.
enum Completing {
  /// A person waits at the key.
  static let patience = Duration.seconds(1)

  @Sendable static func settings(_ words: [String], _ index: Int, _ prefix: String) async -> [String] {
    await all(words).map(\.key)
  }

  /// `KEY=`, and behind it what is in force.
  @Sendable static func assignments(_ words: [String], _ index: Int, _ prefix: String) async -> [String] {
    let settings = await all(words).filter { $0.change != .restart }
    guard prefix.contains("=") else { return settings.map { "\($0.key)=" } }
    return settings.filter { prefix.hasPrefix("\($0.key)=") }.compactMap { setting in
      setting.value.map { "\(setting.key)=\($0)" }
    }
  }

  @Sendable static func pools(_ words: [String], _ index: Int, _ prefix: String) async -> [String] {
    await status(words)?.pools.map(\.name.rawValue) ?? []
  }

  @Sendable static func slots(_ words: [String], _ index: Int, _ prefix: String) async -> [String] {
    await status(words)?.pools.flatMap { pool in Set(pool.workers.map(\.slot)).sorted().map { "\(pool.name)/\($0)" } }
      ?? []
  }

  @Sendable static func targets(_ words: [String], _ index: Int, _ prefix: String) async -> [String] {
    await pools(words, index, prefix) + slots(words, index, prefix)
  }

  private static func all(_ words: [String]) async -> [SettingsDocument.Setting] {
    (try? await client(words).settings(within: patience))?.settings ?? []
  }

  private static func status(_ words: [String]) async -> StatusDocument? {
    try? await client(words).status(within: patience)
  }

  /// Where the line itself says so, or as for every other command.
  private static func client(_ words: [String]) -> ControlClient { ControlOptions.client(named(words)) }

  private static func named(_ words: [String]) -> String? {
    if let index = words.firstIndex(of: "--control"), index + 1 < words.count { return words[index + 1] }
    return words.first { $0.hasPrefix("--control=") }.map { String($0.dropFirst("--control=".count)) }
  }
}
