import Glibc

/// One answer, and how it is to go wrong on its way out.
struct Reply {
  var status: Int
  var isHead: Bool
  var keepAlive = true
  var headers: [(String, String)] = []
  var orders: Orders?
  private var body: [UInt8] = []

  init(status: Int, isHead: Bool) {
    self.status = status
    self.isHead = isHead
  }

  mutating func text(_ text: String) {
    headers.append(("Content-Type", "text/plain"))
    body = Array(text.utf8)
  }

  mutating func json(_ text: String) {
    headers.append(("Content-Type", "application/json"))
    body = Array(text.utf8)
  }

  /// Bytes that tell their own offset, so that a client sees a gap: byte i is `33 + i % 89`.
  mutating func pattern(count: Int) {
    headers.append(("Content-Type", "application/octet-stream"))
    let period = 89
    body = [UInt8](unsafeUninitializedCapacity: count) { room, initialized in
      for index in 0..<min(period, count) { room[index] = UInt8(33 + index) }
      // By doubling, since a loop over each byte is slow in a debug build.
      var filled = min(period, count)
      while filled < count, let base = room.baseAddress {
        let part = min(filled, count - filled)
        memcpy(base + filled, base, part)
        filled += part
      }
      initialized = count
    }
  }

  /// False where the connection is to be closed.
  func send(on connection: CInt) -> Bool {
    let cut = orders?.cut
    if let cut, cut < 0 { return false }
    let hasBody = !isHead && status != 204 && status != 304
    let chunked = orders?.chunked ?? false
    var out = Array(head(chunked: chunked).utf8)
    let visible = hasBody ? body.prefix(cut ?? body.count) : []
    let amid = orders.map { $0.crash != nil && $0.moment == .amid } ?? false
    if amid {
      out += chunked ? [] : visible.prefix(body.count / 2)
      _ = write(out, on: connection)
      orders?.crash(at: .amid)
    }
    let pieces = pieces(of: visible, chunked: chunked && hasBody, complete: cut == nil)
    guard let drip = orders?.drip, drip.count > 0 else {
      for piece in pieces { out += piece }
      return write(out, on: connection) && cut == nil && keepAlive
    }
    guard write(out, on: connection) else { return false }
    for piece in pieces {
      pause(for: drip)
      guard write(piece, on: connection) else { return false }
    }
    return cut == nil && keepAlive
  }

  private func head(chunked: Bool) -> String {
    var lines = ["HTTP/1.1 \(status) \(status < 400 ? "Fine" : "Told so")"]
    lines += headers.map { "\($0.0): \($0.1)" }
    if chunked {
      lines.append("Transfer-Encoding: chunked")
    } else if status != 204 {
      lines.append("Content-Length: \(body.count)")
    }
    if !keepAlive { lines.append("Connection: close") }
    return lines.joined(separator: "\r\n") + "\r\n\r\n"
  }

  private func pieces(of body: ArraySlice<UInt8>, chunked: Bool, complete: Bool) -> [[UInt8]] {
    let size = chunked || (orders?.drip.count ?? 0) > 0 ? 5000 : max(1, body.count)
    var pieces = stride(from: body.startIndex, to: body.endIndex, by: size).map { start -> [UInt8] in
      let part = body[start..<min(start + size, body.endIndex)]
      return chunked ? Array("\(String(part.count, radix: 16))\r\n".utf8) + part + [13, 10] : Array(part)
    }
    if chunked && complete { pieces.append(Array("0\r\n\r\n".utf8)) }
    return pieces
  }

  private func write(_ bytes: [UInt8], on connection: CInt) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { room -> Int in
        guard let base = room.baseAddress else { return 0 }
        return Glibc.send(connection, base + sent, room.count - sent, CInt(MSG_NOSIGNAL))
      }
      if count <= 0 {
        guard count < 0 && errno == EINTR else { return false }
        continue
      }
      sent += count
    }
    return true
  }
}
