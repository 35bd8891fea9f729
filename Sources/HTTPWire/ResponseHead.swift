/// The head of what a worker answers, parsed in place; made to be kept and reused like `RequestHead`.
/// What it says holds from `complete` to the next parse.
public struct ResponseHead: BitwiseCopyable, Sendable {
  /// From the buffer's start to behind the empty line.
  public private(set) var byteCount = 0
  /// 100…599.
  public private(set) var status = 0
  public private(set) var version = HTTPVersion.http11
  public private(set) var framing = BodyFraming.none
  /// The worker takes another request on this connection. Never true where the body ends with it.
  public private(set) var keepAlive = false

  /// 1xx: another head follows for the same request.
  public var isInformational: Bool { status < 200 }

  var reason = ByteRange()
  var section = FieldSection()
  /// Content-Length where it speaks of a body that is not sent: to HEAD, and in 304.
  private(set) var echoedLength: Int?
  private var phase = Phase.statusLine
  private var searched = 0

  private enum Phase: UInt8, BitwiseCopyable {
    case statusLine, fields, done
  }

  public init() {}

  /// Forgets a head that was begun, for a new connection.
  public mutating func reset() {
    phase = .statusLine
    searched = 0
  }

  /// Parses the head at the start of `bytes`, the answer to a request with `method`. Called again after `incomplete`,
  /// it goes on where it stood; after any other result it begins a new head.
  public mutating func parse(_ bytes: Span<UInt8>, to method: Method, limits: HeadLimits) -> HeadProgress {
    if phase == .done { reset() }
    let window = bytes.extracting(first: limits.maxBytes)
    do throws(HeadRefusal) {
      if try advance(window, method, limits) {
        phase = .done
        return .complete
      }
      guard window.count == limits.maxBytes else { return .incomplete }
      throw .headTooLarge
    } catch {
      phase = .done
      return .refused(error)
    }
  }

  private mutating func advance(
    _ bytes: Span<UInt8>, _ method: Method, _ limits: HeadLimits
  ) throws(HeadRefusal) -> Bool {
    if phase == .statusLine {
      guard try parseStatusLine(bytes) else { return false }
      phase = .fields
    }
    guard try section.parse(bytes, from: .worker, maxFields: limits.maxFields) else { return false }
    try conclude(method)
    return true
  }

  /// `HTTP/1.1 SP 3DIGIT [SP reason]`: some servers leave the second space out.
  private mutating func parseStatusLine(_ bytes: Span<UInt8>) throws(HeadRefusal) -> Bool {
    let end = bytes.endOfText(from: searched)
    searched = end
    guard try bytes.isLineEnd(at: end) else { return false }
    guard end >= 12, bytes[8] == ASCII.space, let version = try HTTPVersion(bytes, 0, 8) else {
      throw .malformedStatusLine
    }
    self.version = version
    status = 0
    for index in 9..<12 {
      guard ASCII.isDigit(bytes[index]) else { throw .malformedStatusLine }
      status = status &* 10 &+ Int(bytes[index] &- ASCII.zero)
    }
    guard (100..<600).contains(status), end == 12 || bytes[12] == ASCII.space else { throw .malformedStatusLine }
    reason = ByteRange(min(13, end), end)
    section.begin(at: end &+ 2)
    return true
  }

  private mutating func conclude(_ method: Method) throws(HeadRefusal) {
    byteCount = section.found.line &+ 2
    if status == 101 { throw .unexpectedUpgrade }
    let declared = try section.responseFraming(version)
    let bodyless = method == .head || isInformational || status == 204 || status == 304
    framing = bodyless ? .none : declared
    echoedLength = method == .head || status == 304 ? section.found.contentLength : nil
    keepAlive =
      framing != .untilClose && !section.found.saysClose && (version == .http11 || section.found.saysKeepAlive)
  }
}

extension FieldSection {
  /// RFC 9112 §6.3, for a response that has a body.
  func responseFraming(_ version: HTTPVersion) throws(HeadRefusal) -> BodyFraming {
    if found.isChunked {
      if found.contentLength != nil { throw .lengthAndEncoding }
      if version == .http10 { throw .encodingInHTTP10 }
      return .chunked
    }
    return found.contentLength.map { .length($0) } ?? .untilClose
  }
}
