import Foundation
import TestSupport

/// What these tests need of the source tree and of the machine.
enum Places {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  static let worker = "\(root)/etc/masters/puppet/worker.rb"
  static let code = "\(root)/etc/demo"

  static func ruby() throws -> String { try program("ruby", "/usr/bin/ruby") }
  static func puppet() throws -> String { try program("puppet", "/usr/bin/puppet") }

  private static func program(_ name: String, _ path: String) throws -> String {
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw HarnessFailure("\(path) is missing: apt-get install puppet-agent (scripts/test does it by itself)")
    }
    return path
  }
}

func makeFolder(_ path: String) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}
