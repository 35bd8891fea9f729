import Foundation
import TestSupport

/// An agent's connection in a test's hands, on a thread of its own.
func agent<Value: Sendable>(
  at address: Address, tls: TLSClient? = nil,
  _ body: @escaping @Sendable (inout Agent) throws -> Value
) async throws -> Value {
  try await onThread {
    var agent = Agent(wire: try Wire(to: address, tls: tls, before: .patient))
    return try body(&agent)
  }
}

struct Agent: ~Copyable {
  let wire: Wire
  private var reader = ResponseReader()

  init(wire: consuming Wire) { self.wire = wire }

  func send(_ text: String) throws { try send(Array(text.utf8)) }
  func send(_ bytes: [UInt8]) throws { try wire.send(bytes, before: .patient) }

  mutating func response(to method: String = "GET") throws -> HTTPResponse {
    try reader.next(from: wire, to: method, before: .patient)
  }

  mutating func ask(
    _ method: String = "GET", _ target: String, headers: [(String, String)] = [], body: [UInt8] = []
  ) throws -> HTTPResponse {
    try send(requestBytes(method, target, headers: headers, body: body))
    return try response(to: method)
  }

  /// At least so many raw bytes, or all until the proxy closes.
  func bytes(_ count: Int = .max) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count, try wire.receive(into: &bytes, before: .patient) {}
    return bytes
  }

  func text(_ count: Int = .max) throws -> String { String(decoding: try bytes(count), as: UTF8.self) }

  /// How the proxy ended the connection.
  func end() -> End {
    var bytes: [UInt8] = []
    do throws(WireFailure) {
      while try wire.receive(into: &bytes, before: .patient) {}
      return bytes.isEmpty ? .closed : .data(bytes.count)
    } catch {
      return .failed(error)
    }
  }

  enum End: Sendable, Equatable {
    case closed
    case data(Int)
    case failed(WireFailure)

    var isReset: Bool {
      if case .failed(.reset) = self { true } else { false }
    }
  }
}

/// Opened once, by whoever lets the others go on.
final class Gate: @unchecked Sendable {
  private let condition = NSCondition()
  // Only touched while `condition` is locked.
  private var isOpen = false

  func open() {
    condition.lock()
    isOpen = true
    condition.broadcast()
    condition.unlock()
  }

  var isPassable: Bool {
    condition.lock()
    defer { condition.unlock() }
    return isOpen
  }

  /// Blocks a thread.
  func pass() throws {
    let deadline = Date(timeIntervalSinceNow: 20)
    condition.lock()
    defer { condition.unlock() }
    while !isOpen {
      if !condition.wait(until: deadline) { throw TimedOut("a gate") }
    }
  }
}
