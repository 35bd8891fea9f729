/// How an answer from disk is spoken of.
public struct FileManners: BitwiseCopyable, Sendable {
  public var contentType: StaticString
  public var version: HTTPVersion
  public var keepAlive: Bool
  /// Seconds since 1970.
  public var time: Int

  public init(contentType: StaticString, version: HTTPVersion, keepAlive: Bool, time: Int) {
    self.contentType = contentType
    self.version = version
    self.keepAlive = keepAlive
    self.time = time
  }

  /// Room that a head never exceeds, an error's body included.
  var headCapacity: Int { 640 + contentType.utf8CodeUnitCount }
}

/// Writes the head for a share of a file, and for those that are refused their short body too, but not to HEAD. False,
/// with nothing written, where it does not fit.
@_lifetime(out: copy out)
public func writeFileHead(
  _ share: FileShare, of file: FileStamp, method: Method, _ manners: FileManners, into out: inout OutputSpan<UInt8>
) -> Bool {
  guard out.freeCapacity >= manners.headCapacity else { return false }
  switch share {
  case .whole:
    out.begin(200, manners)
    out.append(file, manners)
    out.describe(manners, length: file.size)
  case .part(let start, let end):
    out.begin(206, manners)
    out.append(file, manners)
    out.append(copying: "Content-Range: bytes ")
    out.append(decimal: start)
    out.append(ASCII.dash)
    out.append(decimal: end - 1)
    out.append(ASCII.slash)
    out.append(decimal: file.size)
    out.append(copying: "\r\n")
    out.describe(manners, length: end - start)
  case .unchanged:
    // RFC 9110 §15.4.5: what would have told the agent how to keep it; the lengths are those of the file it has.
    out.begin(304, manners)
    out.append(file, manners)
    out.append(copying: "\r\n")
  case .beyond:
    out.begin(416, manners)
    out.append(copying: "Content-Range: bytes */")
    out.append(decimal: file.size)
    out.append(copying: "\r\n")
    out.explain("The range lies beyond the end of the file.\n", method)
  case .mismatched:
    out.begin(412, manners)
    out.append(file, manners)
    out.explain("The file is not the one that the request is about.\n", method)
  }
  return true
}

/// Writes the head for a body of our own making.
@_lifetime(out: copy out)
public func writeBodyHead(length: Int, _ manners: FileManners, into out: inout OutputSpan<UInt8>) -> Bool {
  guard out.freeCapacity >= manners.headCapacity else { return false }
  out.begin(200, manners)
  out.describe(manners, length: length)
  return true
}

extension OutputSpan where Element == UInt8 {
  @_lifetime(self: copy self)
  fileprivate mutating func begin(_ status: Int, _ manners: FileManners) {
    append(copying: "HTTP/1.1 ")
    append(decimal: status)
    append(ASCII.space)
    append(copying: reasonPhrase(status))
    append(copying: "\r\nDate: ")
    HTTPDate.append(manners.time, into: &self)
    append(copying: "\r\n")
    appendConnection(to: manners.version, keepAlive: manners.keepAlive)
  }

  @_lifetime(self: copy self)
  fileprivate mutating func append(_ file: FileStamp, _ manners: FileManners) {
    // RFC 9110 §8.8.2.1: not later than the answer itself.
    append(copying: "Last-Modified: ")
    HTTPDate.append(Swift.min(file.modifiedSecond, manners.time), into: &self)
    append(copying: "\r\nETag: ")
    file.appendTag(into: &self)
    append(copying: "\r\nAccept-Ranges: bytes\r\n")
  }

  @_lifetime(self: copy self)
  fileprivate mutating func describe(_ manners: FileManners, length: Int) {
    append(copying: "Content-Type: ")
    append(copying: manners.contentType)
    append(copying: "\r\n")
    appendContentLength(length)
    append(copying: "\r\n")
  }

  @_lifetime(self: copy self)
  fileprivate mutating func explain(_ text: StaticString, _ method: Method) {
    append(copying: "Content-Type: text/plain; charset=utf-8\r\n")
    appendContentLength(text.utf8CodeUnitCount)
    append(copying: "\r\n")
    if method != .head { append(copying: text) }
  }
}
