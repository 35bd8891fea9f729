import Pool

extension Reader {
  /// Those that are ours to set, or the connection's.
  private static let ownHeaders = [
    "host", "content-length", "content-type", "transfer-encoding", "connection", "expect",
  ]

  func headers(_ section: Section) -> [NoticeReceiver.Header] {
    let plain = entries(section["headers"], example: "{X-Team: ops}").compactMap { name, field in
      headerValue(field).map { NoticeReceiver.Header(name: name, value: .text($0)) }
    }
    let files = entries(section["header_files"], example: "{Authorization: ops.token}").compactMap { name, field in
      secret(field).map { NoticeReceiver.Header(name: name, value: .file(path: $0)) }
    }
    let all = plain + files
    for header in files where plain.contains(where: { $0.name.lowercased() == header.name.lowercased() }) {
      section["header_files"]?.problem("headers has \(header.name) too", "keep one of the two")
    }
    return all.sorted { $0.name < $1.name }
  }

  private func entries(_ field: Field?, example: String) -> [(name: String, value: Field)] {
    guard let field else { return [] }
    switch field.shape {
    case .mapping: break
    // Not repeated, since it may be a secret.
    case .plain, .quoted:
      field.problem("it is one text", "write \(example)")
      return []
    case .empty, .list, .tagged:
      field.wrongShape(expected: example)
      return []
    }
    guard let entries = field.entries(expected: example), entries.count <= NotifyBounds.headers else {
      field.problem("there are too many headers", "write at most \(NotifyBounds.headers)")
      return []
    }
    return entries.filter { isHeaderName($0.name, $0.value) }
  }

  private func isHeaderName(_ name: String, _ field: Field) -> Bool {
    // RFC 9110 section 5.6.2.
    let isToken = name.utf8.allSatisfy { byte in
      UnicodeScalar(byte).properties.isAlphabetic && byte < 0x80 || (0x30...0x39).contains(byte)
        || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
    if !isToken || name.isEmpty {
      findings.add(field.keySpot, field.path, "\(quoted(name)) cannot be a header's name", "write it as in X-Team")
      return false
    }
    if Self.ownHeaders.contains(name.lowercased()) {
      findings.add(field.keySpot, field.path, "\(name) is set by masterpool", "take it out")
      return false
    }
    return true
  }

  private func headerValue(_ field: Field) -> String? {
    switch field.shape {
    case .plain(let text), .quoted(let text):
      let isFine =
        text.utf8.count <= Field.maxTextBytes
        && !text.unicodeScalars.contains { $0.value < 0x20 && $0.value != 9 || $0.value == 0x7F }
      if isFine { return text }
      field.problem("the value is too long or holds a control character", "write it in one line")
    case .empty, .list, .mapping, .tagged: field.wrongShape(expected: "a text")
    }
    return nil
  }
}
