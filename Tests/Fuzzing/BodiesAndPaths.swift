import HTTPWire

/// A chunked body ends at the same place whoever asks and however it was cut, and is whole without its trailers.
@Sendable func fuzzChunks(_ bytes: [UInt8]) {
  let whole = Dechunked(bytes, step: bytes.count)
  let pieces = Dechunked(bytes, step: 1)
  hold(whole.end == pieces.end, "cut, the body ends with \(pieces.end), not \(whole.end)")
  hold(whole.payload == pieces.payload, "cut, the payload is another")
  var scanner = ChunkScanner()
  hold(scanner.follow(bytes.span, limits: ChunkLimits()) == whole.end, "followed, the body ends elsewhere")
  guard case .ended(let count) = whole.end else { return }
  hold(count <= bytes.count, "ended behind its end")
  let relayed = Dechunked(whole.relayed, step: max(1, whole.relayed.count))
  hold(
    relayed.end == .ended(whole.relayed.count) && relayed.payload == whole.payload,
    "without its trailers the body is another")
}

private struct Dechunked {
  var payload: [UInt8] = []
  /// All but the trailers.
  var relayed: [UInt8] = []
  var end = ChunkProgress.more

  init(_ bytes: [UInt8], step: Int) {
    var scanner = ChunkScanner()
    var at = 0
    var until = 0
    while true {
      until = min(bytes.count, until + max(1, step))
      while true {
        let rest = bytes[at..<until]
        switch scanner.scan(bytes.span.extracting(at..<until), limits: ChunkLimits()) {
        case .framing(let count):
          relayed += rest.prefix(count)
          at += count
        case .payload(let count):
          relayed += rest.prefix(count)
          payload += rest.prefix(count)
          at += count
        case .trailer(let count): at += count
        case .end(let count):
          relayed += rest.prefix(count)
          end = .ended(at + count)
          return
        case .invalid(let refusal):
          end = .invalid(refusal)
          return
        case .needMore:
          hold(at == until, "more is needed than there is")
        }
        if at == until { break }
      }
      if until == bytes.count { return }
    }
  }
}

/// A path that is let through has one reading: no dots, no second escape, and made plain once more it is the same.
@Sendable func fuzzPath(_ target: [UInt8]) {
  guard let path = normalized(target), path != Array("*".utf8) else { return }
  guard let text = String(validating: path, as: UTF8.self) else { broken("a path that is not UTF-8") }
  hold(path.first == UInt8(ascii: "/"), "\(text) does not start with a slash")
  hold(!path.contains { $0 < 32 || $0 == 127 || $0 == UInt8(ascii: "\\") }, "\(text) holds a control byte or \\")
  let segments = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
  hold(!segments.dropLast().contains { $0.isEmpty }, "\(text) has an empty segment")
  for segment in segments {
    let name = segment.prefix { $0 != UInt8(ascii: ";") }
    hold(!name.elementsEqual([46]) && !name.elementsEqual([46, 46]), "\(text) has a dot segment")
  }
  hold(normalized(escaped(path)) == path, "\(text) is not what it was when made plain again")
}

private func normalized(_ target: [UInt8]) -> [UInt8]? {
  var verdict = PathVerdict.refused(.notAPath)
  let path = [UInt8](capacity: target.count + 1) { verdict = normalizePath(target.span, into: &$0) }
  guard case .path(let count) = verdict else { return nil }
  hold(count == path.count, "\(count) bytes were said, \(path.count) written")
  return path
}

private func escaped(_ path: [UInt8]) -> [UInt8] {
  let digits = Array("0123456789ABCDEF".utf8)
  return path.flatMap { byte -> [UInt8] in
    let isPlain = byte == UInt8(ascii: "/") || (byte | 0x20) &- 97 < 26 || byte &- 48 < 10
    return isPlain ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }
}
