import Foundation
import TestSupport

/// A Puppet worker by itself, without a front.
struct PuppetWorker: Sendable {
  let folder: String
  let process: Child
  var slot: String { "\(folder)/slot" }
  var address: Address { .unix("\(folder)/worker.sock") }

  /// A request as the front sends it, from a verified node unless told otherwise.
  func ask(
    _ target: String, method: String = "GET", from node: String? = "web-1.demo", headers: [(String, String)] = [],
    body: [UInt8] = []
  ) async throws -> HTTPResponse {
    try await request(
      method, target, headers: Self.identity(node) + headers, body: body, at: address, within: .seconds(60))
  }

  static func identity(_ node: String?) -> [(String, String)] {
    let accept = [("Accept", "application/json, application/octet-stream")]
    guard let node else { return accept + [("X-Client-Verify", "NONE")] }
    return accept + [("X-Client-Verify", "SUCCESS"), ("X-Client-DN", "CN=\(node)")]
  }
}

/// A site with one environment made of this manifest, and a worker for it.
func withPuppetWorker(
  manifest: String = "", configuration: String = "", options: [String] = [],
  _ body: (PuppetWorker) async throws -> Void
) async throws {
  try await withTemporaryDirectory { folder in
    let process = try startPuppetWorker(
      in: folder, manifest: manifest, configuration: configuration, options: options)
    do {
      try await process.says("takes requests")
      try await body(PuppetWorker(folder: folder, process: process))
    } catch {
      process.send(SIGKILL)
      throw HarnessFailure("\(error)\nThe worker's log:\n\(process.standardError)")
    }
    process.send(SIGTERM)
    guard try await process.end() == .exited(0) else {
      throw HarnessFailure("the worker did not end well:\n\(process.standardError)")
    }
  }
}

func startPuppetWorker(
  in folder: String, manifest: String = "", configuration: String = "", options: [String] = []
) throws -> Child {
  let environment = "\(folder)/code/environments/production"
  for path in ["\(folder)/slot", "\(folder)/conf", "\(environment)/manifests", "\(environment)/modules/files/files"] {
    try makeFolder(path)
  }
  try manifest.write(toFile: "\(environment)/manifests/site.pp")
  try configuration.write(toFile: "\(folder)/conf/puppet.conf")
  try "hello\n".write(toFile: "\(environment)/modules/files/files/with a space.txt", mode: 0o644)
  let arguments = [
    Places.worker, "--socket", "\(folder)/worker.sock", "--slot", "\(folder)/slot", "--confdir", "\(folder)/conf",
    "--codedir", "\(folder)/code", "--ssldir", "\(folder)/kept/ssl", "--reportdir", "\(folder)/kept/reports",
    "--bucketdir", "\(folder)/kept/bucket", "--title", "masters/0",
  ]
  return try Child(try Places.ruby(), arguments + options)
}
