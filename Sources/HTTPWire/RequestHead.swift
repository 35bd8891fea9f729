/// The head of one request, parsed in place. A trivial value, made to be kept and reused for every request of a
/// connection: all ranges are offsets into the buffer that was parsed. What it says holds from `complete` to the next
/// parse.
///
///     switch head.parse(buffer, limits: limits) {
///     case .incomplete: …     // read more behind these bytes, call again with all of them
///     case .complete: …       // the body starts at head.byteCount
///     case .refused(let why): …
///     }
public struct RequestHead: BitwiseCopyable, Sendable {
  public static let maxMethodBytes = 32

  /// From the buffer's start to behind the empty line, an empty line before the request line included.
  public private(set) var byteCount = 0
  public private(set) var method = Method.get
  public private(set) var methodName = ByteRange()
  /// As it came: a path with its query, `*`, or a whole URL.
  public private(set) var target = ByteRange()
  public private(set) var version = HTTPVersion.http11
  /// Never `untilClose`.
  public private(set) var framing = BodyFraming.none
  /// The agent wants to ask more on this connection.
  public private(set) var keepAlive = false
  /// The agent waits for `100 Continue` before it sends its body. Never true without a body or in HTTP/1.0.
  public private(set) var expectsContinue = false
  /// The URL's host where the target is one, else what the Host field says; empty where an agent of HTTP/1.0 named none.
  public private(set) var host = ByteRange()

  /// What the agent calls the request: its only X-Request-ID, where that is well formed; else empty.
  public var requestID: ByteRange { section.found.requestID }

  /// The path and query within `target`; empty or only a query where a URL has no path.
  var originForm = ByteRange()
  var section = FieldSection()
  private var phase = Phase.requestLine
  private var searched = 0

  private enum Phase: UInt8, BitwiseCopyable {
    case requestLine, fields, done
  }

  public init() {}

  /// Forgets a head that was begun, for a new connection.
  public mutating func reset() {
    phase = .requestLine
    searched = 0
    host = ByteRange()
  }

  /// Parses the head at the start of `bytes`. Called again after `incomplete`, it goes on where it stood; after any
  /// other result it begins a new head.
  public mutating func parse(_ bytes: Span<UInt8>, limits: HeadLimits) -> HeadProgress {
    if phase == .done { reset() }
    let window = bytes.extracting(first: limits.maxBytes)
    do throws(HeadRefusal) {
      if try advance(window, limits) {
        phase = .done
        return .complete
      }
      guard window.count == limits.maxBytes else { return .incomplete }
      throw phase == .requestLine ? .targetTooLong : .headTooLarge
    } catch {
      phase = .done
      return .refused(error)
    }
  }

  private mutating func advance(_ bytes: Span<UInt8>, _ limits: HeadLimits) throws(HeadRefusal) -> Bool {
    if phase == .requestLine {
      guard try parseRequestLine(bytes, limits) else { return false }
      phase = .fields
    }
    guard try section.parse(bytes, from: .agent, maxFields: limits.maxFields) else { return false }
    try conclude()
    return true
  }

  private mutating func parseRequestLine(
    _ bytes: Span<UInt8>, _ limits: HeadLimits
  ) throws(HeadRefusal) -> Bool {
    guard let start = try skipEmptyLine(bytes) else { return false }
    guard try parseMethod(bytes, from: start) else { return false }
    let targetStart = Int(methodName.end) &+ 1
    let targetEnd = bytes.endOfTarget(from: max(targetStart, searched))
    searched = targetEnd
    guard targetEnd &- targetStart <= limits.maxTargetBytes else { throw .targetTooLong }
    guard targetEnd < bytes.count else { return false }
    guard bytes[targetEnd] == ASCII.space, targetEnd > targetStart else {
      throw targetProblem(bytes[targetEnd])
    }
    target = ByteRange(targetStart, targetEnd)
    guard let end = try parseVersion(bytes, from: targetEnd &+ 1) else { return false }
    try splitTarget(bytes)
    section.begin(at: end, keepsHost: host.isEmpty)
    return true
  }

  /// RFC 9112 §2.2: an empty line before the request line is skipped, one and no more.
  private func skipEmptyLine(_ bytes: Span<UInt8>) throws(HeadRefusal) -> Int? {
    guard bytes.count > 0 else { return nil }
    guard bytes[0] == ASCII.carriageReturn else { return 0 }
    return try bytes.isLineEnd(at: 0) ? 2 : nil
  }

  private mutating func parseMethod(_ bytes: Span<UInt8>, from start: Int) throws(HeadRefusal) -> Bool {
    let limit = min(bytes.count, start &+ RequestHead.maxMethodBytes &+ 1)
    var end = start
    while end < limit, ASCII.isToken(bytes[end]) { end &+= 1 }
    guard end &- start <= RequestHead.maxMethodBytes else { throw .methodTooLong }
    guard end < bytes.count else { return false }
    guard bytes[end] == ASCII.space, end > start else {
      throw bytes[end] == ASCII.lineFeed ? .bareLineFeed : .malformedRequestLine
    }
    methodName = ByteRange(start, end)
    method = Method(bytes.word(at: start), count: end &- start)
    if method == .other { try refuseMethods(bytes.extracting(methodName)) }
    return true
  }

