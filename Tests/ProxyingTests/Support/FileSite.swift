import Foundation
import Pool
import TestSupport

/// A proxy with a folder of files below `/files/` and one worker that echoes.
struct FileSite: Sendable {
  let proxy: RunningProxy
  let origin: Origin
  let folder: String
  /// Nil: in the clear.
  let tls: TLSClient?

  enum Door: CaseIterable, Sendable { case clear, tls }

  func visit<Value: Sendable>(
    _ body: @escaping @Sendable (inout Agent) throws -> Value
  ) async throws -> Value { try await agent(at: proxy.address, tls: tls, body) }

  /// On a connection of its own.
  func text(_ path: String) async throws -> String {
    try await request("GET", path, at: proxy.address, tls: tls).text
  }

  /// Written aside and renamed, as a deploy does.
  func put(_ name: String, _ bytes: [UInt8]) throws {
    let aside = "\(folder)/.aside"
    let descriptor = open(aside, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o644)
    defer { close(descriptor) }
    guard write(descriptor, bytes, bytes.count) == bytes.count, rename(aside, "\(folder)/\(name)") == 0 else {
      throw SystemFailure("writing \(name)")
    }
  }

  /// How often this process has the file open.
  func openings(of name: String) -> Int {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return numbers.count { number in
      let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
      return path?.hasPrefix("\(folder)/\(name)") == true
    }
  }
}

func withFiles(
  _ arrangement: Arrangement = Arrangement(), behind door: FileSite.Door = .clear,
  _ body: (FileSite) async throws -> Void
) async throws {
  try await withTemporaryDirectory { place in
    let folder = "\(place)/files"
    mkdir(folder, 0o755)
    var arrangement = arrangement
    arrangement.files = FilePlan(folders: [FileFolder(path: "/files/", folder: folder)])
    var client: TLSClient?
    if door == .tls {
      let certificates = try await Certificates.make(in: place, clients: [])
      arrangement.listeners[0].tls = TLSConfiguration(
        certificate: certificates.serverCertificate, privateKey: certificates.serverKey)
      client = try certificates.client(nil)
    }
    try await withProxy(arrangement, worker: echo) { [client] proxy, origin in
      try await body(FileSite(proxy: proxy, origin: origin, folder: folder, tls: client))
    }
  }
}

/// So many bytes, of which no two longer stretches are alike at a chunk's distance.
func fileBytes(_ count: Int, seed: UInt8 = 0) -> [UInt8] {
  let block = patternBytes(100_003).map { $0 ^ seed }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + block.count)
  while bytes.count < count { bytes += block }
  bytes.removeLast(bytes.count - count)
  return bytes
}
