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

extension ResponseHead {
  /// The value of the first field called `name` (in lower case, of letters, digits and `-`), without blanks around it.
  /// A walk over all lines: for what is asked now and then, not for each response.
  public func field(_ name: StaticString, in bytes: Span<UInt8>) -> ByteRange? { section.field(name, in: bytes) }
}

extension FieldSection {
  fileprivate func field(_ name: StaticString, in bytes: Span<UInt8>) -> ByteRange? {
    var at = found.start
    while at < found.line {
      let nameEnd = bytes.endOfToken(from: at)
      let end = bytes.endOfText(from: nameEnd)
      if bytes.matches(ByteRange(at, nameEnd), name) { return bytes.trimmed(nameEnd &+ 1, end) }
      at = end &+ 2
    }
    return nil
  }
}
