/// How much of a file a request is to get.
public enum FileShare: BitwiseCopyable, Hashable, Sendable {
  case whole
  /// 206: `start..<end`, which is not empty.
  case part(start: Int, end: Int)
  /// 416: nothing of the range is in the file.
  case beyond
  /// 304: the agent has it already.
  case unchanged
  /// 412: it is not the one that the agent meant.
  case mismatched
}

extension RequestHead {
  /// Weighs the conditions and the range of a GET or HEAD request in the order of RFC 9110 §13.2.2. `time` is now, in
  /// seconds since 1970.
  public func share(of file: FileStamp, in bytes: Span<UInt8>, at time: Int) -> FileShare {
    if misses(file, bytes) { return .mismatched }
    if hasIt(file, bytes) { return .unchanged }
    guard method == .get, let range = field("range", in: bytes), mayResume(file, bytes, time) else { return .whole }
    return bytes.part(range, of: file.size)
  }

  /// RFC 9110 §13.1.1 and §13.1.4.
  private func misses(_ file: FileStamp, _ bytes: Span<UInt8>) -> Bool {
    if let tags = field("if-match", in: bytes) { return !bytes.names(file, in: tags, weakly: false) }
    guard let date = date("if-unmodified-since", bytes) else { return false }
    return file.modifiedSecond > date
  }

  /// RFC 9110 §13.1.2 and §13.1.3.
  private func hasIt(_ file: FileStamp, _ bytes: Span<UInt8>) -> Bool {
    if let tags = field("if-none-match", in: bytes) { return bytes.names(file, in: tags, weakly: true) }
    guard let date = date("if-modified-since", bytes) else { return false }
    return file.modifiedSecond <= date
  }

  /// RFC 9110 §13.1.5: a part is of use only to who has the rest of the very same file. A date that is younger than a
  /// second may stand for two states.
  private func mayResume(_ file: FileStamp, _ bytes: Span<UInt8>, _ time: Int) -> Bool {
    guard let value = field("if-range", in: bytes) else { return true }
    if let date = HTTPDate.parse(bytes.extracting(value)) {
      return date == file.modifiedSecond && date < time
    }
    return !bytes.matches(value, "*") && bytes.names(file, in: value, weakly: false)
  }

  private func date(_ name: StaticString, _ bytes: Span<UInt8>) -> Int? {
    field(name, in: bytes).flatMap { HTTPDate.parse(bytes.extracting($0)) }
  }
}

extension Span where Element == UInt8 {
  /// True where a list of entity tags has the file's, or is `*`. What is no list names nothing.
  fileprivate func names(_ file: FileStamp, in list: ByteRange, weakly: Bool) -> Bool {
    if list.count == 1, self[Int(list.start)] == ASCII.asterisk { return true }
    var at = Int(list.start)
    let end = Int(list.end)
    while at < end {
      if ASCII.isBlank(self[at]) || self[at] == ASCII.comma {
        at &+= 1
        continue
      }
      let isWeak = at &+ 1 < end && self[at] == UInt8(ascii: "W") && self[at &+ 1] == ASCII.slash
      if isWeak { at &+= 2 }
      let open = at
      guard at < end, self[at] == ASCII.quote else { return false }
      repeat { at &+= 1 } while at < end && self[at] != ASCII.quote
      guard at < end else { return false }
      at &+= 1
      if weakly || !isWeak, isTag(of: file, open, at) { return true }
    }
    return false
  }

  private func isTag(of file: FileStamp, _ start: Int, _ end: Int) -> Bool {
    guard end &- start <= FileStamp.tagCapacity else { return false }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FileStamp.tagCapacity) { room in
      var out = OutputSpan(buffer: room, initializedCount: 0)
      file.appendTag(into: &out)
      let tag = UnsafeBufferPointer(rebasing: room[..<out.finalize(for: room)])
      guard tag.count == end &- start else { return false }
      for index in tag.indices where tag[index] != self[start &+ index] { return false }
      return true
    }
  }

  /// RFC 9110 §14.1.2. Several ranges, other units and what cannot be read are answered with the whole, as §14.2 allows.
  fileprivate func part(_ value: ByteRange, of size: Int) -> FileShare {
    let unit = Int(value.start) &+ 5
    let end = Int(value.end)
    guard unit < end, matches(ByteRange(Int(value.start), unit), "bytes"), self[unit] == ASCII.equals else {
      return .whole
    }
    let range = trimmed(unit &+ 1, end)
    var at = Int(range.start)
    let first = number(&at, upTo: end)
    guard at < end, self[at] == ASCII.dash else { return .whole }
    at &+= 1
    let last = number(&at, upTo: end)
    guard at == Int(range.end) else { return .whole }
    switch (first, last) {
    case (nil, nil): return .whole
    case (nil, let length?):
      if length == 0 { return .beyond }
      return size == 0 ? .whole : .part(start: size - Swift.min(length, size), end: size)
    case (let first?, nil): return first < size ? .part(start: first, end: size) : .beyond
    case (let first?, let last?):
      if last < first { return .whole }
      return first < size ? .part(start: first, end: Swift.min(last, size - 1) + 1) : .beyond
    }
  }

  /// Nil where there is no digit. What is larger than any file is cut to that.
  private func number(_ at: inout Int, upTo end: Int) -> Int? {
    let start = at
    var number = 0
    while at < end, ASCII.isDigit(self[at]) {
      number = Swift.min(number &* 10 &+ Int(self[at] &- ASCII.zero), 99_999_999_999_999_999)
      at &+= 1
    }
    return at > start ? number : nil
  }
}
