import Glibc

/// An origin that costs as little as it can: one thread, prebuilt answers, heads found rather than parsed. A target
/// that starts with `/16k` gets 16 KiB, with `/1m` 1 MiB, any other `ok`; a sized body is read and forgotten.
struct BenchOrigin {
  static let maxConnections = 1024
  let listener: CInt

  /// One connection's place in its current request.
  private struct Visit {
    var answer: [UInt8]?
    /// Of the request's body.
    var missing = 0
  }

  func serve() -> Never {
    let answers = Answers()
    var waiting = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
    var visits = [Visit()]
    setNonBlocking(listener)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    while true {
      guard poll(&waiting, nfds_t(waiting.count), -1) > 0 else { continue }
      var index = 1
      while index < waiting.count {
        if waiting[index].revents != 0, !serve(waiting[index].fd, &visits[index], room, answers) {
          close(waiting[index].fd)
          waiting.swapAt(index, waiting.count - 1)
          waiting.removeLast()
          visits.swapAt(index, visits.count - 1)
          visits.removeLast()
        } else {
          index += 1
        }
      }
      if waiting[0].revents != 0 {
        while waiting.count < Self.maxConnections {
          let connection = accept(listener, nil, nil)
          guard connection >= 0 else { break }
          waiting.append(pollfd(fd: connection, events: Int16(POLLIN), revents: 0))
          visits.append(Visit())
        }
      }
    }
  }

  /// Heads are small and come one at a time, so one read holds one or more whole heads.
  private func serve(
    _ connection: CInt, _ visit: inout Visit, _ room: UnsafeMutableRawBufferPointer, _ answers: Answers
  ) -> Bool {
    let count = recv(connection, room.baseAddress, room.count, 0)
    guard count > 0 else { return false }
    var start = 0
    while start < count {
      if visit.missing > 0 {
        let taken = min(visit.missing, count - start)
        visit.missing -= taken
        start += taken
      } else if let end = headEnd(room, start..<count) {
        let head = UnsafeRawBufferPointer(rebasing: room[start..<end])
        visit.answer = answers.answer(to: head)
        visit.missing = head[0] == UInt8(ascii: "P") ? bodyLength(head) : 0
        start = end
      } else {
        return true
      }
      if visit.missing == 0, let answer = visit.answer {
        visit.answer = nil
        guard sendAll(answer, on: connection) else { return false }
      }
    }
    return true
  }

  private func headEnd(_ room: UnsafeMutableRawBufferPointer, _ range: Range<Int>) -> Int? {
    var index = range.lowerBound + 3
    while index < range.upperBound {
      if room[index] == 10, room[index - 1] == 13, room[index - 2] == 10 { return index + 1 }
      index += 1
    }
    return nil
  }

  private func bodyLength(_ head: UnsafeRawBufferPointer) -> Int {
    let text = String(decoding: head, as: UTF8.self).lowercased()
    guard let name = text.firstRange(of: "content-length:") else { return 0 }
    return Int(text[name.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }) ?? 0
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

  private func setNonBlocking(_ descriptor: CInt) {
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
  }
}

/// What a bench origin says, ready to be sent.
private struct Answers {
  let small = make(Array("ok\n".utf8))
  let large = make([UInt8](repeating: UInt8(ascii: "x"), count: 16 << 10))
  let huge = make([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20))

  func answer(to head: UnsafeRawBufferPointer) -> [UInt8] {
    guard let target = head.firstIndex(of: UInt8(ascii: "/")), target + 2 < head.count,
      head[target + 1] == UInt8(ascii: "1")
    else { return small }
    return head[target + 2] == UInt8(ascii: "m") ? huge : large
  }

  private static func make(_ body: [UInt8]) -> [UInt8] {
    Array("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
  }
}
