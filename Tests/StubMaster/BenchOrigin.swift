import Glibc

/// An origin that costs as little as it can: one thread, prebuilt answers, heads counted rather than parsed. A target
/// that starts with `/16k` gets 16 KiB, any other `ok`.
struct BenchOrigin {
  static let maxConnections = 1024
  let listener: CInt

  func serve() -> Never {
    let small = answer(Array("ok\n".utf8))
    let large = answer([UInt8](repeating: UInt8(ascii: "x"), count: 16384))
    var waiting = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
    setNonBlocking(listener)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    while true {
      guard poll(&waiting, nfds_t(waiting.count), -1) > 0 else { continue }
      var index = 1
      while index < waiting.count {
        if waiting[index].revents != 0, !serve(waiting[index].fd, room, small: small, large: large) {
          close(waiting[index].fd)
          waiting[index] = waiting[waiting.count - 1]
          waiting.removeLast()
        } else {
          index += 1
        }
      }
      if waiting[0].revents != 0 {
        while waiting.count < Self.maxConnections {
          let connection = accept(listener, nil, nil)
          guard connection >= 0 else { break }
          waiting.append(pollfd(fd: connection, events: Int16(POLLIN), revents: 0))
        }
      }
    }
  }

  /// Requests are small and come one at a time, so one read holds one or more whole heads.
  private func serve(
    _ connection: CInt, _ room: UnsafeMutableRawBufferPointer, small: [UInt8], large: [UInt8]
  ) -> Bool {
    let count = recv(connection, room.baseAddress, room.count, 0)
    guard count > 0 else { return false }
    var lineStart = 0
    var index = 3
    while index < count {
      if room[index] == 10, room[index - 1] == 13, room[index - 2] == 10 {
        let target = (lineStart..<count).first { room[$0] == UInt8(ascii: "/") } ?? lineStart
        let isLarge = target + 1 < count && room[target + 1] == UInt8(ascii: "1")
        guard sendAll(isLarge ? large : small, on: connection) else { return false }
        lineStart = index + 1
      }
      index += 1
    }
    return true
  }

  private func sendAll(_ bytes: [UInt8], on connection: CInt) -> Bool {
    bytes.withUnsafeBytes { answer in
      var sent = 0
      while sent < answer.count {
        guard let base = answer.baseAddress else { return false }
        let count = send(connection, base + sent, answer.count - sent, CInt(MSG_NOSIGNAL))
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }

  private func answer(_ body: [UInt8]) -> [UInt8] {
    Array("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
  }

  private func setNonBlocking(_ descriptor: CInt) {
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
  }
}
