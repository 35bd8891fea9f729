import Foundation

/// An HTTP server that does exactly what a test says, well or badly; a thread for each connection.
public final class TinyServer: Sendable {
  /// One accepted connection, whose request has been read.
  public struct Connection: Sendable {
    public let descriptor: Int32
    /// Head and body as they came.
    public let request: String

    public var requestLine: Substring { request.prefix { !$0.isNewline } }

    public func write(_ text: String) {
      let bytes = Array(text.utf8)
      var sent = 0
      while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count > 0 else { return }
        sent += count
      }
    }

    /// Returns when the client has closed its end.
    public func waitForTheClient() {
      var byte: UInt8 = 0
      while read(descriptor, &byte, 1) > 0 {}
    }
  }

  private let descriptor: Int32
  private let address: Address
  /// Once it does not listen any more, its descriptor's number may be a neighbour's.
  private let listens = Monitor(true)

  public init(_ address: Address, answer: @escaping @Sendable (Connection) -> Void) throws {
    self.address = address
    let family = if case .unix = address { AF_UNIX } else { AF_INET }
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0, address.withSockaddr({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, 512) == 0
    else {
      throw SystemFailure("bind \(address)")
    }
    self.descriptor = descriptor
    Thread.detachNewThread { [listens] in
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else {
          // Only here: by another thread its number could be a neighbour's before this one has noticed.
          listens.update { listens in
            listens = false
            close(descriptor)
          }
          return
        }
        Thread.detachNewThread {
          if let request = Self.readRequest(connection) {
            answer(Connection(descriptor: connection, request: request))
          }
          close(connection)
        }
      }
    }
  }

  public func stop() { listens.update { if $0 { shutdown(descriptor, Int32(SHUT_RDWR)) } } }

  private static func readRequest(_ descriptor: Int32) -> String? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let text = String(decoding: bytes, as: UTF8.self)
      if let end = text.range(of: "\r\n\r\n") {
        let length = text.lowercased().firstMatch(of: /content-length: ([0-9]+)/).flatMap { Int($0.1) } ?? 0
        if text[end.upperBound...].utf8.count >= length { return text }
      }
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return nil }
      bytes += buffer[..<count]
    }
  }
}
