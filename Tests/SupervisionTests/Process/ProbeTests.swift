import Foundation
import Glibc
import Pool
import TestSupport
import Testing

@testable import Supervision

/// Answers one connection after the other, the nth with the nth text, the last one for ever; nil: not at all.
private final class ScriptedServer: Sendable {
  let path: String
  private let descriptor: Int32

  init(_ path: String, _ answers: [String?]) throws {
    self.path = path
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard var address = unixAddress(path) else { throw SystemFailure("address") }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard descriptor >= 0, result == 0, listen(descriptor, 16) == 0 else { throw SystemFailure("bind \(path)") }
    self.descriptor = descriptor
    Thread.detachNewThread {
      var rest = answers[...]
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else {
          // Only here: by another thread its number could be a neighbour's before this one has noticed.
          close(descriptor)
          return
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        _ = read(connection, &buffer, buffer.count)
        if let answer = rest.first ?? nil {
          _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        } else {
          while read(connection, &buffer, buffer.count) > 0 {}
        }
        close(connection)
        if rest.count > 1 { rest.removeFirst() }
      }
    }
  }

  func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

@Suite struct ProbeTests {
  private static func answer(_ status: Int) -> String { "HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n" }

  private func with(
    _ answers: [String?], _ body: (Endpoint) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder in
      let server = try ScriptedServer("\(folder)/s", answers)
      defer { server.stop() }
      try await body(.unix(path: server.path))
    }
  }

  @Test(arguments: [
    (200, nil), (204, nil), (299, nil), (302, "GET /status was answered with 302"),
    (404, "GET /status was answered with 404"), (500, "GET /status was answered with 500"),
  ])
  func onlySuccessPasses(_ status: Int, _ why: String?) async throws {
    try await with([Self.answer(status)]) { endpoint in
      switch await probe(endpoint, path: "/status", timeout: .seconds(30)) {
      case .passed: #expect(why == nil)
      case .failed(let found): #expect(found == why)
      }
    }
  }

  @Test func silenceFails() async throws {
    try await with([nil]) { endpoint in
      let outcome = await probe(endpoint, path: "/status", timeout: .milliseconds(30))
      #expect(outcome == .failed("GET /status was not answered within 30ms"))
    }
  }

  @Test func nobodyThereFails() async {
    let outcome = await probe(.unix(path: "/no/such/socket"), path: "/", timeout: .seconds(30))
    #expect(outcome == .failed("cannot connect to unix:/no/such/socket: No such file or directory"))
  }

  @Test func aWorkerIsAskedUntilItIsReady() async throws {
    try await with(["", Self.answer(503), Self.answer(503), Self.answer(200)]) { endpoint in
      let outcome = await awaitReady(endpoint, path: "/status", timeout: .seconds(60))
      guard case .passed = outcome else {
        Issue.record("\(outcome)")
        return
      }
    }
  }

  @Test func theLastWordOfOneThatNeverGetsReadyIsTold() async throws {
    try await with([Self.answer(503)]) { endpoint in
      let outcome = await awaitReady(endpoint, path: "/status", timeout: .seconds(2))
      #expect(outcome == .failed("GET /status was answered with 503"))
    }
  }

  @Test func oneThatDiedIsNotAskedAgain() async {
    let outcome = await awaitReady(.unix(path: "/no/such/socket"), path: "/", timeout: .seconds(600)) { false }
    #expect(
      outcome
        == .failed(
          "it ended before it was ready: cannot connect to unix:/no/such/socket: No such file or directory"))
  }

  @Test func aCancelledWaitEnds() async throws {
    try await with([nil]) { endpoint in
      let task = Task { await awaitReady(endpoint, path: "/", timeout: .seconds(600)) }
      task.cancel()
      #expect(await task.value == .failed("cancelled"))
    }
  }
}
