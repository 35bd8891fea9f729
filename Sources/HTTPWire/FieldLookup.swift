extension RequestHead {
  /// The value of the first field called `name` (in lower case, of letters, digits and `-`), without blanks around it.
  /// A walk over all lines: for what is asked now and then, not for each request.
  public func field(_ name: StaticString, in bytes: Span<UInt8>) -> ByteRange? { section.field(name, in: bytes) }

  /// What stands behind the target's first `?`, as it came.
  public func query(in bytes: Span<UInt8>) -> ByteRange {
    for at in Int(target.start)..<Int(target.end) where bytes[at] == ASCII.question {
      return ByteRange(at &+ 1, Int(target.end))
    }
    return ByteRange()
  }
}

extension RequestHead {
  /// Its Accept names a kind of JSON.
  public func acceptsJSON(_ bytes: Span<UInt8>) -> Bool {
    guard let value = field("accept", in: bytes) else { return false }
    let text = bytes.extracting(value)
    guard text.count >= 4 else { return false }
    for start in 0...(text.count - 4) where bytes.matches(value.part(start, 4), "json") { return true }
    return false
  }

  /// RFC 9112 §3.2.4.
  public func isForServer(_ bytes: Span<UInt8>) -> Bool { bytes.extracting(target).isEqual(to: "*") }
}

extension ByteRange {
  fileprivate func part(_ offset: Int, _ count: Int) -> ByteRange {
    ByteRange(Int(start) + offset, Int(start) + offset + count)
  }
}

extension ResponseHead {
  /// The value of the first field called `name` (in lower case, of letters, digits and `-`), without blanks around it.
  /// A walk over all lines: for what is asked now and then, not for each response.
  public func field(_ name: StaticString, in bytes: Span<UInt8>) -> ByteRange? { section.field(name, in: bytes) }
}

/// The same in a head that `writeRequest` wrote; `bytes` may go on behind it.
public func field(_ name: StaticString, ofWritten bytes: Span<UInt8>) -> ByteRange? {
  let end = bytes.endOfText(from: 0)
  return bytes.field(name, from: end &+ 2, to: bytes.count)
}

extension FieldSection {
  fileprivate func field(_ name: StaticString, in bytes: Span<UInt8>) -> ByteRange? {
    bytes.field(name, from: found.start, to: found.line)
  }
}

extension Span where Element == UInt8 {
  /// Until the empty line or `limit`, whichever comes first.
  fileprivate func field(_ name: StaticString, from start: Int, to limit: Int) -> ByteRange? {
    var at = start
    while at < limit, self[at] != ASCII.carriageReturn {
      let nameEnd = endOfToken(from: at)
      let end = endOfText(from: nameEnd)
      if matches(ByteRange(at, nameEnd), name) { return trimmed(nameEnd &+ 1, end) }
      at = end &+ 2
    }
    return nil
  }
}
