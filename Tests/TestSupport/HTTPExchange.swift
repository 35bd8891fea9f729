import Glibc

/// A response as it came over the wire.
public struct HTTPResponse: Sendable {
  public var status: Int
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  public var text: String { String(decoding: body, as: UTF8.self) }
  public var saysClose: Bool { header("connection")?.lowercased() == "close" }
}

/// Why there is no whole response.
public enum ExchangeFailure: Error, Sendable, Hashable {
  /// Closed before the first byte of the response.
  case unanswered(WireFailure?)
  /// Closed within the response.
  case cut(WireFailure?)
  case timedOut
  /// Not HTTP/1.1 as RFC 9112 has it.
  case malformed(String)
}

/// Reads responses from one connection.
public struct ResponseReader {
  private var buffer: [UInt8] = []
  /// A head has come, and its body not yet.
  private var isWithinBody = false

  public init() {}

  public mutating func next(
    from wire: borrowing Wire, to method: String, before deadline: Deadline
  ) throws(ExchangeFailure) -> HTTPResponse {
    isWithinBody = false
    while true {
      let response = try head(from: wire, before: deadline)
      if (100..<200).contains(response.status) && response.status != 101 { continue }
      return try body(of: response, to: method, from: wire, before: deadline)
    }
  }

  private mutating func head(
    from wire: borrowing Wire, before deadline: Deadline
  ) throws(ExchangeFailure) -> HTTPResponse {
    let end = try need(from: wire, before: deadline) { buffer in offset(of: [13, 10, 13, 10], in: buffer) }
    let text = String(decoding: buffer[..<end], as: UTF8.self)
    buffer.removeFirst(end + 4)
    var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).makeIterator()
    let statusLine = lines.next() ?? ""
    let words = statusLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count == 3, words[0] == "HTTP/1.1" || words[0] == "HTTP/1.0", let status = Int(words[1]) else {
      throw .malformed("status line \(statusLine)")
    }
    var response = HTTPResponse(status: status, headers: [], body: [])
    while let line = lines.next() {
      guard let colon = line.firstIndex(of: ":") else { throw .malformed("header line \(line)") }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      response.headers.append((String(line[..<colon]), String(value)))
    }
    return response
  }

  private mutating func body(
    of head: HTTPResponse, to method: String, from wire: borrowing Wire, before deadline: Deadline
  ) throws(ExchangeFailure) -> HTTPResponse {
    var response = head
    isWithinBody = true
    if method == "HEAD" || head.status == 204 || head.status == 304 { return response }
    if head.header("transfer-encoding") != nil {
      guard head.header("content-length") == nil else { throw .malformed("both lengths") }
      response.body = try chunks(from: wire, before: deadline)
    } else if let text = head.header("content-length") {
      guard let count = Int(text), count >= 0 else { throw .malformed("Content-Length \(text)") }
      response.body = try take(count, from: wire, before: deadline)
    } else {
      while try fill(from: wire, before: deadline) {}
      response.body = buffer
      buffer = []
    }
    return response
  }

  private mutating func chunks(
    from wire: borrowing Wire, before deadline: Deadline
  ) throws(ExchangeFailure) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let end = try need(from: wire, before: deadline) { buffer in offset(of: [13, 10], in: buffer) }
      let line = String(decoding: buffer[..<end], as: UTF8.self)
      buffer.removeFirst(end + 2)
      guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0 else { throw .malformed("chunk \(line)") }
      if size == 0 { break }
      body += try take(size, from: wire, before: deadline)
      guard try take(2, from: wire, before: deadline) == [13, 10] else { throw .malformed("no end of chunk") }
    }
    while true {
      let end = try need(from: wire, before: deadline) { buffer in offset(of: [13, 10], in: buffer) }
      buffer.removeFirst(end + 2)
      if end == 0 { return body }
    }
  }

  private mutating func take(
    _ count: Int, from wire: borrowing Wire, before deadline: Deadline
  ) throws(ExchangeFailure) -> [UInt8] {
    while buffer.count < count {
      guard try fill(from: wire, before: deadline) else { throw .cut(nil) }
    }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  private mutating func need(
    from wire: borrowing Wire, before deadline: Deadline, _ found: ([UInt8]) -> Int?
  ) throws(ExchangeFailure) -> Int {
    while true {
      if let end = found(buffer) { return end }
      guard try fill(from: wire, before: deadline) else { throw broken(nil) }
    }
  }

  private mutating func fill(from wire: borrowing Wire, before deadline: Deadline) throws(ExchangeFailure) -> Bool {
    do throws(WireFailure) {
      return try wire.receive(into: &buffer, before: deadline)
    } catch {
      switch error {
      case .timedOut: throw .timedOut
      case .refused, .reset, .tls: throw broken(error)
      }
    }
  }

  private func broken(_ failure: WireFailure?) -> ExchangeFailure {
    buffer.isEmpty && !isWithinBody ? .unanswered(failure) : .cut(failure)
  }
}

