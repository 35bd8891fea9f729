/// What became of a request target's path.
public enum PathVerdict: BitwiseCopyable, Equatable, Sendable {
  /// So many bytes were written.
  case path(Int)
  case refused(PathRefusal)
}

/// Why a path was refused: two readers could take it for two different paths.
public enum PathRefusal: UInt8, Error, BitwiseCopyable, Sendable, CaseIterable {
  case notAPath, badEscape, doubleEscape, encodedSlash, backslash, controlByte, emptySegment, dotSegment, notUTF8
  case tooLong

  public var status: Int {
    switch self {
    case .notAPath, .badEscape, .doubleEscape, .encodedSlash, .backslash, .controlByte, .emptySegment, .dotSegment,
      .notUTF8:
      400
    case .tooLong: 414
    }
  }

  public var explanation: String {
    switch self {
    case .notAPath: "The request target has no path."
    case .badEscape: "The path holds a % that two hexadecimal digits do not follow."
    case .doubleEscape: "The path is percent-encoded twice."
    case .encodedSlash: "The path holds a percent-encoded slash."
    case .backslash: "The path holds a backslash."
    case .controlByte: "The path holds a control byte."
    case .emptySegment: "The path holds an empty segment."
    case .dotSegment: "The path holds a segment . or .. ."
    case .notUTF8: "The path is not UTF-8."
    case .tooLong: "The path is longer than the limit."
    }
  }
}

/// Writes the path of a request target (any form; `*` stays as it is), percent-decoded once, without the query. Where
/// it is refused, what was written means nothing.
@_lifetime(out: copy out)
public func normalizePath(_ target: Span<UInt8>, into out: inout OutputSpan<UInt8>) -> PathVerdict {
  if target.isEqual(to: "*") {
    guard out.freeCapacity > 0 else { return .refused(.tooLong) }
    out.append(ASCII.asterisk)
    return .path(1)
  }
  var path = ByteRange(0, target.count)
  if target.count > 0, target[0] != ASCII.slash {
    guard let url = AbsoluteTarget(target, path) else { return .refused(.notAPath) }
    path = url.pathAndQuery
  }
  do throws(PathRefusal) {
    return .path(try decodePath(target.extracting(path), into: &out))
  } catch {
    return .refused(error)
  }
}

@_lifetime(out: copy out)
private func decodePath(_ source: Span<UInt8>, into out: inout OutputSpan<UInt8>) throws(PathRefusal) -> Int {
  // Decoding only makes it shorter; the one byte more is for a URL without a path.
  guard out.freeCapacity > source.count else { throw .tooLong }
  var decoder = PathDecoder()
  var at = 0
  if source.count == 0 || source[0] == ASCII.question { try decoder.take(ASCII.slash, into: &out) }
  while at < source.count, source[at] != ASCII.question {
    var byte = source[at]
    at &+= 1
    if byte == ASCII.percent {
      byte = try unescape(source, at)
      at &+= 2
    }
    try decoder.take(byte, into: &out)
  }
  try decoder.endSegment()
  if decoder.isASCII { return decoder.count }
  let written = out.span
  let path = written.extracting((written.count &- decoder.count)..<written.count)
  guard (try? UTF8Span(validating: path)) != nil else { throw .notUTF8 }
  return decoder.count
}

private func unescape(_ source: Span<UInt8>, _ at: Int) throws(PathRefusal) -> UInt8 {
  guard at &+ 1 < source.count, let high = ASCII.hexValue(source[at]), let low = ASCII.hexValue(source[at &+ 1])
  else {
    throw .badEscape
  }
  let byte = high << 4 | low
  if byte == ASCII.slash { throw .encodedSlash }
  return byte
}

/// Looks at a path's bytes after decoding, so that no spelling of `..` or of a second escape slips by.
private struct PathDecoder {
  private(set) var count = 0
  private(set) var isASCII = true
  /// Of the current segment, up to its first `;`.
  private var segment = 0
  private var dots = 0
  private var inParameters = false
  /// 2 behind a decoded `%`, 1 behind `%` and a digit, else 0.
  private var escape = 0

  @_lifetime(out: copy out)
  @inline(__always)
  mutating func take(_ byte: UInt8, into out: inout OutputSpan<UInt8>) throws(PathRefusal) {
    if !ASCII.isOrdinaryInPath(byte) {
      try takeSpecial(byte)
    } else if !inParameters {
      segment &+= 1
    }
    if escape != 0 { try checkEscape(byte) }
    out.append(byte)
    count &+= 1
  }

  private mutating func takeSpecial(_ byte: UInt8) throws(PathRefusal) {
    switch byte {
    case ASCII.slash:
      if count > 0 { try endSegment(isLast: false) }
      segment = 0
      dots = 0
      inParameters = false
    case ASCII.semicolon:
      // Some servers drop `;…` from a segment, and then see `..`.
      inParameters = true
    case ASCII.backslash: throw .backslash
    case ASCII.percent: escape = 3
    case _ where ASCII.isControl(byte): throw .controlByte
    default:
      if byte >= 0x80 { isASCII = false }
      if !inParameters {
        segment &+= 1
        if byte == ASCII.dot { dots &+= 1 }
      }
    }
  }

  /// Counts down behind a decoded `%`: two hexadecimal digits there would be an escape within an escape.
  private mutating func checkEscape(_ byte: UInt8) throws(PathRefusal) {
    if byte == ASCII.percent { escape = 3 }
    guard escape == 3 || ASCII.hexValue(byte) != nil else {
      escape = 0
      return
    }
    escape &-= 1
    if escape == 0 { throw .doubleEscape }
  }

  /// A path may end in `/`; no other segment is empty.
  func endSegment(isLast: Bool = true) throws(PathRefusal) {
    if segment == 0, !isLast { throw .emptySegment }
    if segment == dots, dots == 1 || dots == 2 { throw .dotSegment }
  }
}
