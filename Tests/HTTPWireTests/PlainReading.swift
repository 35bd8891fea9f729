/// A head as a simple-minded next reader takes it: split at CR LF and at the first colon. Written without the parser
/// under test, to be asked whether what that forwards can be read in one way only.
struct PlainHead {
  let requestLine: [String]
  let fields: [(name: String, value: String)]

  /// Nil where the bytes are not whole lines ended by an empty one.
  init?(_ bytes: [UInt8]) {
    let text = bytes.map { Character(UnicodeScalar($0)) }
    var lines: [String] = []
    var line = ""
    var index = 0
    while index < bytes.count {
      if bytes[index] == 13, index + 1 < bytes.count, bytes[index + 1] == 10 {
        lines.append(line)
        line = ""
        index += 2
        continue
      }
      guard bytes[index] >= 32 || bytes[index] == 9, bytes[index] != 127 else { return nil }
      line.append(text[index])
      index += 1
    }
    guard line.isEmpty, lines.count >= 2, lines.last == "", !lines.dropLast().contains("") else { return nil }
    requestLine = lines[0].split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    var fields: [(name: String, value: String)] = []
    for line in lines.dropFirst().dropLast() {
      guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return nil }
      var value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      while let last = value.last, last == " " || last == "\t" { value.removeLast() }
      fields.append((String(line[..<colon]), String(value)))
    }
    self.fields = fields
  }

  /// A name as a CGI-like master makes an environment variable of it.
  static func folded(_ name: String) -> String {
    String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  func values(_ folded: String) -> [String] {
    fields.filter { PlainHead.folded($0.name) == folded }.map(\.value)
  }
}

/// A chunked body as a simple-minded reader takes it; nil where it is no whole one.
func plainDechunk(_ bytes: [UInt8]) -> (payload: [UInt8], count: Int)? {
  var payload: [UInt8] = []
  var at = 0
  func line() -> [UInt8]? {
    guard let end = bytes[at...].firstIndex(of: 10), end > at, bytes[end - 1] == 13 else { return nil }
    let line = bytes[at..<(end - 1)]
    at = end + 1
    return line.contains(13) ? nil : Array(line)
  }
  while true {
    guard let header = line() else { return nil }
    let digits = String(decoding: header.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
    guard digits.allSatisfy(\.isHexDigit), let size = Int(digits, radix: 16) else { return nil }
    if size == 0 { break }
    guard size <= bytes.count - at else { return nil }
    payload += bytes[at..<(at + size)]
    at += size
    guard line() == [] else { return nil }
  }
  while let trailer = line() {
    if trailer.isEmpty { return (payload, at) }
  }
  return nil
}