private func offset(of pattern: [UInt8], in buffer: [UInt8]) -> Int? {
  buffer.withUnsafeBytes { bytes in
    guard let base = bytes.baseAddress else { return nil }
    var start = 0
    while start + pattern.count <= bytes.count {
      guard let hit = memchr(base + start, CInt(pattern[0]), bytes.count - start - pattern.count + 1) else {
        return nil
      }
      start = base.distance(to: UnsafeRawPointer(hit))
      if memcmp(hit, pattern, pattern.count) == 0 { return start }
      start += 1
    }
    return nil
  }
}

/// A request's bytes with Host and, where there is a body, Content-Length.
public func requestBytes(
  _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = []
) -> [UInt8] {
  var lines = ["\(method) \(target) HTTP/1.1"]
  if !headers.contains(where: { $0.0 == "Host" }) { lines.append("Host: puppet") }
  lines += headers.map { "\($0.0): \($0.1)" }
  if !body.isEmpty || method == "POST" || method == "PUT" { lines.append("Content-Length: \(body.count)") }
  return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
}

/// One request on a connection of its own.
public func request(
  _ method: String = "GET", _ target: String, headers: [(String, String)] = [], body: [UInt8] = [],
  at address: Address, tls: TLSClient? = nil, within time: Duration = .patience
) async throws -> HTTPResponse {
  try await onThread {
    let deadline = Deadline.after(time)
    let wire = try Wire(to: address, tls: tls, before: deadline)
    try wire.send(requestBytes(method, target, headers: headers, body: body), before: deadline)
    var reader = ResponseReader()
    return try reader.next(from: wire, to: method, before: deadline)
  }
}

/// What came back for raw bytes.
public struct RawAnswer: Sendable {
  public var bytes: [UInt8]
  /// True where the other side ended the connection in good order before the deadline.
  public var closed: Bool
  public var failure: WireFailure?

  public var text: String { String(decoding: bytes, as: UTF8.self) }
  /// The number in the status line, if there is one.
  public var status: Int? { text.hasPrefix("HTTP/1.") ? Int(text.dropFirst(9).prefix(3)) : nil }
}

/// Sends bytes as they are and reads until the other side closes or the time is over.
public func exchange(
  _ bytes: [UInt8], at address: Address, tls: TLSClient? = nil, within time: Duration = .patience
) async throws -> RawAnswer {
  try await onThread {
    let deadline = Deadline.after(time)
    let wire = try Wire(to: address, tls: tls, before: deadline)
    var answer = RawAnswer(bytes: [], closed: false)
    do throws(WireFailure) {
      try wire.send(bytes, before: deadline)
    } catch {
      // The other side may have closed already; what it said before that is still to be read.
      answer.failure = error
    }
    do throws(WireFailure) {
      while try wire.receive(into: &answer.bytes, before: deadline) {}
      answer.closed = true
    } catch {
      answer.failure = error
    }
    return answer
  }
}
