import Foundation

/// The other end of sd_notify: a datagram socket that collects what a service says about itself.
final class NotifySocket: Sendable {
  let path: String
  private let descriptor: CInt
  private let said = Monitor<[String]>([])

  init(path: String) throws {
    self.path = path
    // An earlier masterpool in the same folder had one too.
    unlink(path)
    let address = Address.unix(path)
    let descriptor = address.makeSocket(type: CInt(SOCK_DGRAM.rawValue))
    guard descriptor >= 0, address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
      throw SystemFailure("bind \(path)")
    }
    self.descriptor = descriptor
    Thread.detachNewThread { [said] in
      withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { room in
        while true {
          let count = recv(descriptor, room.baseAddress, room.count, 0)
          if count < 0 && errno == EINTR { continue }
          guard count > 0 else { break }
          let lines = String(decoding: room[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
          said.update { $0 += lines }
        }
      }
      close(descriptor)
    }
  }

  var lines: [String] { said.read { $0 } }

  func first(
    _ waitedFor: String, within time: Duration, _ body: @escaping @Sendable ([String]) -> String?
  ) async throws -> String {
    try await said.first(waitedFor, before: .after(time), body)
  }

  /// Adds a line of our own, to wake up whoever waits.
  func note(_ line: String) { said.update { $0.append(line) } }

  /// Ends the reader, which closes the descriptor.
  func finish() {
    shutdown(descriptor, CInt(SHUT_RDWR))
  }
}
