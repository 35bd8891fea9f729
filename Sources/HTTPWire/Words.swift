/// Offsets into the buffer that was parsed: `start..<end`.
public struct ByteRange: BitwiseCopyable, Hashable, Sendable {
  public var start: UInt32
  public var end: UInt32

  public init(start: UInt32 = 0, end: UInt32 = 0) {
    self.start = start
    self.end = max(start, end)
  }

  init(_ start: Int, _ end: Int) {
    // Heads are at most `HeadLimits.ceiling` long, so offsets always fit.
    self.init(start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: end))
  }

  public var count: Int { Int(end &- start) }
  public var isEmpty: Bool { start == end }
}

extension Span where Element == UInt8 {
  /// The bytes of `range`, which must come from a parse of this same buffer.
  @_lifetime(copy self)
  public func extracting(_ range: ByteRange) -> Span<UInt8> {
    extracting(Int(range.start)..<Int(range.end))
  }
}

public enum HTTPVersion: UInt8, BitwiseCopyable, Sendable {
  case http10, http11
}

/// The methods that the proxy tells apart; a route's own list compares the name's bytes.
public enum Method: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case get, head, post, put, delete, options, patch, other

  /// RFC 9110 §9.2.1: asks for no change, so it may be sent twice.
  public var isSafe: Bool {
    switch self {
    case .get, .head, .options: true
    case .post, .put, .delete, .patch, .other: false
    }
  }
}

/// How a message's body ends (RFC 9112 §6).
public enum BodyFraming: BitwiseCopyable, Hashable, Sendable {
  /// There is no body.
  case none
  case length(Int)
  case chunked
  /// Responses only: the body ends with the connection.
  case untilClose
}

/// How a request's body goes to the worker; a small chunked one may have been buffered and become a length.
public enum ForwardedFraming: BitwiseCopyable, Hashable, Sendable {
  case none
  case length(Int)
  case chunked
}

/// What one head may cost.
public struct HeadLimits: BitwiseCopyable, Hashable, Sendable {
  /// Offsets are 32 bits wide; a larger `maxBytes` is cut to this.
  public static let ceiling = 1 << 24

  /// Bytes from the start line to the empty line, both included.
  public let maxBytes: Int
  public let maxFields: Int
  /// Of the request target; a request line that does not end within `maxBytes` counts as too long, too.
  public let maxTargetBytes: Int

  public init(maxBytes: Int, maxFields: Int = 100, maxTargetBytes: Int = HeadLimits.ceiling) {
    self.maxBytes = min(max(maxBytes, 0), HeadLimits.ceiling)
    self.maxFields = maxFields
    self.maxTargetBytes = maxTargetBytes
  }
}

/// What a parse of the bytes so far found.
public enum HeadProgress: BitwiseCopyable, Equatable, Sendable {
  /// Call again with these bytes and more.
  case incomplete
  case complete
  /// Answer with the refusal's status (a worker's answer: with 502) and close the connection.
  case refused(HeadRefusal)
}
