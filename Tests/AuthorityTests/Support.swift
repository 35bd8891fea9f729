import Foundation
import Testing

@testable import Authority

/// A folder of the test's own, gone at its end.
@discardableResult
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("authority-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// An authority with a small key, in `ca` below the folder.
@discardableResult
func withAuthority<Result>(
  _ kind: KeyKind = .p256, _ body: (Authority, String) throws -> Result
) throws -> Result {
  try withFolder { folder in
    let path = "\(folder)/ca"
    return try body(Authority.initialize(at: path, name: "Puppet CA: test", key: kind), path)
  }
}

struct Output {
  var status: Int32
  /// Standard output and error, in the order in which they came.
  var text: String
}

/// Runs a tool that stands for the peers: `openssl`, `ruby`.
func tool(_ arguments: String...) throws -> Output {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  try process.run()
  let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return Output(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
}

func mode(_ path: String) throws -> Int {
  let attributes = try FileManager.default.attributesOfItem(atPath: path)
  return try #require(attributes[.posixPermissions] as? Int)
}

func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

extension Authority {
  @discardableResult
  func issue(
    named name: String, dns: [String] = [], key: KeyKind? = nil, days: Int = Authority.nodeDays, now: Date = Date()
  ) throws -> Issued {
    try issue(
      Certname(name), alternatives: dns.map { try AlternativeName($0) }, key: key, days: days, now: now)
  }
}
