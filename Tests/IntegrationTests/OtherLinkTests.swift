import CLinux
import Foundation
import Glibc
import Pool
import TestSupport
import Testing

/// A supervisor that does not speak as the proxy does that serves: of a program much older, or much newer.
@Suite struct OtherLinkTests {
  @Test func aProxyOfAnotherLinkIsFollowedByOneOfOursOnTheSameListeners() async throws {
    let setup = Setup()
    try await withTemporaryDirectory { directory in
      let yaml = setup.yaml(directory: directory)
      let (first, before) = try await startFirst(yaml, in: directory)
      let load = Load(
        Load.Plan(try address(before), connections: 3, requests: [.get(bytes: 100, "&ms=3"), .post(bytes: 5000)]))
      try await load.reached(100)
      try await murder(first)
      let door = try StrangersDoor(before: try self.door(in: directory))
      defer { door.close() }
      try await withMasterpool(yaml: yaml, in: directory, setup) { second in
        try await second.event("the other link") { $0.message.contains("speaks another version of the link") }
        let after = try await second.status("another proxy") {
          $0.state == "running" && $0.proxy.map { $0.pid != before.proxy?.pid } ?? false
        }
        #expect(after.listen == before.listen)
        #expect(pids(after) == pids(before), "workers go on")
        try await load.reached(load.report.completed + 200)
        let report = try await load.stop()
        #expect(report.failures == 0, "\(report)")
        let restarted = try await second.cli("restart", "--wait")
        #expect(restarted.status == .exited(0), "\(restarted)")
      }
    }
  }

  private func door(in directory: String) throws -> String {
    struct State: Decodable {
      struct Proxy: Decodable { var door: String }
      var proxies: [Proxy]
    }
    let data = try Data(contentsOf: URL(filePath: "\(directory)/run/state.json"))
    return try #require(JSONDecoder().decode(State.self, from: data).proxies.first).door
  }
}

/// Stands before a proxy's door and gives its greeting another version.
private final class StrangersDoor: Sendable {
  private let listening: Int32

  init(before path: String) throws {
    let real = "\(path).real"
    try move(path, to: real)
    let listening = try Self.listen(at: path)
    self.listening = listening
    Thread.detachNewThread {
      while true {
        let visitor = accept(listening, nil, nil)
        guard visitor >= 0 else { return }
        if let within = try? Self.connect(to: real) {
          Self.pass(within, on: visitor)
          Glibc.close(within)
        }
        Glibc.close(visitor)
      }
    }
  }

  func close() { shutdown(listening, Int32(SHUT_RDWR)) }

  private static func pass(_ within: Int32, on visitor: Int32) {
    var room = [UInt8](repeating: 0, count: 4096)
    var descriptors = [Int32](repeating: -1, count: Int(CLINUX_MAX_PASSED))
    var found = 0
    let count = clinux_receive_descriptors(within, &room, room.count, &descriptors, &found)
    guard count > 0 else { return }
    let greeting = String(decoding: room[..<count], as: UTF8.self)
      .replacing("\"version\":\(Link.version)", with: "\"version\":99")
    let bytes = Array(greeting.utf8)
    _ = clinux_send_descriptors(visitor, bytes, bytes.count, descriptors, found)
    for descriptor in descriptors[..<found] { Glibc.close(descriptor) }
    // Until the visitor has taken it and left.
    _ = read(visitor, &room, room.count)
  }

  private static func listen(at path: String) throws -> Int32 {
    let (address, descriptor) = try socket(path)
    guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 4) == 0 else {
      throw SystemFailure("bind \(path)")
    }
    return descriptor
  }

  private static func connect(to path: String) throws -> Int32 {
    let (address, descriptor) = try socket(path)
    guard address.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
      throw SystemFailure("connect \(path)")
    }
    return descriptor
  }

  private static func socket(_ path: String) throws -> (Address, Int32) {
    let address = Address.unix(path)
    let descriptor = address.makeSocket(type: Int32(SOCK_STREAM.rawValue))
    guard descriptor >= 0 else { throw SystemFailure("socket") }
    return (address, descriptor)
  }
}
