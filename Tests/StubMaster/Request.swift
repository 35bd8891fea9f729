import Glibc

/// One request as it came in, its body digested rather than kept.
struct Request {
  var method = ""
  var target = ""
  var path = ""
  var query: [String: String] = [:]
  var headers: [(name: String, value: String)] = []
  var bodyBytes = 0
  var bodyDigest = Digest()
  var keepAlive = true

  func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name }?.value
  }
}

/// FNV-1a, 64 bits: enough to see that an upload came through whole and in order.
struct Digest {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard var next = bytes.baseAddress else { return }
    let end = next + bytes.count
    while next < end {
      value = (value ^ UInt64(next.load(as: UInt8.self))) &* 0x100_0000_01b3
      next += 1
    }
  }

  var hex: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// Reads requests from one connection.
struct RequestReader {
  static let maxHeadBytes = 256 << 10
  let connection: CInt
  private var buffer: [UInt8] = []
  private var start = 0

  init(connection: CInt) { self.connection = connection }

  /// What the connection held: a request, nothing more, or something that is not HTTP as a proxy should send it.
  enum Outcome {
    case request(Request)
    case closed
    case malformed(String)
  }

  /// Blocks until a request's head and body are here. `began` is called with the first byte.
  mutating func next(began: () -> Void) -> Outcome {
    if buffer.count == start {
      guard fill() else { return .closed }
    }
    began()
    guard let head = readHead() else { return .malformed("the connection ended within a head") }
    var lines = head.split(separator: "\r\n", omittingEmptySubsequences: false).makeIterator()
    let words = (lines.next() ?? "").split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2] == "HTTP/1.1" else { return .malformed("request line: \(head.prefix(200))") }
    var request = Request()
    request.method = String(words[0])
    request.target = String(words[1])
    parseTarget(into: &request)
    while let line = lines.next() {
      guard let colon = line.firstIndex(of: ":") else { return .malformed("header line: \(line)") }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      request.headers.append((String(line[..<colon]), String(value)))
    }
    request.keepAlive = request.header("connection")?.lowercased() != "close"
    let length = request.header("content-length")
    let coding = request.header("transfer-encoding")
    switch (length, coding) {
    case (nil, nil): break
    case (.some(let text), nil):
      guard let count = Int(text), count >= 0 else { return .malformed("Content-Length: \(text)") }
      guard take(count, into: &request) else { return .malformed("the connection ended within a body") }
    case (nil, "chunked"):
      guard readChunks(into: &request) else { return .malformed("bad chunks") }
    default: return .malformed("Content-Length \(length ?? "none"), Transfer-Encoding \(coding ?? "none")")
    }
    return .request(request)
  }

  private func parseTarget(into request: inout Request) {
    let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    request.path = String(parts[0])
    guard parts.count == 2 else { return }
    for pair in parts[1].split(separator: "&") {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      request.query[String(sides[0])] = sides.count == 2 ? String(sides[1]) : ""
    }
  }

  private mutating func readChunks(into request: inout Request) -> Bool {
    while true {
      guard let line = readLine(), let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0 else {
        return false
      }
      if size == 0 {
        while let trailer = readLine() {
          if trailer.isEmpty { return true }
        }
        return false
      }
      guard take(size, into: &request), readLine() == "" else { return false }
    }
  }

  /// The head without its last empty line.
  private mutating func readHead() -> String? {
    var searched = start
    while true {
      if let end = endOfHead(from: searched) {
        let head = String(decoding: buffer[start..<end], as: UTF8.self)
        start = end + 4
        return head
      }
      searched = max(start, buffer.count - 3)
      guard buffer.count - start < Self.maxHeadBytes, fill() else { return nil }
    }
  }

  private func endOfHead(from offset: Int) -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      var searched = offset
      while searched + 4 <= bytes.count {
        guard let hit = memchr(base + searched, 13, bytes.count - searched - 3) else { return nil }
        if memcmp(hit, "\r\n\r\n", 4) == 0 { return base.distance(to: UnsafeRawPointer(hit)) }
        searched = base.distance(to: UnsafeRawPointer(hit)) + 1
      }
      return nil
    }
  }

  private mutating func readLine() -> String? {
    while true {
      if let end = buffer[start...].firstIndex(of: 10) {
        guard end > start, buffer[end - 1] == 13 else { return nil }
        let line = String(decoding: buffer[start..<(end - 1)], as: UTF8.self)
        start = end + 1
        return line
      }
      guard buffer.count - start < Self.maxHeadBytes, fill() else { return nil }
    }
  }

  private mutating func take(_ count: Int, into request: inout Request) -> Bool {
    var left = count
    while left > 0 {
      if buffer.count == start {
        guard fill() else { return false }
      }
      let part = min(left, buffer.count - start)
      buffer.withUnsafeBytes { request.bodyDigest.add(UnsafeRawBufferPointer(rebasing: $0[start..<(start + part)])) }
      start += part
      left -= part
    }
    request.bodyBytes += count
    return true
  }

  private mutating func fill() -> Bool {
    if start == buffer.count {
      buffer.removeAll(keepingCapacity: true)
      start = 0
    }
    return withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { room in
      while true {
        let count = recv(connection, room.baseAddress, room.count, 0)
        if count > 0 {
          buffer.append(contentsOf: room[..<count])
          return true
        }
        guard count < 0 && errno == EINTR else { return false }
      }
    }
  }
}