  /// TRACE would show the agent what the worker is told of it, and RFC 9110 §9.3.8 asks for no more than that.
  private func refuseMethods(_ name: Span<UInt8>) throws(HeadRefusal) {
    if name.isEqual(to: "CONNECT") || name.isEqual(to: "TRACE") { throw .unsupportedMethod }
  }

  private func targetProblem(_ byte: UInt8) -> HeadRefusal {
    switch byte {
    case ASCII.lineFeed: .bareLineFeed
    // No version: HTTP/0.9, or a second space.
    case ASCII.carriageReturn, ASCII.space: .malformedRequestLine
    default: .badTarget
    }
  }

  /// RFC 9112 §3.2: origin-form, absolute-form, and asterisk-form for OPTIONS alone.
  private mutating func splitTarget(_ bytes: Span<UInt8>) throws(HeadRefusal) {
    originForm = target
    if bytes[Int(target.start)] == ASCII.slash { return }
    if bytes.extracting(target).isEqual(to: "*"), method == .options { return }
    guard let url = AbsoluteTarget(bytes, target) else { throw .badTarget }
    // RFC 9112 §3.2.4 makes `*` of it, which is not the path that was asked for and authorized.
    if method == .options, url.pathAndQuery.isEmpty { throw .badTarget }
    host = url.authority
    originForm = url.pathAndQuery
  }

  /// The offset behind the request line; nil where it has no end yet.
  private mutating func parseVersion(_ bytes: Span<UInt8>, from start: Int) throws(HeadRefusal) -> Int? {
    let end = bytes.endOfText(from: start)
    guard end &- start <= 8 else { throw .malformedRequestLine }
    guard try bytes.isLineEnd(at: end) else { return nil }
    guard let version = try HTTPVersion(bytes, start, end) else { throw .malformedRequestLine }
    self.version = version
    return end &+ 2
  }

  private mutating func conclude() throws(HeadRefusal) {
    byteCount = section.found.line &+ 2
    if version == .http11, section.found.host == nil { throw .missingHost }
    if host.isEmpty { host = section.found.host ?? ByteRange() }
    framing = try section.requestFraming(version)
    keepAlive = !section.found.saysClose && (version == .http11 || section.found.saysKeepAlive)
    let hasBody = framing != .none && framing != .length(0)
    expectsContinue = section.found.expectsContinue && hasBody && version == .http11
  }
}

extension FieldSection {
  /// RFC 9112 §6.3. Both fields together, which §6.3 lets a proxy repair, are how requests are smuggled.
  func requestFraming(_ version: HTTPVersion) throws(HeadRefusal) -> BodyFraming {
    if found.isChunked {
      if found.contentLength != nil { throw .lengthAndEncoding }
      if version == .http10 { throw .encodingInHTTP10 }
      return .chunked
    }
    return found.contentLength.map { .length($0) } ?? .none
  }
}

extension Method {
  @inline(__always) init(_ word: Word, count: Int) {
    switch word.first(count) {
    case Word("GET").bits: self = .get
    case Word("HEAD").bits: self = .head
    case Word("POST").bits: self = .post
    case Word("PUT").bits: self = .put
    case Word("DELETE").bits: self = .delete
    case Word("OPTIONS").bits: self = .options
    case Word("PATCH").bits: self = .patch
    default: self = .other
    }
  }
}

extension HTTPVersion {
  /// Nil where the bytes are no version; throws for one that is not spoken here.
  @inline(__always) init?(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws(HeadRefusal) {
    guard end &- start == 8 else { return nil }
    let word = bytes.word(at: start)
    switch word.bits {
    case Word("HTTP/1.1").bits: self = .http11
    case Word("HTTP/1.0").bits: self = .http10
    default:
      let shape = word.first(5) == Word("HTTP/").bits && bytes[start &+ 6] == ASCII.dot
      guard shape, ASCII.isDigit(bytes[start &+ 5]), ASCII.isDigit(bytes[start &+ 7]) else { return nil }
      throw .unsupportedVersion
    }
  }
}

/// A request target that is a whole `http` or `https` URL.
struct AbsoluteTarget {
  let authority: ByteRange
  let pathAndQuery: ByteRange

  init?(_ bytes: Span<UInt8>, _ target: ByteRange) {
    var at = Int(target.start)
    let end = Int(target.end)
    if bytes.matches(ByteRange(at, min(at &+ 7, end)), "http://") {
      at &+= 7
    } else if bytes.matches(ByteRange(at, min(at &+ 8, end)), "https://") {
      at &+= 8
    } else {
      return nil
    }
    let start = at
    while at < end, bytes[at] != ASCII.slash, bytes[at] != ASCII.question { at &+= 1 }
    authority = ByteRange(start, at)
    pathAndQuery = ByteRange(at, end)
    guard bytes.isAuthority(authority) else { return nil }
  }
}
